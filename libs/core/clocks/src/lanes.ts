import { clockLimits, lineOf, type VectorClock } from "./vector-clock.ts";

/**
 * The lines of operations that a session carries on at the same time. Whoever begins one takes the lowest lane that is free
 * and gives it back at its end; so what overlaps is concurrent by its clocks, and what comes later in a lane is after what
 * was there. Lanes are as many as lines ever overlapped.
 */
export class Lanes {
  readonly #session: string;
  /** By lane: how many operations it has had. */
  readonly #counts: number[] = [];
  readonly #free: number[] = [];

  constructor(session: string) {
    this.#session = session;
  }

  /** Lanes ever used. */
  get size(): number {
    return this.#counts.length;
  }

  /** Undefined where all are taken. O(free lanes). */
  take(): number | undefined {
    const lowest = this.#free.reduce((best, lane, at) => (lane < (this.#free[best] ?? lane) ? at : best), 0);
    const [lane] = this.#free.splice(lowest, 1);
    if (lane !== undefined) return lane;
    if (this.#counts.length > clockLimits.laneMax) return undefined;
    return this.#counts.push(0) - 1;
  }

  giveBack(lane: number): void {
    this.#free.push(lane);
  }

  /** Whether the session has had all that the clock counts of it. */
  hasHad(clock: VectorClock): boolean {
    return clock.entries().every(([line, count]) => {
      const [session, lane = "0"] = line.split(".");
      return session !== this.#session || count <= (this.#counts[Number(lane)] ?? 0);
    });
  }

  /** The next operation of a lane that was taken: its line, and its count there. */
  next(lane: number): { readonly line: string; readonly count: number } {
    const count = (this.#counts[lane] ?? 0) + 1;
    this.#counts[lane] = count;
    return { line: lineOf(this.#session, lane), count };
  }
}
