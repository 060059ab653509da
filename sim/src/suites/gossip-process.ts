import { encode } from "@nexus/contracts";
import {
  Gossip,
  type GossipEffects,
  type GossipFrame,
  type GossipOptions,
  type Now,
  SharedState,
  type SharedStateOptions,
  sessionOf,
} from "@nexus/core-gossip";
import type { Outbox, SimProcess } from "@nexus/testing";

/** The wall clock of simulated nodes begins in 2026. */
const EPOCH_MS = Date.UTC(2026, 0, 1);

export interface GossipProcessOptions {
  readonly node: string;
  readonly incarnation?: number;
  readonly members: () => readonly string[];
  readonly random: () => number;
  readonly gossip: Partial<GossipOptions>;
  readonly state?: Partial<SharedStateOptions>;
  /** When its rounds are, in (0, roundMs]; the same for all makes rounds synchronous. */
  readonly phaseMs: number;
  readonly roundMs: number;
  /** What is told of every frame that is sent. */
  readonly onSend?: (frame: GossipFrame) => void;
}

/** A node of the shared state in a simulated world. */
export class GossipProcess implements SimProcess<GossipFrame> {
  readonly state: SharedState;
  readonly gossip: Gossip;
  readonly #options: GossipProcessOptions;
  #started = false;

  constructor(options: GossipProcessOptions) {
    const { node, members, random, incarnation = 1 } = options;
    this.#options = options;
    this.state = new SharedState({ ...options.state, session: sessionOf(node, incarnation) });
    this.gossip = new Gossip(options.gossip, { state: this.state, self: node, members, random });
  }

  wake(nowMs: number, out: Outbox<GossipFrame>): void {
    const { roundMs, phaseMs } = this.#options;
    if (this.#started) this.#send(this.gossip.round(), out);
    out.wakeAt(this.#started ? nowMs + roundMs : nowMs + phaseMs);
    this.#started = true;
  }

  receive(from: string, frame: GossipFrame, nowMs: number, out: Outbox<GossipFrame>): void {
    this.#send(this.gossip.receive(from, frame, nowAt(nowMs)), out);
  }

  /** @throws Error where it is refused: simulations write what is allowed */
  put(key: string, value: string, nowMs: number, out: Outbox<GossipFrame>, important = false): void {
    const effects = this.gossip.put(key, value, nowAt(nowMs), important);
    if (typeof effects === "string") throw new Error(`${key} was refused: ${effects}`);
    this.#send(effects, out);
  }

  #send({ sends }: GossipEffects, out: Outbox<GossipFrame>): void {
    for (const { to, frame } of sends) {
      this.#options.onSend?.(frame);
      out.send(to, frame);
    }
  }
}

export function nowAt(nowMs: number): Now {
  return { ms: nowMs, epochMs: EPOCH_MS + Math.floor(nowMs) };
}

/** Counts bytes as they are on the wire; one frame for several peers is encoded once. */
export class ByteCount {
  #total = 0;
  #last: { readonly frame: GossipFrame; readonly bytes: number } | undefined;

  get total(): number {
    return this.#total;
  }

  add(frame: GossipFrame): void {
    if (this.#last?.frame !== frame) this.#last = { frame, bytes: encode(frame as never, "msgpack").byteLength };
    this.#total += this.#last.bytes;
  }
}
