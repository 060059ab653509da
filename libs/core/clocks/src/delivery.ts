import { type Dot, type DotRange, isDot, isSeq, type Scope } from "./dot.ts";
import { type Pace, Questions } from "./questions.ts";
import type { CausalMessage, Missing, Stream, Waiting } from "./stream.ts";
import { Streams, type StreamsOptions } from "./streams.ts";

/**
 * A recipient's side of causal delivery (Birman, Schiper, Stephenson 1991, for senders that count their sends of a scope, and
 * with dots for what was sent to some of them). Pure: time is an argument (milliseconds, never going back), and what is to be
 * done comes back as effects, in their order.
 *
 * Invariants
 * D1. A message is delivered when the one before it in its session and scope was delivered, and when everything that it names
 *     in `after` has ended here. Until then it waits.
 * D2. A dot is delivered at most once.
 * D3. What waits is bounded in count, bytes and age. What finds no room is as if it had been lost: it is asked for again.
 * D4. What is missing is asked for. What cannot be had is given up by an explicit `gap`, is named to whoever depends on it,
 *     and is not delivered when it comes later: there is no silent reorder.
 * D5. Only a session's own word moves its order on. What others claim of it (`after` may come from a client's token) makes
 *     their own message wait, for no longer than its age, and nothing else.
 */

export interface DeliveryOptions extends StreamsOptions, Pace {
  /** Scopes that the recipient is in; messages of another are refused, dependencies on another are none of its own. */
  readonly scopes: ReadonlySet<Scope>;
  /** Messages that wait, and their bytes. */
  readonly countMax: number;
  readonly bytesMax: number;
  /** How long a message waits for what is missing; twice as long for what waits here itself. */
  readonly ageMsMax: number;
  /** Dependencies of a message. */
  readonly afterMax: number;
}

export const deliveryDefaults: Omit<DeliveryOptions, "scopes"> = {
  countMax: 1_024,
  bytesMax: 4 * 1_048_576,
  ageMsMax: 2_000,
  streamsMax: 1_024,
  streamIdleMs: 3_660_000,
  afterMax: 256,
  askAfterMs: 20,
  askEveryMs: 250,
};

export type Effect<M> =
  | { readonly kind: "deliver"; readonly message: CausalMessage<M>; readonly missing: readonly Missing[] }
  /** It waited and will not be delivered: its time was up, or it was given up by whoever waited for it. */
  | { readonly kind: "drop"; readonly message: CausalMessage<M> }
  /** Of the session. */
  | { readonly kind: "ask"; readonly range: DotRange }
  | { readonly kind: "gap"; readonly range: DotRange; readonly reason: GapReason };

/** `lost`: the session no longer has it; `aged`: it did not come in time; `overflow`: there was no room to wait for it. */
export type GapReason = "lost" | "aged" | "overflow";

export type Verdict =
  | "delivered"
  | "waiting"
  /** A repeat of what waits. */
  | "duplicate"
  /** A repeat of what was delivered. */
  | "past"
  /** Given up before it came. */
  | "passed-over"
  /** No room: it will be asked for. */
  | "dropped"
  | { readonly refused: string };

export interface Step<M> {
  readonly verdict: Verdict;
  readonly effects: readonly Effect<M>[];
}

export class CausalDelivery<M> {
  readonly #options: DeliveryOptions;
  readonly #streams: Streams<M>;
  readonly #questions: Questions;
  #count = 0;
  #bytes = 0;
  #earliestUntilMs = Number.POSITIVE_INFINITY;
  #wakeMs: number | undefined;
  #overflows = 0;
  #effects: Effect<M>[] = [];

  constructor(options: Partial<DeliveryOptions> & Pick<DeliveryOptions, "scopes">) {
    this.#options = { ...deliveryDefaults, ...options };
    this.#streams = new Streams(this.#options);
    this.#questions = new Questions(this.#options);
  }

  /** Messages that wait. */
  get size(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Sessions times scopes that are remembered. */
  get streams(): number {
    return this.#streams.size;
  }

  /** How often something was dropped, refused or forgotten for want of room (D3). */
  get overflows(): number {
    return this.#overflows + this.#streams.overflows;
  }

  /** When `sweep` has something to do; undefined while nothing waits. */
  get wakeMs(): number | undefined {
    return this.#wakeMs;
  }

  /** Takes a message in. Where nothing waits, O(dependencies). */
  receive(message: CausalMessage<M>, nowMs: number): Step<M> {
    const refused = this.#refusal(message);
    if (refused !== undefined) return { verdict: { refused }, effects: [] };
    const { dot } = message;
    const stream = this.#streams.take(dot.session, dot.scope, nowMs);
    if (stream === undefined) {
      this.#overflows++;
      return { verdict: { refused: "too many sessions are remembered to take in another" }, effects: [] };
    }
    stream.seen = Math.max(stream.seen, dot.seq);
    const verdict = this.#take(stream, message, nowMs);
    return { verdict, effects: this.#settle(nowMs) };
  }

  /** The session says that there is nothing for the recipient in the run, or that it is lost. */
  skip({ session, scope, from, to }: DotRange, lost: boolean, nowMs: number): Step<M> {
    if (!isDot({ session, scope, seq: from }) || !isSeq(to, 1) || to < from || !this.#options.scopes.has(scope)) {
      return { verdict: { refused: "no run of dots of a scope that the agent is in" }, effects: [] };
    }
    const stream = this.#streams.take(session, scope, nowMs);
    if (stream === undefined || from > stream.at + 1) return { verdict: "past", effects: this.#settle(nowMs) };
    const end = Math.min(to, (stream.head?.message.dot.seq ?? Number.POSITIVE_INFINITY) - 1);
    if (end > stream.at) {
      if (lost) this.#gap(stream, stream.at + 1, end, "lost");
      this.#moveOn(stream, end);
    }
    return { verdict: "delivered", effects: this.#settle(nowMs) };
  }

  /**
   * What was delivered has ended: whoever depends on it need not wait any more.
   * @param ran false where it was refused or its time was up: whoever depends on it is told so
   */
  ended(dot: Dot, ran: boolean, nowMs: number): readonly Effect<M>[] {
    const stream = this.#streams.find(dot);
    if (stream?.running.delete(dot.seq) !== true) return [];
    if (!ran) this.#streams.giveUp(dot);
    return this.#settle(nowMs);
  }

  /** What time brings: questions, messages that waited long enough, messages whose own time is up. */
  sweep(nowMs: number): readonly Effect<M>[] {
    return this.#settle(nowMs);
  }

  #refusal({ dot, before, after, bytes, untilMs }: CausalMessage<M>): string | undefined {
    if (!isDot(dot)) return "no dot: a session, a scope, and a count within its bounds";
    if (!isSeq(before, 0) || before >= dot.seq) return "the dot before must be below its own";
    if (!(bytes >= 0 && untilMs >= 0)) return "its bytes and its time must be numbers";
    if (!this.#options.scopes.has(dot.scope)) return `the agent is not in the scope "${dot.scope}"`;
    if (after.length > this.#options.afterMax) return `it has more than ${this.#options.afterMax} dependencies`;
    return after.every(isDot) ? undefined : "a dependency is no dot";
  }

  #take(stream: Stream<M>, message: CausalMessage<M>, nowMs: number): Verdict {
    const { seq } = message.dot;
    const isGone = stream.isGone(seq);
    if (seq <= stream.at) return isGone ? "passed-over" : "past"; // D2
    if (stream.holds(seq)) return isGone ? "passed-over" : "duplicate";
    const waiting = { ...this.#waitingOf(message, nowMs), husk: isGone };
    const isNext = stream.head === undefined || seq < stream.head.message.dot.seq;
    if (isNext && this.#isReady(stream, waiting)) {
      this.#deliver(stream, waiting);
      return isGone ? "passed-over" : "delivered";
    }
    const bytes = isGone ? 0 : message.bytes;
    if (this.#count >= this.#options.countMax || this.#bytes + bytes > this.#options.bytesMax) {
      this.#overflows++; // D3
      this.#streams.active.add(stream);
      return isGone ? "passed-over" : "dropped";
    }
    this.#hold(stream, waiting);
    return isGone ? "passed-over" : "waiting";
  }

  #waitingOf(message: CausalMessage<M>, sinceMs: number): Waiting<M> {
    const after = message.after.filter((dot) => this.#options.scopes.has(dot.scope));
    return { message, sinceMs, after, husk: false };
  }

  #hold(stream: Stream<M>, waiting: Waiting<M>): void {
    stream.insert(waiting);
    this.#streams.active.add(stream);
    this.#count++;
    if (waiting.husk) return;
    this.#bytes += waiting.message.bytes;
    this.#earliestUntilMs = Math.min(this.#earliestUntilMs, waiting.message.untilMs);
  }

  /** D1 */
  #isReady(stream: Stream<M>, { message, after, husk }: Waiting<M>): boolean {
    if (message.before > stream.at) return false;
    if (husk) return true;
    return after.every((dot) => !this.#streams.isMissing(dot) && this.#streams.find(dot)?.running.has(dot.seq) !== true);
  }

  #deliver(stream: Stream<M>, { message, after, husk }: Waiting<M>): void {
    this.#moveOn(stream, message.dot.seq);
    if (husk) return;
    const { session, scope } = stream;
    const missing: Missing[] = [];
    for (const dot of after) {
      if (this.#streams.isGone(dot))
        missing.push({ session: dot.session, scope: dot.scope, from: dot.seq, to: dot.seq, cause: true });
    }
    const gone = stream.goneRunAt(message.before);
    if (gone !== undefined) missing.push({ session, scope, ...gone, cause: false });
    stream.running.add(message.dot.seq);
    this.#effects.push({ kind: "deliver", message, missing });
  }

  #moveOn(stream: Stream<M>, at: number): void {
    stream.at = at;
    stream.seen = Math.max(stream.seen, at);
    stream.stuckSinceMs = undefined;
  }

  #settle(nowMs: number): readonly Effect<M>[] {
    this.#wakeMs = undefined;
    if (this.#streams.active.size > 0) {
      this.#endThoseInVain(nowMs);
      this.#release();
      while (this.#giveUpWhatIsOld(nowMs)) this.#release();
    }
    this.#ask(nowMs);
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  /** Delivers whatever can be, until nothing more can. */
  #release(): void {
    const { active } = this.#streams;
    for (let progress = true; progress; ) {
      progress = false;
      for (const stream of active) {
        for (let head = stream.head; head !== undefined && this.#isReady(stream, head); head = stream.head) {
          stream.shift();
          this.#count--;
          if (!head.husk) this.#bytes -= head.message.bytes;
          this.#deliver(stream, head);
          progress = true;
        }
        if (stream.head === undefined && stream.seen <= stream.at) active.delete(stream);
      }
    }
  }

  /** Those whose own time is up keep their place, and nothing else. */
  #endThoseInVain(nowMs: number): void {
    if (nowMs < this.#earliestUntilMs) return;
    this.#earliestUntilMs = Number.POSITIVE_INFINITY;
    for (const stream of this.#streams.active) {
      for (const waiting of stream.waiting) {
        const { untilMs, dot } = waiting.message;
        if (waiting.husk) continue;
        if (untilMs > nowMs) this.#earliestUntilMs = Math.min(this.#earliestUntilMs, untilMs);
        else {
          this.#streams.giveUp(dot);
          this.#empty(waiting);
        }
      }
    }
  }

  #empty(waiting: Waiting<M>): void {
    if (waiting.husk) return;
    waiting.husk = true;
    this.#bytes -= waiting.message.bytes;
    this.#effects.push({ kind: "drop", message: waiting.message });
  }

  /** D4. @returns whether something was given up */
  #giveUpWhatIsOld(nowMs: number): boolean {
    let any = false;
    for (const stream of this.#streams.active) {
      const { head } = stream;
      if (head === undefined) {
        stream.stuckSinceMs ??= nowMs;
        if (nowMs - stream.stuckSinceMs < this.#options.ageMsMax) continue;
        this.#gap(stream, stream.at + 1, stream.seen, "overflow");
        this.#moveOn(stream, stream.seen);
        any = true;
        continue;
      }
      const waitedMs = nowMs - stream.oldestSinceMs;
      if (waitedMs >= this.#options.ageMsMax && this.#giveUpFor(stream, head, waitedMs)) any = true;
    }
    return any;
  }

  /**
   * What a message that has waited long enough still misses. What runs is not missing: its end is waited for. Nor is what
   * waits here itself, which has its own age; but no two wait for each other for ever.
   */
  #giveUpFor(stream: Stream<M>, head: Waiting<M>, waitedMs: number): boolean {
    const { at } = stream;
    const { before } = head.message;
    let any = false;
    if (before > at) {
      this.#gap(stream, at + 1, before, "aged");
      this.#moveOn(stream, before);
      any = true;
    }
    for (const dot of head.husk ? [] : head.after) {
      if (!this.#streams.isMissing(dot)) continue;
      const other = this.#streams.find(dot);
      if (other?.holds(dot.seq) === true && waitedMs < 2 * this.#options.ageMsMax) continue;
      any = true;
      this.#streams.giveUp(dot);
      this.#tellGap(dot, dot.seq, dot.seq, "aged");
      for (const waiting of other?.waiting ?? []) if (waiting.message.dot.seq === dot.seq) this.#empty(waiting);
    }
    return any;
  }

  #gap(stream: Stream<M>, from: number, to: number, reason: GapReason): void {
    this.#streams.giveUpRun(stream, from, to);
    this.#tellGap(stream, from, to, reason);
  }

  #tellGap({ session, scope }: Pick<Dot, "session" | "scope">, from: number, to: number, reason: GapReason): void {
    this.#effects.push({ kind: "gap", range: { session, scope, from, to }, reason });
  }

  /** Asks for every hole that something waits behind, and plans when to look again. */
  #ask(nowMs: number): void {
    this.#questions.begin();
    let wakeMs = this.#streams.active.size === 0 ? Number.POSITIVE_INFINITY : this.#earliestUntilMs;
    for (const stream of this.#streams.active) {
      const { session, scope, at, holeTo, head } = stream;
      if (holeTo > at) this.#questions.want({ session, scope, seq: holeTo }, at, nowMs);
      let isBlocked = holeTo > at;
      for (const dot of head?.husk === false ? head.after : []) {
        if (!this.#streams.isMissing(dot)) continue;
        isBlocked = true;
        const other = this.#streams.find(dot);
        if (other?.holds(dot.seq) !== true) this.#questions.want(dot, other?.at ?? 0, nowMs);
      }
      if (!isBlocked) continue;
      const agedMs = (head === undefined ? (stream.stuckSinceMs ?? nowMs) : stream.oldestSinceMs) + this.#options.ageMsMax;
      wakeMs = Math.min(wakeMs, agedMs > nowMs ? agedMs : agedMs + this.#options.ageMsMax);
    }
    for (const range of this.#questions.due(nowMs)) this.#effects.push({ kind: "ask", range });
    wakeMs = Math.min(wakeMs, this.#questions.nextMs);
    this.#wakeMs = wakeMs === Number.POSITIVE_INFINITY ? undefined : wakeMs;
  }
}
