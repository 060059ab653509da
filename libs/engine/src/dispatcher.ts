import {
  type AgentAnswer,
  type AgentFrame,
  CONTENT_TYPE_HEADER,
  type CodecName,
  contentTypes,
  encode,
  type OperationFrame,
  type Subjects,
} from "@nexus/contracts";
import type { Bus, Telemetry, TraceContext } from "@nexus/ports";
import type { Plan } from "./plan.ts";
import type { AgentEntry } from "./table/routing-table.ts";

/** Told of everything that agents say of an operation. */
export type AnswerListener = (agent: string, answer: AgentAnswer) => void;

/** An operation about to be published, to one agent or to many. */
export interface Sending {
  readonly frame: Omit<OperationFrame, "v" | "kind" | "remainingMs" | "boot">;
  readonly deadlineMs: number;
  readonly trace: TraceContext;
}

/** What the frames of one operation have in common. */
export type FrameBody = Pick<OperationFrame, "operation" | "payload" | "coordination"> & { readonly reply: boolean };

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
      ...body,
      ...(digest === undefined ? {} : { digest }),
      ...(request.priority === undefined ? {} : { priority: request.priority }),
    },
  };
}

export interface SendOptions {
  /** The frame is bound to the agent's present boot, so that a new life does not run it again. */
  readonly repeat: boolean;
  /** Whether the agent shall record a span of its own. */
  readonly record: boolean;
}

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
  readonly #waiters = new Set<() => void>();
  #sent = 0;
  #late = 0;

  constructor(deps: { bus: Bus; subjects: Subjects; telemetry: Telemetry }) {
    this.#bus = deps.bus;
    this.#subjects = deps.subjects;
    this.#telemetry = deps.telemetry;
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
    const [waiter] = this.#waiters;
    if (waiter === undefined) return;
    this.#waiters.delete(waiter);
    waiter();
  }

  /**
   * Calls back once, within a later `release`. Each release calls one waiter, in the order of waiting: whoever cannot use
   * the room waits again, behind the others, and must not rely on this alone.
   */
  whenRoom(waiter: () => void): () => void {
    this.#waiters.add(waiter);
    return () => this.#waiters.delete(waiter);
  }

  /** Over all agents; zero when nothing runs. */
  get heldTotal(): number {
    let total = 0;
    for (const count of this.#held.values()) total += count;
    return total;
  }

  listen(operationId: string, listener: AnswerListener): () => void {
    this.#listeners.set(operationId, listener);
    return () => this.#listeners.delete(operationId);
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
    const frame: OperationFrame = {
      v: 1,
      kind: "operation",
      ...sending.frame,
      remainingMs: Math.max(0, sending.deadlineMs - nowMs),
      ...(repeat ? { boot: entry.boot } : {}),
    };
    const headers: Record<string, string> = {};
    this.#telemetry.inject(sending.trace, headers, record);
    this.#publish(entry, frame, headers);
    this.#telemetry.count("operationsSent", 1);
  }

  /** Nothing while the bus is away: the work then ends at its own deadline. */
  cancel(entry: AgentEntry, operationId: string): void {
    if (!this.#bus.connected) return;
    this.#publish(entry, { v: 1, kind: "cancel", operationId }, {});
  }

  #publish(entry: AgentEntry, frame: AgentFrame, headers: Record<string, string>): void {
    const codec: CodecName = entry.codec;
    if (codec !== "json") headers[CONTENT_TYPE_HEADER] = contentTypes[codec];
    this.#bus.publish(this.#subjects.agentIn(entry.id), encode(frame, codec), { headers });
    this.#sent++;
  }
}
