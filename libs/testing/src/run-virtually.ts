import type { VirtualClock } from "./virtual-clock.ts";

/** Timers that one run fires at most. */
const STEPS_MAX = 100_000;

/**
 * Moves virtual time from timer to timer until `work` has settled; between two timers everything happens that needs no
 * time. For code whose waiting is promises, microtasks and the clock's timers: a memory broker needs
 * `defer: queueMicrotask`.
 * @returns as `work` does
 * @throws Error where nothing is left to wait for, or after 100,000 timers, and `work` has not settled
 */
export async function runVirtually<T>(clock: VirtualClock, work: Promise<T>): Promise<T> {
  let settled = false;
  const settle = (): void => {
    settled = true;
  };
  work.then(settle, settle);
  for (let steps = 0; ; steps++) {
    await nextTurn();
    if (settled) return work;
    const { nextAtMs } = clock;
    if (nextAtMs === undefined) throw new Error(`at ${clock.monotonicMs()} ms no timer is left and the work has not ended`);
    if (steps === STEPS_MAX) throw new Error(`${STEPS_MAX} timers ran by ${clock.monotonicMs()} ms and the work has not ended`);
    clock.advanceTo(nextAtMs);
  }
}

/** Resolves after every microtask that is pending or that those lead to. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
