import os from "node:os";
import { monitorEventLoopDelay, performance } from "node:perf_hooks";
import type { ProcessLoad } from "@nexus/contracts";

export interface ProcessGauge {
  /** Load since the last reading. */
  read(): ProcessLoad;
  stop(): void;
}

const RESOLUTION_MS = 20;

/**
 * What this process takes of the machine: its share of all cores, its memory as a share of what it may have (the
 * container's limit where there is one), and the 99th percentile by which the event loop was late.
 */
export function createProcessGauge(): ProcessGauge {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  let usage = process.cpuUsage();
  let atMs = performance.now();
  return {
    read() {
      const nowMs = performance.now();
      const used = process.cpuUsage(usage);
      const elapsedUs = Math.max(1, (nowMs - atMs) * 1_000);
      usage = process.cpuUsage();
      atMs = nowMs;
      const lateMs = Number.isFinite(delay.percentile(99)) ? delay.percentile(99) / 1e6 - RESOLUTION_MS : 0;
      delay.reset();
      return {
        cpu: share((used.user + used.system) / elapsedUs / os.availableParallelism()),
        memory: share(process.memoryUsage.rss() / memoryLimit()),
        eventLoopDelayMs: Math.min(3_600_000, Math.max(0, lateMs)),
      };
    },
    stop: () => delay.disable(),
  };
}

function memoryLimit(): number {
  const constrained = process.constrainedMemory();
  return constrained > 0 && constrained < os.totalmem() ? constrained : os.totalmem();
}

function share(value: number): number {
  return Math.min(1, Math.max(0, value));
}
