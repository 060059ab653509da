import {
  type AgentFrame,
  agentFrameSchema,
  attributes,
  CONTENT_TYPE_HEADER,
  type CodecName,
  codecOf,
  connFrameSchema,
  createSubjects,
  decode,
  encode,
  groupSchema,
  type Hello,
  helloSchema,
  NexusError,
  parseFrame,
  type Subjects,
  wireRange,
} from "@nexus/contracts";
import type { Bus, BusMessage, BusSubscription } from "@nexus/ports";
import { Heartbeats } from "./heartbeats.ts";
import { OperationIntake } from "./operation-intake.ts";
import { ReplyBatcher } from "./reply-batcher.ts";
import type { AgentOptions, ConnectionDeps, ConnectionOptions } from "./types.ts";

/**
 * A connection that carries agents: their subscriptions, hellos, heartbeats, operations and answers.
 *
 * Invariants
 * C1. Subscriptions are flushed before a hello: an agent that is known can be reached.
 * C2. One subscription per group, per connection, however many of its agents are in the group.
 * C3. A frame that is not understood is dropped and counted; nothing that arrives takes the connection down.
 */

export interface Agent {
  readonly id: string;
  readonly boot: string;
  /** Takes nothing new, finishes what runs, and leaves. */
  leave(): Promise<void>;
}

export interface AgentConnection {
  readonly connId: string;
  readonly bus: Bus;
  /** Resolves when the agent can be reached and has said so. */
  addAgent(options: AgentOptions): Promise<Agent>;
  readonly agents: readonly string[];
  /** All agents leave: nothing new is taken, what runs is finished within the time, answers are sent. */
  drain(withinMs?: number): Promise<void>;
}

interface Resident {
  readonly id: string;
  readonly boot: string;
  readonly hello: Hello;
  readonly intake: OperationIntake;
  readonly groups: ReadonlySet<string>;
  inbox: BusSubscription | undefined;
  lastHelloMs: number;
}

export const connectionDefaults: Omit<ConnectionOptions, "connId"> = {
  prefix: "nexus",
  heartbeatIntervalMs: 1_000,
  lingerMs: 0,
  repeatWindowMs: 3_660_000,
  repeatEntriesMax: 20_000,
  repeatBytesMax: 16 * 1_048_576,
};

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
  readonly #subjects: Subjects;
  readonly #residents = new Map<string, Resident>();
  readonly #groups = new Map<string, { subscription: BusSubscription; members: Set<Resident> }>();
  readonly #replies: ReplyBatcher;
  readonly #heartbeats: Heartbeats;
  readonly #always: BusSubscription[] = [];
  #stopStatus = () => {};
  #wasAway = false;

  constructor(options: ConnectionOptions, deps: ConnectionDeps) {
    this.#options = options;
    this.#deps = deps;
    this.connId = options.connId;
    this.bus = deps.bus;
    this.#subjects = createSubjects(options.prefix);
    const { bus, clock, logger, telemetry, ids, processGauge } = deps;
    const parts = { bus, clock, logger, telemetry, subjects: this.#subjects, connId: this.connId };
    this.#replies = new ReplyBatcher({ ...parts, lingerMs: options.lingerMs, agentCount: () => this.#residents.size });
    this.#heartbeats = new Heartbeats({
      ...parts,
      ids,
      processGauge,
      intervalMs: options.heartbeatIntervalMs,
      agents: () => [...this.#residents.values()],
      helloAll: () => this.#helloAll(),
    });
  }

  get agents(): readonly string[] {
    return [...this.#residents.keys()];
  }

  async start(): Promise<void> {
    const { bus } = this.#deps;
    this.#always.push(
      bus.subscribe(this.#subjects.connIn(this.connId), (message) => this.#guard(message, () => this.#onBatch(message))),
      bus.subscribe(this.#subjects.all, (message) => this.#guard(message, () => this.#fanOut(message, this.#residents.values()))),
    );
    this.#heartbeats.start();
    this.#stopStatus = bus.onStatus((status) => {
      if (status === "connected" && this.#wasAway) this.#helloAll();
      this.#wasAway = status !== "connected";
    });
    await bus.flush();
  }

  async addAgent(options: AgentOptions): Promise<Agent> {
    const { bus, ids } = this.#deps;
    if (this.#residents.has(options.id))
      throw new NexusError("invalid-field", `agent ${options.id} is already on this connection`, { field: "id" });
    const capacity = options.capacity ?? 16;
    const boot = ids.instanceName("boot");
    const hello = parseFrame(
      helloSchema,
      {
        v: 1,
        wire: wireRange,
        connId: this.connId,
        boot,
        incarnation: 0,
        groups: [...(options.groups ?? [])],
        labels: options.labels ?? {},
        capacity,
        operations: Object.keys(options.handlers),
        codecs: ["json", "msgpack"],
      },
      `agent ${options.id}`,
    );
    const resident: Resident = {
      id: options.id,
      boot,
      hello,
      groups: new Set(hello.groups),
      intake: this.#intakeOf(options, boot, capacity),
      inbox: undefined,
      lastHelloMs: Number.NEGATIVE_INFINITY,
    };
    this.#residents.set(options.id, resident);
    resident.inbox = bus.subscribe(this.#subjects.agentIn(options.id), (message) =>
      this.#guard(message, () => this.#fanOut(message, [resident])),
    );
    for (const group of hello.groups) this.#join(group, resident);
    // C1
    await bus.flush();
    this.#hello(resident);
    await bus.flush();
    return { id: options.id, boot, leave: () => this.#leave(resident) };
  }

  async drain(withinMs = 2_000): Promise<void> {
    const all = Promise.all([...this.#residents.values()].map((resident) => this.#leave(resident)));
    const timeUp = new Promise<void>((resolve) => this.#deps.clock.schedule(withinMs, resolve));
    await Promise.race([all, timeUp]);
    this.#heartbeats.stop();
    this.#stopStatus();
    this.#replies.flush();
    for (const subscription of this.#always) subscription.unsubscribe();
    if (this.bus.connected) await this.bus.flush();
  }

  #intakeOf(options: AgentOptions, boot: string, capacity: number): OperationIntake {
    const { clock, logger, telemetry, bus } = this.#deps;
    const { repeatWindowMs, repeatEntriesMax, repeatBytesMax } = this.#options;
    return new OperationIntake(
      {
        agentId: options.id,
        boot,
        capacity,
        queueMax: options.queueMax ?? 4 * capacity,
        handlers: options.handlers,
        repeatWindowMs,
        repeatEntriesMax,
        repeatBytesMax,
        answerBytesMax: bus.maxPayloadBytes - 8_192,
      },
      {
        clock,
        telemetry,
        logger: logger.child({ agent: options.id }),
        send: (router, codec, answer) => this.#replies.send(options.id, router, codec, answer),
      },
    );
  }

  #join(group: string, resident: Resident): void {
    const name = groupSchema.parse(group);
    const known = this.#groups.get(name);
    if (known !== undefined) {
      known.members.add(resident);
      return;
    }
    const members = new Set([resident]);
    const subscription = this.#deps.bus.subscribe(this.#subjects.group(name), (message) =>
      this.#guard(message, () => this.#fanOut(message, members)),
    );
    this.#groups.set(name, { subscription, members });
  }

  async #leave(resident: Resident): Promise<void> {
    if (this.#residents.get(resident.id) !== resident) return;
    const bye = { v: 1, boot: resident.boot, reason: "drain" };
    if (this.bus.connected) this.bus.publish(this.#subjects.agentBye(resident.id), encode(bye));
    await resident.intake.drain();
    this.#replies.flush();
    resident.inbox?.unsubscribe();
    for (const group of resident.groups) {
      const known = this.#groups.get(group);
      known?.members.delete(resident);
      if (known?.members.size !== 0) continue;
      known.subscription.unsubscribe();
      this.#groups.delete(group);
    }
    this.#residents.delete(resident.id);
  }

  #hello(resident: Resident): void {
    const { bus, clock } = this.#deps;
    if (!bus.connected) return;
    resident.lastHelloMs = clock.monotonicMs();
    bus.publish(this.#subjects.agentHello(resident.id), encode(resident.hello));
  }

  #helloAll(): void {
    for (const resident of this.#residents.values()) this.#hello(resident);
  }

  #onBatch(message: BusMessage): void {
    const codec = codecIn(message);
    const parent = this.#deps.telemetry.extract(message.headers);
    for (const { to, frame } of parseFrame(connFrameSchema, decode(message.data, codec), "batch").items) {
      for (const id of to) {
        const resident = this.#residents.get(id);
        if (resident !== undefined) this.#deliver(resident, frame, codec, parent);
      }
    }
  }

  /** Decoded once, however many agents of the connection it is for. */
  #fanOut(message: BusMessage, residents: Iterable<Resident>): void {
    const codec = codecIn(message);
    const frame = parseFrame(agentFrameSchema, decode(message.data, codec), "frame");
    const parent = this.#deps.telemetry.extract(message.headers);
    for (const resident of [...residents]) this.#deliver(resident, frame, codec, parent);
  }

  #deliver(
    resident: Resident,
    frame: AgentFrame,
    codec: CodecName,
    parent: ReturnType<ConnectionDeps["telemetry"]["extract"]>,
  ): void {
    switch (frame.kind) {
      case "operation":
        return resident.intake.take(frame, codec, parent);
      case "cancel":
        return resident.intake.cancel(frame.operationId);
      case "hello-wanted":
        // At most one a second, however often it is asked for.
        if (this.#deps.clock.monotonicMs() - resident.lastHelloMs >= 1_000) this.#hello(resident);
        return;
    }
  }

  #guard(message: BusMessage, take: () => void): void {
    try {
      take();
    } catch (error) {
      if (!(error instanceof NexusError) || error.family === "defect") throw error;
      this.#deps.telemetry.count("framesDropped", 1, { [attributes.reason]: error.code });
      this.#deps.logger.warn({ subject: message.subject, err: error }, "frame dropped");
    }
  }
}

function codecIn(message: BusMessage): CodecName {
  return codecOf(message.headers[CONTENT_TYPE_HEADER]);
}
