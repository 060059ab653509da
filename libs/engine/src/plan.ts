import type { CoordinationRequest, Decision, GoalType, ProgressFrame, RequestEvent } from "@nexus/contracts";
import type { Clock, TraceContext } from "@nexus/ports";
import type { Targets } from "./table/routing-table.ts";

/** A request that was accepted, with what the engine needs to carry it out. Times are of the monotonic clock, in ms. */
export interface Plan {
  readonly id: string;
  readonly request: CoordinationRequest;
  readonly type: GoalType;
  /** Digest of the request's identity; absent where the id is our own and no other body can exist under it. */
  readonly digest: string | undefined;
  readonly arrivedMs: number;
  readonly deadlineMs: number;
  readonly targets: Targets;
  readonly trace: TraceContext;
  readonly events: EventSink;
}

/** Who follows a request, if anybody does. */
export interface EventSink {
  /** Whether an event would be told; what takes work to make is not made otherwise. */
  readonly followed: boolean;
  emit(event: Omit<RequestEvent, "v" | "id" | "seq" | "atMs">): void;
}

/** How a rung carries a goal out. */
export interface Mechanism {
  readonly layer: Decision["layer"];
  readonly strategy: string;
  /** Sends to one silent agent, the first included. */
  readonly sendsMax: number;
  /** Give an agent no more than its capacity; without it, work goes to the next in the list. */
  readonly windowed: boolean;
}

/** Work of one layer for one request, counted as it happens. */
export interface Tally {
  messages: number;
  answers: number;
  busyUs: number;
}

/** What an attempt gives a run: time, the tally of its layer, and the trace that its messages belong to. */
export interface AttemptContext {
  readonly mechanism: Mechanism;
  readonly clock: Clock;
  readonly tally: Tally;
  readonly trace: TraceContext;
  /** How many of its messages may have their handlers recorded; further ones are counted on the attempt's span. */
  readonly handlerSpansMax: number;
  /** Whatever still runs when the attempt has ended is stopped by these, so that it holds nothing for the next. */
  readonly abandon: Set<() => void>;
}

export class Attempting implements AttemptContext {
  readonly mechanism: Mechanism;
  readonly clock: Clock;
  readonly tally: Tally = { messages: 0, answers: 0, busyUs: 0 };
  readonly trace: TraceContext;
  readonly handlerSpansMax: number;
  #abandon: Set<() => void> | undefined;

  constructor(mechanism: Mechanism, clock: Clock, trace: TraceContext, handlerSpansMax: number) {
    this.mechanism = mechanism;
    this.clock = clock;
    this.trace = trace;
    this.handlerSpansMax = handlerSpansMax;
  }

  /** Most attempts leave nothing that runs. */
  get abandon(): Set<() => void> {
    this.#abandon ??= new Set();
    return this.#abandon;
  }

  end(): void {
    if (this.#abandon !== undefined) for (const stop of [...this.#abandon]) stop();
  }
}

/** Tells whoever follows the request that an agent goes on with a part of it. */
export function emitProgress(plan: Plan, agent: string, index: number, { fraction, message }: ProgressFrame): void {
  plan.events.emit({
    event: "progress",
    agent,
    index,
    ...(fraction === undefined ? {} : { fraction }),
    ...(message === undefined ? {} : { message }),
  });
}

/**
 * Cut off with work under way: no other rung has another bus, and what is under way may yet end well. With nothing under
 * way there is nothing to wait for.
 */
export function waitsForBus({ mechanism, tally }: Pick<AttemptContext, "mechanism" | "tally">, isConnected: boolean): boolean {
  return !isConnected && mechanism.sendsMax > 1 && tally.messages > 0;
}

/** Whether the handler of the next message is recorded. */
export function recordsNext({ tally, handlerSpansMax }: Pick<AttemptContext, "tally" | "handlerSpansMax">): boolean {
  return tally.messages < handlerSpansMax;
}

/** Milliseconds of silence before a repeat: a share of the time that is left, within bounds. */
export function repeatAfterMs(remainingMs: number): number {
  return Math.min(1_000, Math.max(100, remainingMs / 8));
}
