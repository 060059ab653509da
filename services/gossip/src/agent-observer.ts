import {
  announceSchema,
  byeSchema,
  codecOfHeaders,
  connHeartbeatSchema,
  decode,
  encode,
  gossipVerdictsSchema,
  heartbeatSchema,
  helloSchema,
  type JsonValue,
  limits,
  NexusError,
  parseFrame,
  type Subjects,
  speakerIn,
  WIRE_VERSION,
} from "@nexus/contracts";
import { AgentWatch, type Judged, type WatchEffects } from "@nexus/core-membership";
import type { Bus, BusMessage, BusSubscription, Clock, Logger, Timer } from "@nexus/ports";
import type { z } from "zod";

/**
 * Watches over the agents that this member observes: it hears what they say to routers, asks those that fall silent for their
 * hello, and tells routers and the other observers what it found out.
 *
 * Invariants
 * O1. Who speaks is read from the subject.
 * O2. While the bus is away nobody is accused: the watch stands still, and takes the gap for a pause of its own.
 */
export interface AgentObserverDeps {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly subjects: Subjects;
  readonly self: string;
  /** A frame that was not understood. */
  readonly dropped: (reason: string) => void;
}

const TICK_EVERY_MS = 200;

export class AgentObserver {
  readonly #deps: AgentObserverDeps;
  readonly #watch: AgentWatch;
  readonly #subscriptions: BusSubscription[] = [];
  #timer: Timer | undefined;

  constructor(deps: AgentObserverDeps) {
    this.#deps = deps;
    this.#watch = new AgentWatch(deps.self);
  }

  start(): void {
    const { subjects } = this.#deps;
    this.#listen(subjects.everyHello, (message) => this.#heard(message, read(message, helloSchema, "hello").boot));
    this.#listen(subjects.everyAgentHeartbeat, (message) =>
      this.#heard(message, read(message, heartbeatSchema, "heartbeat").boot),
    );
    this.#listen(subjects.everyConnHeartbeat, (message) => this.#heardAll(message));
    this.#listen(subjects.everyBye, (message) => {
      this.#watch.left(this.#speaker(message), read(message, byeSchema, "bye").boot);
    });
    this.#listen(subjects.routerAnnounce, (message) => {
      this.#watch.intervalIs(read(message, announceSchema, "announcement").heartbeatIntervalMs);
    });
    this.#listen(subjects.gossipVerdicts, (message) => this.#told(message));
    this.#tick();
  }

  stop(): void {
    this.#timer?.cancel();
    for (const subscription of this.#subscriptions.splice(0)) subscription.unsubscribe();
  }

  membersAre(members: readonly string[]): void {
    this.#watch.membersAre(members);
  }

  counts(): Record<string, number> {
    const { observed, suspect, dead, overflows } = this.#watch.counts;
    return { agentsObserved: observed, agentsSuspect: suspect, agentsDead: dead, agentsNotObserved: overflows };
  }

  #heard(message: BusMessage, boot: string): void {
    this.#tell(this.#watch.heard(this.#speaker(message), boot, this.#deps.clock.monotonicMs()));
  }

  #heardAll(message: BusMessage): void {
    const nowMs = this.#deps.clock.monotonicMs();
    const { agents } = read(message, connHeartbeatSchema, "connection heartbeat");
    this.#tell(agents.flatMap(({ agent, boot }) => this.#watch.heard(agent, boot, nowMs)));
  }

  #told(message: BusMessage): void {
    const { node, verdicts } = read(message, gossipVerdictsSchema, "verdicts");
    if (node === this.#deps.self) return;
    for (const judged of verdicts) this.#carryOut(this.#watch.told(judged, this.#deps.clock.monotonicMs()));
  }

  #tick(): void {
    const { bus, clock } = this.#deps;
    if (bus.connected) this.#carryOut(this.#watch.tick(clock.monotonicMs())); // O2
    this.#timer = clock.schedule(TICK_EVERY_MS, () => this.#tick());
  }

  #carryOut({ probes, verdicts }: WatchEffects): void {
    const { bus, subjects } = this.#deps;
    if (!bus.connected) return;
    for (const agent of probes) bus.publish(subjects.agentIn(agent), encode({ v: WIRE_VERSION, kind: "hello-wanted" }));
    this.#tell(verdicts);
  }

  #tell(verdicts: readonly Judged[]): void {
    const { bus, subjects, self, logger } = this.#deps;
    if (!bus.connected) return;
    for (let from = 0; from < verdicts.length; from += limits.replyBatchMax) {
      const some = verdicts.slice(from, from + limits.replyBatchMax);
      for (const { agent, verdict } of some) logger.info({ agent, verdict }, "an agent is judged");
      bus.publish(subjects.gossipVerdicts, encode({ v: WIRE_VERSION, node: self, verdicts: some } as unknown as JsonValue));
    }
  }

  /** The agent that the subject names (O1). */
  #speaker(message: BusMessage): string {
    return speakerIn(this.#deps.subjects, message.subject, 1);
  }

  #listen(subject: string, take: (message: BusMessage) => void): void {
    const guarded = (message: BusMessage): void => {
      try {
        take(message);
      } catch (error) {
        if (!(error instanceof NexusError) || error.family === "defect") throw error;
        this.#deps.dropped(error.code);
      }
    };
    this.#subscriptions.push(this.#deps.bus.subscribe(subject, guarded));
  }
}

function read<T extends z.ZodType>({ data, headers }: BusMessage, schema: T, what: string): z.output<T> {
  return parseFrame(schema, decode(data, codecOfHeaders(headers)), what);
}
