import { Exchange } from "./exchange.ts";
import type { MemberState, Meta, SwimFrame, Update } from "./frames.ts";
import { LocalHealth } from "./local-health.ts";
import type { Change, Member } from "./member-table.ts";
import { type SwimOptions, swimDefaults } from "./options.ts";
import { Outgoing, type Send } from "./outgoing.ts";
import { Prober } from "./prober.ts";
import { isIncarnation, isMemberId, readMeta } from "./read-frame.ts";
import { View } from "./view.ts";

/**
 * Who is there: SWIM (Das et al., DSN 2002) with Lifeguard (Dadgar et al., arXiv 1707.00788). Pure: what comes in is a value
 * with its time, what has to be done comes back as one. Members trust each other: whoever may send frames can accuse anybody,
 * so that others are to be kept out by the transport, which also vouches for a frame's sender.
 *
 * Invariants
 * M1. A pause of this node's own is noticed before anybody is convicted, and what others owe it is waited for anew, as long as
 *     was left and one ping's time longer; a few times, so that a node that pauses all the time still comes to an end.
 * M2. What is held of a member only ever rises in the order of updates (update-order.ts), until it is forgotten. A conviction
 *     has the incarnation of the suspicion, so that no "alive" from before undoes it.
 * M3. Nobody is dead here whom this node could not hear deny it: a "dead" from others counts where the member has been suspect
 *     for half of the shortest timeout, or is a stranger; else it begins a suspicion.
 * M4. No accusation of this node stands: it raises its incarnation above it. Its first one is the wall clock at its start, so that
 *     a restart is above its earlier life.
 * M5. Every frame to a member that is suspect or dead here tells it so first.
 * M6. Whoever slept as long as tombstones live knows nothing that can be told, and begins anew among those it knew.
 * M7. An incarnation far ahead of the wall clock is refused, an accusation sooner than what denies it.
 * M8. Who is dead is tried again now and then until it is forgotten; who has left is not.
 * M9. Whatever comes in a frame that passed `readSwimFrame`, nothing is thrown, and all that is kept is bounded: members and
 *     what hangs on each, probes for others, seeds, lists sent in a second.
 */

export interface SwimSetup {
  readonly id: string;
  readonly meta: Meta;
  readonly options?: Partial<SwimOptions>;
}

/** Times beside a step's own are epoch milliseconds. Ids of peers may come from anywhere; what is no id is left out. */
export type SwimInput =
  /** First of all. `known`: members that were heard of in another way; they are believed, and not told on. */
  | { readonly kind: "start"; readonly epochMs: number; readonly peers: readonly string[]; readonly known?: readonly Update[] }
  | { readonly kind: "join"; readonly peers: readonly string[] }
  /** A member said, by a way that everybody hears, that it is there. */
  | { readonly kind: "announced"; readonly id: string }
  /** `from` is whom the transport names. */
  | { readonly kind: "frame"; readonly from: string; readonly frame: SwimFrame }
  /** Updates that came in a frame of another kind, from `takeUpdates` of its sender. */
  | { readonly kind: "updates"; readonly from: string; readonly updates: readonly Update[] }
  | { readonly kind: "wake" }
  | { readonly kind: "leave" }
  /** How late the event loop lately was. */
  | { readonly kind: "load"; readonly eventLoopDelayMs: number };

/** In no order but that the sends of one step to one member keep theirs. */
export interface SwimEffects {
  readonly sends: readonly Send[];
  readonly changes: readonly Change[];
  /** When to call `step` with `wake` if nothing comes before; Infinity: never. */
  readonly wakeAtMs: number;
}

export interface SwimCounts {
  readonly members: Readonly<Record<MemberState, number>>;
  /** What happened since the start, by name. */
  readonly events: Readonly<Record<string, number>>;
}

/** What a start makes. */
interface Parts {
  readonly view: View;
  readonly out: Outgoing;
  readonly prober: Prober;
  readonly exchange: Exchange;
}

type InputOf<Kind extends SwimInput["kind"]> = Extract<SwimInput, { kind: Kind }>;

export class Swim {
  readonly #setup: SwimSetup;
  readonly #options: SwimOptions;
  readonly #random: () => number;
  readonly #health: LocalHealth;
  /** Of this class; the parts have their own. */
  readonly #counts = { pauses: 0, misaddressed: 0, forged: 0, beforeStart: 0 };
  #parts: Parts | undefined;
  #hasLeft = false;
  #nowMs = 0;
  #wakeAtMs = Number.POSITIVE_INFINITY;
  #pushMs = 0;
  #expireMs = 0;

  /** @throws RangeError for an id, a record or options that no member can have */
  constructor(setup: SwimSetup, random: () => number) {
    if (!isMemberId(setup.id)) throw new RangeError("the id of a member is no id");
    if (readMeta(setup.meta) === undefined) throw new RangeError("the record of a member is too large, or no record of text");
    this.#setup = setup;
    this.#options = { ...swimDefaults, ...setup.options };
    this.#random = random;
    this.#health = new LocalHealth(this.#options);
  }

  /** O(what comes in and goes out), and once for each period O(suspicions + tombstones). @throws RangeError for no time */
  step(input: SwimInput, nowMs: number): SwimEffects {
    if (!Number.isFinite(nowMs)) throw new RangeError(`no clock shows ${nowMs}`);
    const lastMs = this.#parts === undefined ? nowMs : this.#nowMs;
    this.#nowMs = Math.max(lastMs, nowMs);
    if (input.kind === "start") this.#start(input);
    const parts = this.#parts;
    if (parts === undefined) {
      this.#counts.beforeStart++;
      return { sends: [], changes: [], wakeAtMs: Number.POSITIVE_INFINITY };
    }
    this.#noticePause(parts, this.#nowMs - lastMs);
    this.#take(parts, input);
    if (!this.#hasLeft) this.#attend(parts);
    this.#wakeAtMs = this.#hasLeft ? Number.POSITIVE_INFINITY : this.#nextWakeMs(parts);
    return { sends: parts.out.takeSends(), changes: parts.view.takeChanges(), wakeAtMs: this.#wakeAtMs };
  }

  /** News for a frame of another kind: each update counts as sent once. */
  takeUpdates(max: number): readonly Update[] {
    return this.#parts?.view.takeNews(max, this.#nowMs) ?? [];
  }

  /** All that are remembered, this one among them. O(n) */
  members(): readonly Member[] {
    return [...(this.#parts?.view.table.all() ?? [])];
  }

  /** Ids of those alive, this one among them. O(n) */
  alive(): readonly string[] {
    return this.members()
      .filter(({ state }) => state === "alive")
      .map(({ id }) => id);
  }

  stateOf(id: string): MemberState | undefined {
    return this.#parts?.view.table.get(id)?.state;
  }

  get incarnation(): number | undefined {
    return this.#parts?.view.self.incarnation;
  }

  /** 0 is best, `healthMax` worst. */
  get localHealth(): number {
    return this.#health.value;
  }

  /** Equal digests mean equal ids, incarnations and states, but for one chance in 2^32. */
  get digest(): number {
    return this.#parts?.view.table.digest ?? 0;
  }

  counts(): SwimCounts {
    const { view, prober, exchange } = this.#parts ?? {};
    return {
      members: { ...(view?.table.counts ?? { alive: 0, suspect: 0, dead: 0, left: 0 }) },
      events: {
        ...this.#counts,
        ...view?.counts,
        ...prober?.counts,
        ...exchange?.counts,
        strangersRefused: view?.table.refused ?? 0,
        tombstonesEvicted: view?.table.evicted ?? 0,
      },
    };
  }

  #start({ epochMs, peers, known = [] }: InputOf<"start">): void {
    if (this.#parts !== undefined) return;
    if (!isIncarnation(Math.floor(epochMs))) throw new RangeError(`no wall clock shows ${epochMs} ms since 1970`);
    const nowMs = this.#nowMs;
    const { id, meta } = this.#setup;
    const view = new View(this.#options, this.#random, this.#health, { id, meta, epochMs, startMs: nowMs });
    const out = new Outgoing(this.#options, view);
    const prober = new Prober(this.#options, { view, health: this.#health, out }, this.#random, nowMs);
    const exchange = new Exchange(this.#options, { view, out, prober }, this.#random, nowMs);
    this.#parts = { view, out, prober, exchange };
    [this.#pushMs, this.#expireMs] = [nowMs, nowMs];
    for (const update of known) view.hear(update, update.id, nowMs);
    view.rumours.clear();
    view.rumours.add(id);
    exchange.join(peers.filter(isMemberId), nowMs);
  }

  /** M1 */
  #noticePause({ view, prober, exchange }: Parts, sinceLastMs: number): void {
    if (this.#hasLeft || this.#nowMs - this.#wakeAtMs <= this.#options.pauseToleranceMs) return;
    this.#counts.pauses++;
    this.#health.fail();
    if (sinceLastMs >= this.#options.tombstoneMs) {
      // M6
      exchange.join(view.order.sample(view.order.size), this.#nowMs);
      view.forgetAll();
      prober.forget();
      return;
    }
    const byMs = sinceLastMs + this.#options.pingTimeoutMs;
    prober.postpone(byMs);
    view.suspicions.postpone(byMs);
  }

  #take(parts: Parts, input: SwimInput): void {
    const { view, exchange } = parts;
    switch (input.kind) {
      case "start":
      case "wake":
        return;
      case "join":
        return exchange.join(input.peers.filter(isMemberId), this.#nowMs);
      case "announced":
        return isMemberId(input.id) && !this.#hasLeft ? exchange.announced(input.id, this.#nowMs) : undefined;
      case "frame":
        return this.#takeFrame(parts, input);
      case "updates":
        for (const update of input.updates) view.hear(update, input.from, this.#nowMs);
        return;
      case "leave":
        return this.#leave(parts);
      case "load":
        return this.#health.load(input.eventLoopDelayMs);
    }
  }

  #takeFrame(parts: Parts, { from, frame }: InputOf<"frame">): void {
    if (frame.to !== this.#setup.id) return void this.#counts.misaddressed++;
    if (frame.from !== from || from === this.#setup.id) return void this.#counts.forged++;
    const { view } = parts;
    const before = view.table.get(from)?.state;
    for (const update of frame.updates) view.hear(update, from, this.#nowMs);
    view.hear({ id: from, incarnation: frame.incarnation, state: "alive", meta: frame.meta }, from, this.#nowMs);
    if (before === "dead" && view.table.get(from)?.state === "alive") parts.exchange.returned(from, this.#nowMs);
    this.#answer(parts, frame);
  }

  #answer({ prober, exchange, out }: Parts, frame: SwimFrame): void {
    const nowMs = this.#nowMs;
    if (this.#hasLeft) return frame.kind === "ping" ? out.farewell(frame.from, nowMs) : undefined;
    switch (frame.kind) {
      case "ping":
        return out.send(frame.from, { kind: "ack", seq: frame.seq }, nowMs);
      case "ping-req":
        return prober.onPingReq(frame.from, frame.seq, frame.target, nowMs);
      case "ack":
        return prober.onAck(frame.from, frame.seq, nowMs);
      case "nack":
        return prober.onNack(frame.from, frame.seq);
      case "sync":
        return exchange.onSync(frame.from, frame.digest, frame.back, nowMs);
      case "news":
        return;
    }
  }

  /** Says so to as many as each other member will tell it to, since it will not be there to repeat it. */
  #leave({ view, out }: Parts): void {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    view.leave(this.#nowMs);
    for (const id of view.order.sample(view.sendsMax)) out.farewell(id, this.#nowMs);
  }

  #attend({ view, out, prober, exchange }: Parts): void {
    const nowMs = this.#nowMs;
    prober.wake(nowMs);
    for (const id of view.convict(nowMs)) prober.knock(id, nowMs);
    if (nowMs >= this.#expireMs) {
      this.#expireMs = nowMs + this.#options.periodMs;
      view.forgetExpired(nowMs);
    }
    exchange.wake(nowMs);
    for (const id of view.toAnswer) out.push(id, nowMs); // M4
    view.toAnswer.clear();
    this.#push(view, out);
  }

  #push(view: View, out: Outgoing): void {
    const { pushEveryMs, pushFanout } = this.#options;
    if (pushEveryMs <= 0 || view.rumours.size === 0 || this.#nowMs < this.#pushMs) return;
    this.#pushMs = this.#nowMs + pushEveryMs;
    for (const id of view.order.sample(pushFanout)) out.push(id, this.#nowMs);
  }

  #nextWakeMs({ view, prober, exchange }: Parts): number {
    const isPushing = this.#options.pushEveryMs > 0 && view.rumours.size > 0 && view.order.size > 0;
    return Math.min(prober.dueMs, exchange.dueMs, view.suspicions.dueMs, isPushing ? this.#pushMs : Number.POSITIVE_INFINITY);
  }
}
