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
import type { AgentEntry } from "./table/routing-table.ts";

/** Told of everything that agents say of an operation. */
export type AnswerListener = (agent: string, answer: AgentAnswer) => void;

/** Offered room for one operation more at the agent. @returns whether it was taken */
export type RoomTaker = (agent: string) => boolean;

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
  /** Who waits for room, in the order of their turn. */
  readonly #roomTakers = new Set<RoomTaker>();
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
    this.#offerRoom(agent);
  }

  /**
   * From now on `take` is offered the room that ended operations leave, in turn with all others that wait, so that one
   * with much work holds up nobody. O(1) for each that waits. @returns ends it
   */
  awaitRoom(take: RoomTaker): () => void {
    this.#roomTakers.add(take);
    return () => this.#roomTakers.delete(take);
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

  /** Cut off, it reaches nobody; the agent ends the work when its time is up. */
  cancel(entry: AgentEntry, operationId: string): void {
    if (!this.connected) return;
    this.#publish(entry, { v: 1, kind: "cancel", operationId }, {});
  }

  #offerRoom(agent: string): void {
    for (const take of this.#roomTakers) {
      if (!take(agent)) continue;
      // Its turn is over, unless it waits no more.
      if (this.#roomTakers.delete(take)) this.#roomTakers.add(take);
      return;
    }
  }

  #publish(entry: AgentEntry, frame: AgentFrame, headers: Record<string, string>): void {
    const codec: CodecName = entry.codec;
    if (codec !== "json") headers[CONTENT_TYPE_HEADER] = contentTypes[codec];
    this.#bus.publish(this.#subjects.agentIn(entry.id), encode(frame, codec), { headers });
    this.#sent++;
  }
}
