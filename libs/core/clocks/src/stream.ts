import type { Dot, DotRange, Scope } from "./dot.ts";

/** One scope of one session as a recipient has seen it: how far it is, what waits behind a hole, and what will not come. */

export interface CausalMessage<M> {
  readonly dot: Dot;
  /** The dot of the same session and scope that was sent to this recipient before it; 0 where there was none. */
  readonly before: number;
  /** What must have ended here first. */
  readonly after: readonly Dot[];
  readonly body: M;
  readonly bytes: number;
  /** When nobody waits for it any more. */
  readonly untilMs: number;
}

/** Dots that did not come, and are not waited for any more. */
export interface Missing extends DotRange {
  /** Whether the message depends on them; else they only went before it in its scope. */
  readonly cause: boolean;
}

export interface Waiting<M> {
  readonly message: CausalMessage<M>;
  readonly sinceMs: number;
  /** What it still has to wait for. */
  readonly after: readonly Dot[];
  /** Nothing will be delivered: it only holds its place in the order. */
  husk: boolean;
}

interface Run {
  readonly from: number;
  readonly to: number;
}

/** Runs of given-up dots that one stream remembers. */
const GONE_MAX = 64;

export class Stream<M> {
  readonly session: string;
  readonly scope: Scope;
  /** Everything up to here was delivered, was not for this recipient, or is gone. */
  at = 0;
  /** The highest dot heard of from the session itself. */
  seen = 0;
  /** Since when `seen` is ahead with nothing waiting: what came was dropped. */
  stuckSinceMs: number | undefined;
  usedMs = 0;
  /** Delivered and not ended. */
  readonly running = new Set<number>();
  /** By dot, ascending. */
  readonly #waiting: Waiting<M>[] = [];
  #gone: Run[] = [];

  constructor(session: string, scope: Scope) {
    this.session = session;
    this.scope = scope;
  }

  get head(): Waiting<M> | undefined {
    return this.#waiting[0];
  }

  get waiting(): readonly Waiting<M>[] {
    return this.#waiting;
  }

  /** The end of the first hole; `at` where there is none. */
  get holeTo(): number {
    return this.head === undefined ? this.seen : Math.max(this.at, this.head.message.before);
  }

  /** Since when the one that has waited longest waits. */
  get oldestSinceMs(): number {
    return this.#waiting.reduce((oldest, { sinceMs }) => Math.min(oldest, sinceMs), Number.POSITIVE_INFINITY);
  }

  holds(seq: number): boolean {
    return this.#waiting[this.#placeOf(seq)]?.message.dot.seq === seq;
  }

  insert(waiting: Waiting<M>): void {
    this.#waiting.splice(this.#placeOf(waiting.message.dot.seq), 0, waiting);
  }

  shift(): void {
    this.#waiting.shift();
  }

  isGone(seq: number): boolean {
    return this.goneRunAt(seq) !== undefined;
  }

  /** The run of given-up dots that holds this one. */
  goneRunAt(seq: number): Run | undefined {
    return this.#gone.find(({ from, to }) => from <= seq && seq <= to);
  }

  /** @returns whether an older run had to be forgotten for it */
  giveUp(from: number, to: number): boolean {
    const apart = this.#gone.filter((run) => run.to + 1 < from || to + 1 < run.from);
    const touching = this.#gone.filter((run) => !apart.includes(run));
    const joined = touching.reduce((all, run) => ({ from: Math.min(all.from, run.from), to: Math.max(all.to, run.to) }), {
      from,
      to,
    });
    const all = [...apart, joined];
    this.#gone = all.slice(-GONE_MAX);
    return all.length > GONE_MAX;
  }

  /** Where the dot is, or would be put. */
  #placeOf(seq: number): number {
    let [low, high] = [0, this.#waiting.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#waiting[middle]?.message.dot.seq ?? 0) < seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
