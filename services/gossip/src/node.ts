import { attributes, type Subjects } from "@nexus/contracts";
import {
  type Convergence,
  type Entry,
  Gossip,
  type GossipEffects,
  type Now,
  nodeOf,
  type Refusal,
  SharedState,
  sessionOf,
} from "@nexus/core-gossip";
import { type Member, Swim, type SwimEffects, type SwimInput } from "@nexus/core-membership";
import type { Bus, Clock, Logger, Telemetry, Timer } from "@nexus/ports";
import { AgentObserver } from "./agent-observer.ts";
import { type Heard, Transport } from "./transport.ts";

/**
 * A member of the gossip on the bus: it gives the pure cores time and frames, and carries out what they want.
 *
 * Invariants
 * N1. Nobody is convicted for our own being away: while the bus is disconnected the membership's time stands still, and when it
 *     is back the gap is a pause of ours.
 * N2. A frame that is not understood is dropped and counted, and takes nothing down.
 */
export interface NodeOptions {
  readonly id: string;
  readonly version: string;
  readonly roundMs: number;
  /** Peers of a round; 0: ⌈log2 N⌉. */
  readonly fanout: number;
  readonly keysMax: number;
  readonly bytesMax: number;
  readonly tombstoneMs: number;
}

export interface NodeDeps {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
  readonly subjects: Subjects;
  readonly random: () => number;
  /** How late the event loop lately was, in milliseconds. */
  readonly eventLoopDelayMs: () => number;
}

const SERVICE = "gossip";
const LOAD_EVERY_MS = 1_000;
/** Members say again that they are there, so that parts that never met find each other. */
const ANNOUNCE_EVERY_MS = 30_000;
const SWEEP_EVERY_MS = 60_000;
/** Of the bus's largest message, for entries; the rest of a frame has room beside them. */
const ENTRIES_SHARE = 0.5;
const ENTRIES_BYTES_MAX = 262_144;

export class GossipNode {
  readonly state: SharedState;
  readonly #options: NodeOptions;
  readonly #deps: NodeDeps;
  readonly #swim: Swim;
  readonly #gossip: Gossip;
  readonly #transport: Transport;
  readonly #observer: AgentObserver;
  readonly #timers = new Map<string, Timer>();
  #live: readonly string[];
  #dropped = 0;
  #stopped = false;

  constructor(options: NodeOptions, deps: NodeDeps) {
    const { id, version, roundMs, fanout, keysMax, bytesMax, tombstoneMs } = options;
    const { bus, subjects, clock, random } = deps;
    this.#options = options;
    this.#deps = deps;
    this.#live = [id];
    this.state = new SharedState({ session: sessionOf(id, clock.epochMs()), keysMax, bytesMax, tombstoneMs });
    this.#swim = new Swim({ id, meta: { service: SERVICE, version } }, random);
    const frameBytesMax = Math.min(ENTRIES_BYTES_MAX, Math.floor(bus.maxPayloadBytes * ENTRIES_SHARE));
    this.#gossip = new Gossip(
      { roundMs, fanout: fanout === 0 ? "log2" : fanout, frameBytesMax },
      { state: this.state, self: id, members: () => this.#live, random },
    );
    this.#observer = new AgentObserver({
      bus,
      clock,
      logger: deps.logger,
      subjects,
      self: id,
      dropped: (reason) => this.#drop(reason),
    });
    this.#transport = new Transport(bus, subjects, id, {
      heard: (heard) => this.#heard(heard),
      announced: (node) => this.#step({ kind: "announced", id: node }),
      dropped: (reason) => this.#drop(reason),
    });
  }

  get id(): string {
    return this.#options.id;
  }

  /** Resolves when it can be reached; it joins those that hear its announcement. */
  async start(): Promise<void> {
    const { clock } = this.#deps;
    this.#observer.start();
    await this.#transport.start();
    this.#step({ kind: "start", epochMs: clock.epochMs(), peers: [] });
    this.#every("load", LOAD_EVERY_MS, () => this.#step({ kind: "load", eventLoopDelayMs: this.#deps.eventLoopDelayMs() }));
    this.#every("announce", ANNOUNCE_EVERY_MS, () => this.#transport.announce());
    this.#every("sweep", SWEEP_EVERY_MS, () => this.#sweep());
    this.#every("round", this.#options.roundMs, () => this.#carryOut(this.#gossip.round()));
    this.#transport.announce();
  }

  /** Says that it leaves. */
  stop(): void {
    if (this.#stopped) return;
    this.#step({ kind: "leave" });
    this.#stopped = true;
    for (const timer of this.#timers.values()) timer.cancel();
    this.#transport.stop();
    this.#observer.stop();
  }

  members(): readonly Member[] {
    return this.#swim.members();
  }

  put(key: string, value: string, important: boolean): Entry | Refusal {
    return this.#written(this.#gossip.put(key, value, this.#now(), important));
  }

  /** Undefined where there was nothing. */
  delete(key: string, important: boolean): Entry | Refusal | undefined {
    const effects = this.#gossip.delete(key, this.#now(), important);
    return typeof effects === "object" && effects.changes.length === 0 ? undefined : this.#written(effects);
  }

  convergence(freshMs: number): Convergence {
    return this.#gossip.convergence(this.#now(), freshMs);
  }

  /** Asks those whose word is older. */
  ask(freshMs: number): void {
    this.#carryOut(this.#gossip.ask(this.#now(), freshMs));
  }

  counts(): Record<string, number> {
    const { members } = this.#swim.counts();
    return {
      ...{ alive: members.alive, suspect: members.suspect, dead: members.dead, left: members.left },
      ...{ keys: this.state.size, bytes: this.state.bytes, framesDropped: this.#dropped },
      ...this.#gossip.counts,
      ...this.#observer.counts(),
    };
  }

  #written(effects: GossipEffects | Refusal): Entry | Refusal {
    if (typeof effects === "string") return effects;
    this.#carryOut(effects);
    return effects.changes.at(-1) as Entry;
  }

  #heard({ from, frame }: Heard): void {
    if (frame.kind === "swim") this.#step({ kind: "frame", from, frame: frame.swim });
    else this.#carryOut(this.#gossip.receive(from, frame.state, this.#now()));
  }

  #step(input: SwimInput): void {
    const { bus, clock } = this.#deps;
    if (this.#stopped || (!bus.connected && input.kind !== "start")) return; // N1
    const effects = this.#swim.step(input, clock.monotonicMs());
    this.#take(effects);
  }

  #take({ sends, changes, wakeAtMs }: SwimEffects): void {
    const { clock, logger } = this.#deps;
    for (const { to, frame } of sends) this.#transport.sendSwim(to, frame);
    for (const { id, from, to, incarnation } of changes) {
      logger.info({ member: id, from, to, incarnation }, "a member changed");
    }
    if (changes.length > 0) this.#noteMembers();
    if (Number.isFinite(wakeAtMs)) this.#once("wake", wakeAtMs - clock.monotonicMs(), () => this.#wake());
  }

  /** N1: it looks again a while later, since nothing else would wake it. */
  #wake(): void {
    if (this.#deps.bus.connected) this.#step({ kind: "wake" });
    else this.#once("wake", this.#options.roundMs, () => this.#wake());
  }

  #noteMembers(): void {
    const members = this.#swim.members();
    this.#live = members
      .filter(({ state, meta }) => (state === "alive" || state === "suspect") && meta["service"] === SERVICE)
      .map(({ id }) => id);
    this.#observer.membersAre(this.#live);
    const known = new Set(members.map(({ id }) => id));
    this.#gossip.forget((node) => known.has(node));
  }

  #carryOut({ sends }: GossipEffects): void {
    for (const { to, frame } of sends) this.#transport.sendState(to, frame);
  }

  #sweep(): void {
    const nodes = new Set(this.#live);
    this.state.sweep(this.#deps.clock.epochMs(), (session) => nodes.has(nodeOf(session)));
  }

  #drop(reason: string): void {
    this.#dropped++;
    this.#deps.telemetry.count("framesDropped", 1, { [attributes.reason]: reason }); // N2
  }

  #now(): Now {
    const { clock } = this.#deps;
    return { ms: clock.monotonicMs(), epochMs: clock.epochMs() };
  }

  #every(name: string, everyMs: number, action: () => void): void {
    this.#once(name, everyMs * (0.9 + this.#deps.random() * 0.2), () => {
      action();
      this.#every(name, everyMs, action);
    });
  }

  #once(name: string, inMs: number, action: () => void): void {
    if (this.#stopped) return;
    this.#timers.get(name)?.cancel();
    this.#timers.set(name, this.#deps.clock.schedule(Math.max(0, inMs), action));
  }
}
