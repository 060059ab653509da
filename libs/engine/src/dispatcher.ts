import {
  type AgentAnswer,
  type AgentFrame,
  CONTENT_TYPE_HEADER,
  type CodecName,
  contentTypes,
  encode,
  limits,
  NexusError,
  type OperationFrame,
  type Subjects,
} from "@nexus/contracts";
import type { Bus, Telemetry, TraceContext } from "@nexus/ports";
import type { AgentEntry } from "./table/routing-table.ts";

/** Told of everything that agents say of an operation. */
export type AnswerListener = (agent: string, answer: AgentAnswer) => void;

/** An operation about to be published, to one agent or to many. */
export interface Sending {
  readonly frame: Omit<OperationFrame, "v" | "kind" | "remainingMs" | "boot">;
  readonly deadlineMs: number;
  readonly trace: TraceContext;
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
   * @param repeat the frame is bound to the agent's present boot, so that a new life does not run it again
   * @param record false: the agent shall not record a span of its own
   * @throws NexusError `disconnected`, `too-large`
   */
  send(entry: AgentEntry, sending: Sending, nowMs: number, repeat: boolean, record: boolean): void {
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

  cancel(entry: AgentEntry, operationId: string): void {
    this.#publish(entry, { v: 1, kind: "cancel", operationId }, {});
  }

  #publish(entry: AgentEntry, frame: AgentFrame, headers: Record<string, string>): void {
    const codec: CodecName = entry.codec;
    if (codec !== "json") headers[CONTENT_TYPE_HEADER] = contentTypes[codec];
    const data = encode(frame, codec);
    if (data.byteLength > limits.frameBytesMax) {
      // A server may carry more, and the agent would drop it: that would look like a silent agent.
      throw new NexusError("too-large", `a frame of ${data.byteLength} bytes; agents read at most ${limits.frameBytesMax}`, {
        field: "goal",
      });
    }
    this.#bus.publish(this.#subjects.agentIn(entry.id), data, { headers });
    this.#sent++;
  }
}
