import { availableParallelism, totalmem } from "node:os";
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { ProcessLoad } from "@nexus/contracts";

const RESOLUTION_MS = 10;

export interface ProcessGauge {
  /** The load since the previous `read`, or since the gauge was made. */
  read(): ProcessLoad;
  /** Ends the measuring of the event loop; `read` may not be called afterwards. */
  stop(): void;
}

/**
 * What this process takes of its machine or, where it runs under a memory limit, of its container: processor share in
 * [0, 1] of the available cores, resident share in [0, 1] of the memory, and p99 of the event loop's delay in ms.
 */
export function createProcessGauge(): ProcessGauge {
  const cores = availableParallelism();
  const memoryBytes = memoryLimitBytes();
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  let usage = process.cpuUsage();
  let readAtMs = performance.now();
  let last = 0;
  return {
    read() {
      const nowMs = performance.now();
      const elapsedMs = nowMs - readAtMs;
      if (elapsedMs >= 1) {
        const spent = process.cpuUsage(usage);
        last = share((spent.user + spent.system) / 1_000 / (elapsedMs * cores));
        usage = process.cpuUsage();
        readAtMs = nowMs;
      }
      // The histogram holds intervals between its own ticks, so its resolution is no delay. Empty, it yields 0 or NaN.
      const p99Ms = delay.percentile(99) / 1e6 - RESOLUTION_MS;
      delay.reset();
      return {
        cpu: last,
        memory: share(process.memoryUsage.rss() / memoryBytes),
        eventLoopDelayMs: Math.max(p99Ms || 0, 0),
      };
    },
    stop: () => {
      delay.disable();
    },
  };
}

/** Without a limit, `constrainedMemory` is 0 or a number far beyond the machine's memory. */
function memoryLimitBytes(): number {
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}

function share(value: number): number {
  return Math.min(1, Math.max(0, value));
}
