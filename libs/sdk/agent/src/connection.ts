import {
  type AgentFrame,
  agentFrameSchema,
  agentIdSchema,
  attributes,
  type Bye,
  type CausalAsk,
  type CodecName,
  codecNames,
  codecOfHeaders,
  connFrameSchema,
  createSubjects,
  DEFAULT_PREFIX,
  decode,
  encode,
  type Hello,
  helloSchema,
  isPlainOperation,
  limits,
  NexusError,
  parseFrame,
  type Subjects,
  WIRE_VERSION,
  wireRange,
} from "@nexus/contracts";
import {
  type Bus,
  type BusMessage,
  type BusSubscription,
  type Logger,
  noTelemetry,
  silentLogger,
  type Telemetry,
  type TraceContext,
} from "@nexus/ports";
import { Resident } from "./agent.ts";
import { freezeDeep } from "./freeze-deep.ts";
import { Heartbeats } from "./heartbeats.ts";
import { Hellos } from "./hellos.ts";
import { frameBytesMax, Replies } from "./replies.ts";
import { Subscriptions } from "./subscriptions.ts";
import type { Agent, AgentOptions, ConnectionDeps, ConnectionOptions } from "./types.ts";

/**
 * A connection that carries agents: their subscriptions, hellos, heartbeats, operations and answers.
 *
 * Invariants
 * C1. Subscriptions are flushed before a hello: an agent that is known can be reached.
 * C2. One subscription per group, per connection, however many of its agents are in the group.
 * C3. A frame that is not understood is dropped and counted; nothing that arrives takes the connection down.
 * C4. An agent that leaves says bye first, and stays subscribed until its last answer is out.
 */

export interface AgentConnection {
  readonly connId: string;
  readonly bus: Bus;
  readonly agents: readonly string[];
  /**
   * Resolves when the agent can be reached and has said so.
   * @throws NexusError `invalid-field`, `disconnected`, `draining`
   */
  addAgent(options: AgentOptions): Promise<Agent>;
  /** All agents leave, then the connection's own subscriptions end; the bus stays open. @param withinMs default `drainTimeoutMs` */
  drain(withinMs?: number): Promise<void>;
}

export const connectionDefaults: Omit<ConnectionOptions, "connId"> = {
  prefix: DEFAULT_PREFIX,
  heartbeatIntervalMs: 1_000,
  lingerMs: 0,
  drainTimeoutMs: 5_000,
  repeatWindowMs: limits.timeoutMsMax + 60_000,
  repeatEntriesMax: 20_000,
  repeatBytesMax: 16 * 1_048_576,
};

const CAPACITY_DEFAULT = 16;
const QUEUE_PER_CAPACITY = 4;
const LINGER_MS_MAX = 2;
/** Around the value of an answer that travels alone. */
const ANSWER_FRAME_BYTES = 512;
const DROP_WARNING_INTERVAL_MS = 1_000;

export async function createConnection(options: Partial<ConnectionOptions>, deps: ConnectionDeps): Promise<AgentConnection> {
  const connection = new Connection({ ...connectionDefaults, connId: deps.ids.instanceName("conn"), ...options }, deps);
  await connection.start();
  return connection;
}

class Connection implements AgentConnection {
  readonly connId: string;
  readonly bus: Bus;
  readonly #options: ConnectionOptions;
  readonly #deps: ConnectionDeps;
  readonly #logger: Logger;
  readonly #telemetry: Telemetry;
  readonly #subjects: Subjects;
  readonly #residents = new Map<string, Resident>();
  readonly #shared: Subscriptions<Resident>;
  readonly #replies: Replies;
  readonly #heartbeats: Heartbeats;
  readonly #hellos: Hellos;
  #batches: BusSubscription | undefined;
  #endStatus = (): void => {};
  #drained: Promise<void> | undefined;
  #dropsUnwarned = 0;
  #warnedMs = Number.NEGATIVE_INFINITY;

  constructor(options: ConnectionOptions, deps: ConnectionDeps) {
    if (!(options.lingerMs >= 0 && options.lingerMs <= LINGER_MS_MAX)) {
      throw new NexusError("invalid-field", `lingerMs must be in [0, ${LINGER_MS_MAX}]`, { field: "lingerMs" });
    }
    const { bus, clock, ids, processGauge, logger = silentLogger, telemetry = noTelemetry } = deps;
    this.#options = options;
    this.#deps = deps;
    this.#logger = logger;
    this.#telemetry = telemetry;
    this.connId = options.connId;
    this.bus = bus;
    const subjects = createSubjects(options.prefix);
    this.#subjects = subjects;
    const parts = { bus, clock, logger, telemetry, subjects, connId: this.connId };
    this.#shared = new Subscriptions(bus, (message, members) => this.#onShared(message, members));
    this.#replies = new Replies({ ...parts, lingerMs: options.lingerMs, agentCount: () => this.#residents.size });
    this.#hellos = new Hellos(parts);
    this.#heartbeats = new Heartbeats({
      ...parts,
      ids,
      processGauge,
      intervalMs: options.heartbeatIntervalMs,
      agents: () => [...this.#residents.values()].filter((resident) => !resident.leaving),
      helloAll: () => this.#helloAll(),
      guard: (message, take) => this.#guard(message, take),
    });
  }

  get agents(): readonly string[] {
    return [...this.#residents.keys()];
  }

  async start(): Promise<void> {
    this.#batches = this.bus.subscribe(this.#subjects.connIn(this.connId), (message) =>
      this.#guard(message, () => this.#onBatch(message)),
    );
    this.#heartbeats.start();
    this.#endStatus = this.bus.onStatus((status) => {
      if (status === "connected") this.#onReconnected();
    });
    await this.bus.flush();
  }

  async addAgent(options: AgentOptions): Promise<Agent> {
    const resident = this.#residentOf(options);
    this.#residents.set(resident.id, resident);
    try {
      for (const subject of this.#subjectsOf(resident)) this.#shared.join(subject, resident);
      await this.bus.flush(); // C1
      this.#hellos.say(resident);
      await this.bus.flush();
    } catch (error) {
      this.#remove(resident);
      throw error;
    }
    const leave = (withinMs = this.#options.drainTimeoutMs): Promise<void> => this.#leave([resident], withinMs);
    return { id: resident.id, boot: resident.hello.boot, leave };
  }

  drain(withinMs = this.#options.drainTimeoutMs): Promise<void> {
    this.#drained ??= this.#end(withinMs);
    return this.#drained;
  }

  async #end(withinMs: number): Promise<void> {
    await this.#leave([...this.#residents.values()], withinMs);
    this.#heartbeats.stop();
    this.#endStatus();
    this.#batches?.unsubscribe();
    this.#replies.flush();
    await this.#flushBus();
  }

  #residentOf(options: AgentOptions): Resident {
    if (this.#drained !== undefined) throw new NexusError("draining", "the connection drains; it takes no further agents");
    const id = agentIdSchema.safeParse(options.id);
    if (!id.success) throw invalid("id", "must be a name of lower-case letters, digits, _ and -");
    if (this.#residents.has(id.data)) throw invalid("id", `agent ${id.data} is already on this connection`);
    if (this.#residents.size >= limits.connectionAgentsMax) {
      throw invalid("id", `a connection carries at most ${limits.connectionAgentsMax} agents; open another`);
    }
    const hello = this.#helloOf(options);
    const queueMax = options.queueMax ?? Math.min(QUEUE_PER_CAPACITY * hello.capacity, limits.capacityMax);
    if (!Number.isInteger(queueMax) || queueMax < 0 || queueMax > limits.capacityMax) {
      throw invalid("queueMax", `must be an integer in [0, ${limits.capacityMax}]`);
    }
    const { repeatWindowMs, repeatEntriesMax, repeatBytesMax } = this.#options;
    const bounds = { capacity: hello.capacity, queueMax, repeatWindowMs, repeatEntriesMax, repeatBytesMax };
    const answerBytesMax = frameBytesMax(this.bus) - ANSWER_FRAME_BYTES;
    return new Resident(
      { id: id.data, hello, handlers: new Map(Object.entries(options.handlers)), answerBytesMax, ...bounds },
      {
        clock: this.#deps.clock,
        telemetry: this.#telemetry,
        logger: this.#logger.child({ agent: id.data }),
        send: (agent, router, codec, answer, bytes) => this.#replies.send(agent, router, codec, answer, bytes),
        ask: (agent, router, question) => this.#ask(agent, router, question),
      },
    );
  }

  #helloOf(options: AgentOptions): Hello {
    return parseFrame(
      helloSchema,
      {
        v: WIRE_VERSION,
        wire: wireRange,
        connId: this.connId,
        boot: this.#deps.ids.instanceName("boot"),
        incarnation: 0,
        groups: [...new Set(options.groups ?? [])],
        labels: options.labels ?? {},
        capacity: options.capacity ?? CAPACITY_DEFAULT,
        operations: Object.keys(options.handlers),
        codecs: codecNames,
        causal: true,
      },
      `agent ${options.id}`,
    );
  }

  #subjectsOf(resident: Resident): string[] {
    const groups = resident.hello.groups.map((group) => this.#subjects.group(group));
    return [this.#subjects.agentIn(resident.id), this.#subjects.all, ...groups];
  }

  /** C4 */
  async #leave(all: readonly Resident[], withinMs: number): Promise<void> {
    const residents = all.filter((resident) => this.#residents.get(resident.id) === resident);
    for (const resident of residents) {
      if (resident.leaving) continue;
      resident.startDraining();
      this.#hellos.forget(resident);
      this.#sayBye(resident);
    }
    await Promise.all(residents.map((resident) => resident.finishAll(withinMs)));
    this.#replies.flush();
    await this.#flushBus();
    for (const resident of residents) this.#remove(resident);
    // What was refused while the bus was flushed.
    this.#replies.flush();
  }

  #sayBye(resident: Resident): void {
    if (!this.bus.connected) return;
    try {
      const bye: Bye = { v: WIRE_VERSION, boot: resident.hello.boot, reason: "drain" };
      this.bus.publish(this.#subjects.agentBye(resident.id), encode(bye));
    } catch (error) {
      this.#logger.warn({ agent: resident.id, err: error }, "a bye could not be sent; routers will notice the silence");
    }
  }

  #ask(agent: string, router: string, question: CausalAsk): void {
    if (!this.bus.connected) return;
    try {
      this.bus.publish(this.#subjects.agentAsk(agent, router), encode(question));
    } catch (error) {
      this.#logger.warn({ agent, err: error }, "a question for missing operations could not be sent; it will be asked again");
    }
  }

  #remove(resident: Resident): void {
    resident.stop();
    this.#hellos.forget(resident);
    for (const subject of this.#subjectsOf(resident)) this.#shared.leave(subject, resident);
    if (this.#residents.get(resident.id) === resident) this.#residents.delete(resident.id);
  }

  /** For whoever goes: without a server there is nobody to wait for. */
  async #flushBus(): Promise<void> {
    if (!this.bus.connected) return;
    await this.bus.flush().catch((error: unknown) => {
      this.#logger.warn({ err: error }, "the bus was lost before everything was flushed");
    });
  }

  #onReconnected(): void {
    this.bus.flush().then(
      () => this.#helloAll(),
      (error: unknown) => this.#logger.warn({ err: error }, "lost again before the agents could say hello"),
    );
  }

  #helloAll(): void {
    for (const resident of this.#residents.values()) this.#hellos.say(resident);
  }

  #onBatch(message: BusMessage): void {
    const codec = codecIn(message);
    const parent = this.#telemetry.extract(message.headers);
    for (const { to, frame } of parseFrame(connFrameSchema, decode(message.data, codec), "batch").items) {
      const residents = to.flatMap((id) => this.#residents.get(id) ?? []);
      this.#fanOut(residents, frame, codec, parent, message.data.byteLength);
    }
  }

  #onShared(message: BusMessage, members: readonly Resident[]): void {
    this.#guard(message, () => {
      const codec = codecIn(message);
      const frame = parseFrame(agentFrameSchema, decode(message.data, codec), "frame", isPlainOperation);
      this.#fanOut(members, frame, codec, this.#telemetry.extract(message.headers), message.data.byteLength);
    });
  }

  /** Decoded once, however many agents of the connection it is for; so none of them may change it. */
  #fanOut(
    residents: readonly Resident[],
    frame: AgentFrame,
    codec: CodecName,
    parent: TraceContext | undefined,
    bytes: number,
  ): void {
    if (residents.length > 1 && frame.kind === "operation") {
      freezeDeep(frame.payload);
      freezeDeep(frame.coordination?.answer);
    }
    for (const resident of residents) {
      if (frame.kind === "operation") resident.take(frame, codec, parent, bytes);
      else if (frame.kind === "cancel") resident.cancel(frame.operationId);
      else if (frame.kind === "causal-nothing") resident.causalNothing(frame);
      else this.#hellos.onWanted(resident);
    }
  }

  /** C3. What is not a peer's fault goes on to the bus, which tells its `onError`. */
  #guard(message: BusMessage, take: () => void): void {
    try {
      take();
    } catch (error) {
      if (!(error instanceof NexusError) || error.family === "defect") throw error;
      this.#telemetry.count("framesDropped", 1, { [attributes.reason]: error.code });
      this.#warnOfDrop(message.subject, error);
    }
  }

  /** A flood of frames must not become a flood of lines. */
  #warnOfDrop(subject: string, error: NexusError): void {
    this.#dropsUnwarned++;
    const nowMs = this.#deps.clock.monotonicMs();
    if (nowMs - this.#warnedMs < DROP_WARNING_INTERVAL_MS) return;
    this.#logger.warn({ subject, err: error, dropped: this.#dropsUnwarned }, "frames dropped that were not understood");
    this.#dropsUnwarned = 0;
    this.#warnedMs = nowMs;
  }
}

function codecIn(message: BusMessage): CodecName {
  return codecOfHeaders(message.headers);
}

function invalid(field: string, message: string): NexusError {
  return new NexusError("invalid-field", `${field}: ${message}`, { field });
}
