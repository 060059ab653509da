import type { Clock, Timer } from "@nexus/ports";

/** The longest delay that Node's timers hold; beyond it they fire at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** The machine's time. Its timers never keep the process alive. */
export const systemClock: Clock = {
  epochMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  schedule: (delayMs, action) => (delayMs > 0 ? scheduleTimeout(delayMs, action) : scheduleImmediate(action)),
};

function scheduleImmediate(action: () => void): Timer {
  const immediate = setImmediate(action);
  immediate.unref();
  return { cancel: () => clearImmediate(immediate) };
}

function scheduleTimeout(delayMs: number, action: () => void): Timer {
  const dueMs = performance.now() + delayMs;
  let timeout: NodeJS.Timeout;
  const arm = (restMs: number): void => {
    timeout = setTimeout(onTimeout, Math.min(Math.ceil(restMs), TIMER_MS_MAX));
    timeout.unref();
  };
  // Node counts whole milliseconds from the loop's cached time, so a timer may fire a fraction early.
  const onTimeout = (): void => {
    const restMs = dueMs - performance.now();
    if (restMs > 0) arm(restMs);
    else action();
  };
  arm(delayMs);
  return { cancel: () => clearTimeout(timeout) };
}
