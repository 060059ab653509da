import {
  type AgentAnswer,
  type AgentFrame,
  type CausalOrder,
  CONTENT_TYPE_HEADER,
  type CodecName,
  contentTypes,
  encode,
  limits,
  NexusError,
  type OperationFrame,
  roundMs,
  type Subjects,
} from "@nexus/contracts";
import type { Bus, Telemetry, TraceContext } from "@nexus/ports";
import type { Plan } from "./plan.ts";
import type { AgentEntry } from "./table/routing-table.ts";

/** Told of everything that agents say of an operation. */
export type AnswerListener = (agent: string, answer: AgentAnswer) => void;

/** Told of an agent that has room now; true where it was used. */
export type RoomWaiter = (agent: string) => boolean;

/** Where a causal operation stands: another place at each agent. */
export interface CausalPlace {
  at(agent: AgentEntry): CausalOrder;
  /** It went out to the agent. */
  published(agent: string): void;
}

/** An operation about to be published, to one agent or to many. */
export interface Sending {
  readonly frame: Omit<OperationFrame, "v" | "kind" | "remainingMs" | "boot" | "causal"> & {
    readonly causal?: CausalPlace | undefined;
  };
  readonly deadlineMs: number;
  readonly trace: TraceContext;
}

/** What the frames of one operation have in common. */
export type FrameBody = Pick<OperationFrame, "operation" | "payload" | "coordination"> & {
  readonly reply: boolean;
  readonly causal?: CausalPlace;
};

/** @param trace of the span that the handlers' are children of */
export function sendingOf(plan: Plan, operationId: string, body: FrameBody, trace: TraceContext, routerId: string): Sending {
  const { digest, request, type, deadlineMs } = plan;
  return {
    deadlineMs,
    trace,
    frame: {
      operationId,
      router: routerId,
      type,
      operation: body.operation,
      reply: body.reply,
      payload: body.payload,
      coordination: body.coordination,
      digest,
      priority: request.priority,
      causal: body.causal,
    },
  };
}

export interface SendOptions {
  /** The frame is bound to the agent's present boot, so that a new life does not run it again. */
  readonly repeat: boolean;
  /** Whether the agent shall record a span of its own. */
  readonly record: boolean;
}

/** For the headers of an operation: content type, trace context. */
const HEADER_BYTES = 1_024;

/**
 * Publishes operations to agents and hands their answers to whoever waits for the operation id. The only part of the
 * engine that writes frames for agents.
 */
export class Dispatcher {
  readonly #listeners = new Map<string, AnswerListener>();
  readonly #bus: Bus;
  readonly #subjects: Subjects;
  readonly #telemetry: Telemetry;
  readonly #held = new Map<string, number>();
  /** Whoever waits for room at some agent, longest first. */
  readonly #waiters = new Set<RoomWaiter>();
  #reconnects = 0;
  #sent = 0;
  #late = 0;

  constructor(deps: { bus: Bus; subjects: Subjects; telemetry: Telemetry }) {
    this.#bus = deps.bus;
    this.#subjects = deps.subjects;
    this.#telemetry = deps.telemetry;
    deps.bus.onStatus((status) => {
      if (status === "connected") this.#reconnects++;
    });
  }

  /** Messages published to agents so far. */
  get sent(): number {
    return this.#sent;
  }

  /** Answers that nobody waited for any more. */
  get late(): number {
    return this.#late;
  }

  get connected(): boolean {
    return this.#bus.connected;
  }

  /** How often the bus came back: what was on its way at that moment may be lost. */
  get reconnects(): number {
    return this.#reconnects;
  }

  /** Operations that the agent holds for this router. */
  held(agent: string): number {
    return this.#held.get(agent) ?? 0;
  }

  /** Every `hold` has exactly one `release`, on every path; by id, so that a new hello loses no count. */
  hold(agent: string): void {
    this.#held.set(agent, this.held(agent) + 1);
  }

  release(agent: string): void {
    const left = this.held(agent) - 1;
    if (left > 0) this.#held.set(agent, left);
    else this.#held.delete(agent);
    this.#offerRoom(agent);
  }

  /**
   * Waits for room that others give back: each release is offered to those who wait, longest first, until one takes it.
   * Who took some and wants more waits behind the others. @returns what ends the waiting
   */
  waitForRoom(waiter: RoomWaiter): () => void {
    this.#waiters.add(waiter);
    return () => this.#waiters.delete(waiter);
  }

  #offerRoom(agent: string): void {
    for (const waiter of this.#waiters) {
      if (!waiter(agent)) continue;
      if (this.#waiters.delete(waiter)) this.#waiters.add(waiter);
      return;
    }
  }

  /** Over all agents; zero when nothing runs. */
  get heldTotal(): number {
    let total = 0;
    for (const count of this.#held.values()) total += count;
    return total;
  }

  listen(operationId: string, listener: AnswerListener): void {
    this.#listeners.set(operationId, listener);
  }

  unlisten(operationId: string): void {
    this.#listeners.delete(operationId);
  }

  /** @returns whether somebody waited for it */
  answered(agent: string, answer: AgentAnswer): boolean {
    const listener = this.#listeners.get(answer.operationId);
    if (listener === undefined) {
      this.#late++;
      return false;
    }
    listener(agent, answer);
    return true;
  }

  /**
   * @throws NexusError `disconnected`, `too-large`
   */
  send(entry: AgentEntry, sending: Sending, nowMs: number, { repeat, record }: SendOptions): void {
    const { operationId, router, type, operation, reply, payload, coordination, digest, priority, causal } = sending.frame;
    // Neither codec writes what is undefined.
    const frame: OperationFrame = {
      v: 1,
      kind: "operation",
      operationId,
      router,
      type,
      operation,
      reply,
      payload,
      coordination,
      digest,
      priority,
      remainingMs: roundMs(Math.max(0, sending.deadlineMs - nowMs)),
      // Another life of the agent knows nothing of the order that this one is in.
      boot: repeat || causal !== undefined ? entry.boot : undefined,
    };
    if (causal !== undefined) frame.causal = causal.at(entry);
    const headers: Record<string, string> = {};
    this.#telemetry.inject(sending.trace, headers, record);
    this.#publish(entry, frame, headers);
    causal?.published(entry.id);
    this.#telemetry.count("operationsSent", 1);
  }

  /** Nothing while the bus is away: the work then ends at its own deadline. */
  cancel(entry: AgentEntry, operationId: string): void {
    if (!this.#bus.connected) return;
    this.#publish(entry, { v: 1, kind: "cancel", operationId }, {});
  }

  /** There is nothing to send again. Nothing while the bus is away: the agent will ask again. */
  causalNothing(entry: AgentEntry, frame: Omit<Extract<AgentFrame, { kind: "causal-nothing" }>, "v" | "kind" | "boot">): void {
    if (this.#bus.connected) this.#publish(entry, { v: 1, kind: "causal-nothing", boot: entry.boot, ...frame }, {});
  }

  #publish(entry: AgentEntry, frame: AgentFrame, headers: Record<string, string>): void {
    const codec: CodecName = entry.codec;
    if (codec !== "json") headers[CONTENT_TYPE_HEADER] = contentTypes[codec];
    const bytes = encode(frame, codec);
    // A server may carry more than an agent reads: the agent would drop it, and look silent.
    const bytesMax = Math.min(this.#bus.maxPayloadBytes - HEADER_BYTES, limits.frameBytesMax);
    if (bytes.byteLength > bytesMax) {
      const message = `the operation takes ${bytes.byteLength} bytes as ${codec}; at most ${bytesMax} reach an agent, send less`;
      throw new NexusError("too-large", message, { field: "goal.payload" });
    }
    this.#bus.publish(this.#subjects.agentIn(entry.id), bytes, { headers });
    this.#sent++;
  }
}
