import { performance } from "node:perf_hooks";
import type { Clock } from "@nexus/ports";

/** The machine's own time. Timers do not keep the process alive. */
export const systemClock: Clock = {
  epochMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  schedule(delayMs, action) {
    if (delayMs <= 0) {
      const immediate = setImmediate(action);
      return { cancel: () => clearImmediate(immediate) };
    }
    const timer = setTimeout(action, delayMs);
    timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
};
