import {
  attributes,
  claimAnswerSchema,
  claimQuestionSchema,
  decode,
  encode,
  isReplyAllowed,
  NexusError,
  parseFrame,
  routerAliveSchema,
  type Subjects,
} from "@nexus/contracts";
import type { Bus, BusMessage, BusSubscription, Clock, Telemetry, Timer } from "@nexus/ports";
import type { FrameGuard } from "./frame-guard.ts";

/**
 * Routers know each other by a message a second, and ask each other about ids when no memory is shared. It excludes a
 * second execution only among routers that hear each other: what it grants is best effort, never a lock.
 *
 * Invariants
 * P1. Of two routers that claim one id at once, the one with the smaller name gets it, and both know that, whichever asked
 *     first. It may yield in turn; who is told of it is led on by asking it for the end.
 * P2. Between «nobody objects» and «it is mine» no question of another router is answered.
 * P3. A frame that is not understood is dropped and counted, and so is a router beyond `PEERS_MAX`.
 * P4. A question whose reply subject is no inbox is dropped: answering there could lend this router's rights.
 */

const ALIVE_EVERY_MS = 1_000;
const FORGOTTEN_AFTER_MS = 3_500;
const PEERS_MAX = 1_000;

export interface PeersDeps {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly guard: FrameGuard;
  readonly subjects: Subjects;
  readonly routerId: string;
  /** Inboxes that may be answered at. */
  readonly replyPrefixes: readonly string[];
  /** How long a claim waits for the peers' answers, where not all of them answer sooner. */
  readonly answerWithinMs: number;
  /** Whether this router owns the id: it runs here or ended here, and is not merely awaited from another router. */
  readonly owns: (id: string) => boolean;
}

export class Peers {
  readonly #deps: PeersDeps;
  readonly #lastHeardMs = new Map<string, number>();
  /** Ids that this router is claiming now, with the smaller routers that claim them as well. */
  readonly #claiming = new Map<string, Set<string>>();
  readonly #subscriptions: BusSubscription[] = [];
  #timer: Timer | undefined;
  #stopped = false;

  constructor(deps: PeersDeps) {
    this.#deps = deps;
  }

  start(): void {
    const { bus, subjects, guard } = this.#deps;
    this.#subscriptions.push(
      bus.subscribe(subjects.routerAlive, (message) => guard.run(message, () => this.#heard(message))),
      bus.subscribe(subjects.routerClaims, (message) => guard.run(message, () => this.#answer(message))),
    );
    this.#beat();
  }

  /** Live routers besides this one. */
  live(): string[] {
    const now = this.#deps.clock.monotonicMs();
    for (const [router, heardMs] of this.#lastHeardMs) {
      if (now - heardMs > FORGOTTEN_AFTER_MS) this.#lastHeardMs.delete(router);
    }
    return [...this.#lastHeardMs.keys()];
  }

  /**
   * Claims an id among the live peers. Two routers that claim at once are told so by each other, and the smaller id goes
   * first, unless a third one has the id: who merely asks may soon know nothing of it. `granted` is called in the very turn in which nobody objected, before another router's question can be
   * answered: between the two there must be no moment at which this router seems to know nothing.
   * @returns the router that has it; undefined when this one does now
   */
  async claim(id: string, granted: () => void): Promise<string | undefined> {
    const rivals = new Set<string>();
    this.#claiming.set(id, rivals);
    return this.#ask(id, rivals, this.#deps.routerId, (owner) => {
      this.#claiming.delete(id);
      if (owner === undefined) granted();
    });
  }

  /** The live peer that has the id, if any. */
  ownerOf(id: string): Promise<string | undefined> {
    return this.#ask(id, new Set(), undefined, () => {});
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    this.#publishAlive(true);
  }

  /**
   * @param rivals filled with who claims the id as well, and goes first; of several the smallest does
   * @param below only rivals with a smaller name than this go first
   */
  #ask(
    id: string,
    rivals: Set<string>,
    below: string | undefined,
    decided: (owner: string | undefined) => void,
  ): Promise<string | undefined> {
    const { bus, clock, subjects, routerId, guard, answerWithinMs } = this.#deps;
    const peers = new Set(this.live());
    if (peers.size === 0 || !bus.connected) {
      decided(undefined);
      return Promise.resolve(undefined);
    }
    return new Promise((resolve) => {
      const inbox = bus.newInbox();
      let finished = false;
      const finish = (owner = [...rivals].sort()[0]) => {
        timer.cancel();
        subscription.unsubscribe();
        if (finished) return;
        finished = true;
        decided(owner);
        resolve(owner);
      };
      const take = (message: BusMessage): void => {
        const answer = parseFrame(claimAnswerSchema, decode(message.data), "claim answer");
        if (answer.router === routerId) return;
        if (answer.state === "owned") finish(answer.router);
        // One that claims may yield to an owner itself, so that all answers are waited for.
        if (answer.state === "asking" && (below === undefined || answer.router < below)) rivals.add(answer.router);
        peers.delete(answer.router);
        if (peers.size === 0) finish();
      };
      const subscription = bus.subscribe(inbox, (message) => guard.run(message, take));
      const timer = clock.schedule(answerWithinMs, () => finish());
      bus.publish(subjects.routerClaims, encode({ v: 1, router: routerId, id, claim: below !== undefined }), { reply: inbox });
    });
  }

  #answer(message: BusMessage): void {
    const { bus, routerId, owns, replyPrefixes } = this.#deps;
    const question = parseFrame(claimQuestionSchema, decode(message.data), "claim question");
    if (question.router === routerId || message.reply === undefined || !bus.connected) return;
    if (!isReplyAllowed(message.reply, replyPrefixes)) {
      throw new NexusError("invalid-field", "the reply subject is no inbox", { field: "reply" }); // P4
    }
    const rivals = this.#claiming.get(question.id);
    // Our own question came before its claim, and was answered with `unknown`.
    if (rivals !== undefined && question.claim === true && question.router < routerId) rivals.add(question.router); // P1
    const state = rivals !== undefined ? "asking" : owns(question.id) ? "owned" : "unknown";
    bus.publish(message.reply, encode({ v: 1, router: routerId, state }));
  }

  #heard(message: BusMessage): void {
    const frame = parseFrame(routerAliveSchema, decode(message.data), "router alive");
    if (frame.router === this.#deps.routerId) return;
    if (frame.leaving) {
      this.#lastHeardMs.delete(frame.router);
      return;
    }
    const isNew = !this.#lastHeardMs.has(frame.router);
    if (isNew && this.#lastHeardMs.size >= PEERS_MAX && this.live().length >= PEERS_MAX) {
      this.#deps.telemetry.count("boundsReached", 1, { [attributes.reason]: "router-peers" }); // P3
      return;
    }
    this.#lastHeardMs.set(frame.router, this.#deps.clock.monotonicMs());
    // A newcomer learns of us at once rather than within a second.
    if (isNew) this.#publishAlive(false);
  }

  #beat(): void {
    if (this.#stopped) return;
    this.#publishAlive(false);
    this.#timer = this.#deps.clock.schedule(ALIVE_EVERY_MS, () => this.#beat());
  }

  #publishAlive(leaving: boolean): void {
    const { bus, subjects, routerId } = this.#deps;
    if (bus.connected) bus.publish(subjects.routerAlive, encode({ v: 1, router: routerId, leaving }));
  }
}
