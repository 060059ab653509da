import { createProcessGauge, type ProcessGauge } from "@nexus/adapter-node";
import type { ProcessLoad } from "@nexus/contracts";

/** Reading a gauge begins its next interval; those who ask together are told the same. */
const FRESH_MS = 500;

let gauge: ProcessGauge | undefined;
let last: { readonly load: ProcessLoad; readonly atMs: number } | undefined;

/** Begins to measure this process: once, however many services it runs. */
export function measureProcess(): void {
  gauge ??= createProcessGauge();
}

/** The load of this process since it was last asked for. */
export function processLoad(): ProcessLoad {
  measureProcess();
  const nowMs = performance.now();
  if (gauge !== undefined && (last === undefined || nowMs - last.atMs >= FRESH_MS)) last = { load: gauge.read(), atMs: nowMs };
  return last?.load ?? { cpu: 0, memory: 0, eventLoopDelayMs: 0 };
}
