import type { Clock, Timer } from "@nexus/ports";

/**
 * Time that stands still until a test moves it.
 *
 * Invariants
 * T1. Timers run in the order of their time, then in that of their scheduling, with the clock standing at their time.
 * T2. No timer runs inside `schedule`; one that is scheduled during a move runs in the same move if its time has come.
 * T3. Every move is bounded, so that timers which reschedule themselves without delay fail the test and do not hang it.
 * T4. `epochMs` and `monotonicMs` advance together; the latter begins at 0.
 */
export interface VirtualClock extends Clock {
  /** Moves time forward and runs what comes due. @throws RangeError on a negative or non-finite `ms` */
  advance(ms: number): void;
  /** As `advance`, to a monotonic time. @throws RangeError where that has passed */
  advanceTo(monotonicMs: number): void;
  /** Runs timers, moving time to each, until none is left. @returns how many ran @throws Error when more than `stepsMax` would */
  runAll(stepsMax: number): number;
  /** Timers that wait. */
  readonly pending: number;
  /** Monotonic time of the next timer. */
  readonly nextAtMs: number | undefined;
}

/** Timers that one move of the clock runs at most (T3). */
const STEPS_MAX = 1_000_000;

interface Waiting {
  readonly atMs: number;
  readonly order: number;
  readonly action: () => void;
}

/** @param options `startEpochMs`: the wall clock at the start; by default 2026-01-01T00:00:00Z */
export function createVirtualClock(options: { readonly startEpochMs?: number } = {}): VirtualClock {
  const startEpochMs = options.startEpochMs ?? Date.UTC(2026, 0, 1);
  /** Ascending by time, then by order. */
  const waiting: Waiting[] = [];
  let nowMs = 0;
  let scheduled = 0;

  const runUntil = (untilMs: number, stepsMax: number): number => {
    let steps = 0;
    for (let next = waiting[0]; next !== undefined && next.atMs <= untilMs; next = waiting[0]) {
      if (steps === stepsMax) throw new Error(`${stepsMax} timers ran by ${nowMs} ms and ${waiting.length} still wait`);
      waiting.shift();
      // An action may itself have moved the clock further.
      nowMs = Math.max(nowMs, next.atMs);
      steps++;
      next.action();
    }
    return steps;
  };
  const advanceTo = (monotonicMs: number): void => {
    if (!Number.isFinite(monotonicMs) || monotonicMs < nowMs) {
      throw new RangeError(`the clock stands at ${nowMs} ms and cannot move to ${monotonicMs} ms`);
    }
    runUntil(monotonicMs, STEPS_MAX);
    nowMs = Math.max(nowMs, monotonicMs);
  };

  return {
    epochMs: () => Math.floor(startEpochMs + nowMs),
    monotonicMs: () => nowMs,
    schedule(delayMs, action): Timer {
      if (Number.isNaN(delayMs)) throw new RangeError("a delay must be a number of milliseconds");
      const timer: Waiting = { atMs: nowMs + Math.max(0, delayMs), order: scheduled++, action };
      waiting.splice(placeOf(waiting, timer), 0, timer);
      return {
        cancel() {
          const place = placeOf(waiting, timer);
          if (waiting[place] === timer) waiting.splice(place, 1);
        },
      };
    },
    advance: (ms) => advanceTo(nowMs + ms),
    advanceTo,
    runAll: (stepsMax) => runUntil(Number.MAX_VALUE, stepsMax),
    get pending() {
      return waiting.length;
    },
    get nextAtMs() {
      return waiting[0]?.atMs;
    },
  };
}

/** Where a timer stands, or would. O(log n). */
function placeOf(waiting: readonly Waiting[], timer: Waiting): number {
  let [low, high] = [0, waiting.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const other = waiting[middle] as Waiting;
    if (other.atMs < timer.atMs || (other.atMs === timer.atMs && other.order < timer.order)) low = middle + 1;
    else high = middle;
  }
  return low;
}
