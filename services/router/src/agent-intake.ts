import {
  agentAnswerSchema,
  arePlainAnswers,
  attributes,
  byeSchema,
  causalAskSchema,
  codecOfHeaders,
  connAnswerSchema,
  connHeartbeatSchema,
  decode,
  encode,
  gossipVerdictsSchema,
  heartbeatSchema,
  helloSchema,
  isPlainAnswer,
  limits,
  NexusError,
  parseFrame,
  type QuickCheck,
  type Subjects,
  speakerIn,
  understands,
  WIRE_VERSION,
  wireRange,
} from "@nexus/contracts";
import type { Dispatcher, Engine, RoutingTable } from "@nexus/engine";
import type { Bus, BusMessage, BusSubscription, Clock, Logger, Telemetry, Timer } from "@nexus/ports";
import type { z } from "zod";
import type { FrameGuard } from "./frame-guard.ts";

/**
 * What agents say: registrations and loads into the routing table, answers to whoever waits for them.
 *
 * Invariants
 * A1. Who speaks is read from the subject. A connection speaks only for agents whose hello named it.
 * A2. A frame that is not understood is dropped, counted and logged; it takes nothing down.
 * A3. Silence counts only while this router can hear: cut off, it takes nobody for dead.
 */

const ANNOUNCE_EVERY_MS = 30_000;
const SWEEP_EVERY_MS = 500;
/** Hellos asked for between two sweeps; a fleet that all restarted is asked over several of them. */
const HELLO_WANTED_PER_SWEEP = 500;
/** Messages between two sweeps that bring one agent what it misses; it asks again for the rest. */
const CAUSAL_ANSWERS_PER_SWEEP = 256;
/** Levels of nesting that a frame has around the value of an answer. */
const AROUND_ANSWER = { single: 1, batch: 4 };

export interface AgentIntakeDeps {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
  readonly subjects: Subjects;
  readonly routerId: string;
  readonly table: RoutingTable;
  readonly dispatcher: Dispatcher;
  readonly engine: Engine;
  readonly guard: FrameGuard;
}

export class AgentIntake {
  readonly #deps: AgentIntakeDeps;
  readonly #subscriptions: BusSubscription[] = [];
  #timer: Timer | undefined;
  #announcedMs = Number.NEGATIVE_INFINITY;
  #announcedIntervalMs = 0;
  #hellosAsked = 0;
  /** By agent, since the last sweep; of agents that the table knows alone. */
  readonly #causalAnswers = new Map<string, number>();
  #wasCutOff = false;

  constructor(deps: AgentIntakeDeps) {
    this.#deps = deps;
  }

  async start(): Promise<void> {
    const { bus, subjects, routerId, guard } = this.#deps;
    const listen = (subject: string, take: (message: BusMessage) => void) =>
      this.#subscriptions.push(bus.subscribe(subject, (message) => guard.run(message, take)));
    listen(subjects.everyHello, (message) => this.#onHello(message));
    listen(subjects.everyAgentHeartbeat, (message) => this.#onHeartbeat(message));
    listen(subjects.everyConnHeartbeat, (message) => this.#onConnHeartbeat(message));
    listen(subjects.everyBye, (message) => this.#onBye(message));
    listen(subjects.everyAgentAsk(routerId), (message) => this.#onAgentAsk(message));
    listen(subjects.everyAgentReply(routerId), (message) => this.#onAgentAnswer(message));
    listen(subjects.everyConnReply(routerId), (message) => this.#onConnAnswers(message));
    listen(subjects.gossipVerdicts, (message) => this.#onVerdicts(message));
    await bus.flush();
    this.#announce(true);
    this.#sweep();
  }

  stop(): void {
    this.#timer?.cancel();
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
  }

  #onHello(message: BusMessage): void {
    const { table, engine, clock, logger } = this.#deps;
    const id = this.#speaker(message);
    const hello = read(message, helloSchema, "hello");
    if (!understands(hello.wire)) {
      const { min, max } = hello.wire;
      throw new NexusError("unsupported-version", `agent ${id} speaks wire ${min}–${max}, this router ${WIRE_VERSION}`);
    }
    const old = table.get(id);
    const outcome = table.hello(id, hello, clock.monotonicMs(), message.data.byteLength);
    if (outcome === "full") {
      this.#deps.telemetry.count("boundsReached", 1, { [attributes.reason]: "routing-table" });
      throw new NexusError("overloaded", `the routing table is full; agent ${id} is not taken in`);
    }
    // Another life of the agent knows nothing of what the old one was given.
    if (old !== undefined && old.boot !== hello.boot) engine.agentGone(old, "dead");
    if (outcome === "added") logger.debug({ agent: id, connId: hello.connId }, "agent joined");
  }

  #onHeartbeat(message: BusMessage): void {
    const id = this.#speaker(message);
    const heartbeat = read(message, heartbeatSchema, "heartbeat");
    if (!this.#deps.table.heartbeat(id, heartbeat, this.#deps.clock.monotonicMs())) this.#wantHello(id);
  }

  #onConnHeartbeat(message: BusMessage): void {
    const frame = read(message, connHeartbeatSchema, "connection heartbeat");
    for (const id of this.#deps.table.connHeartbeat(this.#speaker(message), frame, this.#deps.clock.monotonicMs())) {
      this.#wantHello(id);
    }
  }

  #onBye(message: BusMessage): void {
    const id = this.#speaker(message);
    const left = this.#deps.table.bye(id, read(message, byeSchema, "bye"));
    // It finishes what it runs, so what it was given is still waited for.
    if (left !== undefined) this.#deps.logger.debug({ agent: id }, "agent left");
  }

  /** A second view beside silence: observers ask before they accuse. */
  #onVerdicts(message: BusMessage): void {
    const { table, clock, engine, logger } = this.#deps;
    const { node, verdicts } = read(message, gossipVerdictsSchema, "verdicts");
    for (const { agent, boot, verdict } of verdicts) {
      const died = table.judged(agent, boot, verdict, clock.monotonicMs());
      if (died === undefined) continue;
      logger.info({ agent, node }, "agent is dead, its observers say");
      engine.agentGone(died, "dead");
    }
  }

  #onAgentAnswer(message: BusMessage): void {
    this.#take(this.#speaker(message), read(message, agentAnswerSchema, "answer", AROUND_ANSWER.single, isPlainAnswer));
  }

  #onConnAnswers(message: BusMessage): void {
    const connId = this.#speaker(message);
    const { answers } = read(message, connAnswerSchema, "answers", AROUND_ANSWER.batch, arePlainAnswers);
    for (const { agent, answer } of answers) {
      if (this.#deps.table.get(agent)?.connId === connId) this.#take(agent, answer);
      else
        this.#deps.guard.drop(
          message,
          new NexusError("invalid-field", `connection ${connId} speaks for agent ${agent}, which lives elsewhere`),
        );
    }
  }

  /** Questions bring back what is larger than they are, so that each agent has its share. */
  #onAgentAsk(message: BusMessage): void {
    const { engine, telemetry } = this.#deps;
    const id = this.#speaker(message);
    const ask = read(message, causalAskSchema, "causal question");
    const had = this.#causalAnswers.get(id) ?? 0;
    if (had >= CAUSAL_ANSWERS_PER_SWEEP) {
      telemetry.count("boundsReached", 1, { [attributes.reason]: "causal-answers" });
      return;
    }
    const sent = engine.causalAsked(id, ask);
    if (sent > 0) this.#causalAnswers.set(id, had + sent);
  }

  #take(agent: string, answer: z.output<typeof agentAnswerSchema>): void {
    const { table, clock, dispatcher } = this.#deps;
    const entry = table.get(agent);
    if (entry !== undefined) {
      if (answer.kind === "reply") table.answered(entry, answer.inFlight, answer.queueDepth, clock.monotonicMs());
      else table.progressed(entry, clock.monotonicMs());
    }
    dispatcher.answered(agent, answer);
  }

  /** The agent or connection that the subject names (A1). */
  #speaker(message: BusMessage): string {
    return speakerIn(this.#deps.subjects, message.subject, 1);
  }

  #wantHello(id: string): void {
    if (!this.#deps.bus.connected) return;
    if (this.#hellosAsked++ >= HELLO_WANTED_PER_SWEEP) {
      this.#deps.telemetry.count("boundsReached", 1, { [attributes.reason]: "hellos-wanted" });
      return;
    }
    this.#deps.bus.publish(this.#deps.subjects.agentIn(id), encode({ v: 1, kind: "hello-wanted" }));
  }

  #sweep(): void {
    const { table, clock } = this.#deps;
    this.#hellosAsked = 0;
    this.#causalAnswers.clear();
    this.#expire();
    const due = clock.monotonicMs() - this.#announcedMs >= ANNOUNCE_EVERY_MS;
    if (due) this.#deps.engine.forgetGone();
    if (due || this.#announcedIntervalMs !== table.heartbeatIntervalMs) this.#announce(false);
    this.#timer = clock.schedule(SWEEP_EVERY_MS, () => this.#sweep());
  }

  #expire(): void {
    const { bus, table, clock, engine, logger } = this.#deps;
    const nowMs = clock.monotonicMs();
    if (!bus.connected) {
      this.#wasCutOff = true;
      return;
    }
    if (this.#wasCutOff) table.forgiveSilence(nowMs); // A3
    this.#wasCutOff = false;
    for (const entry of table.expire(nowMs)) {
      logger.info({ agent: entry.id, silentMs: Math.round(nowMs - entry.lastSeenMs) }, "agent is taken for dead");
      engine.agentGone(entry, "dead");
    }
  }

  #announce(helloWanted: boolean): void {
    const { bus, subjects, routerId, table, clock } = this.#deps;
    if (!bus.connected) return;
    const heartbeatIntervalMs = table.heartbeatIntervalMs;
    bus.publish(subjects.routerAnnounce, encode({ v: 1, wire: wireRange, router: routerId, heartbeatIntervalMs, helloWanted }));
    this.#announcedMs = clock.monotonicMs();
    this.#announcedIntervalMs = heartbeatIntervalMs;
  }
}

/** @param around levels of nesting around the value of an answer: one value may not make a whole result too deep to be read */
function read<T extends z.ZodType>(
  message: BusMessage,
  schema: T,
  what: string,
  around?: number,
  isPlain?: QuickCheck,
): z.output<T> {
  const depthMax = around === undefined ? limits.depthMax : limits.answerDepthMax + around;
  return parseFrame(schema, decode(message.data, codecOfHeaders(message.headers), depthMax), what, isPlain);
}
