import {
  type CoordinationRequest,
  encode,
  type GoalType,
  type RequestEvent,
  type Subjects,
  WIRE_VERSION,
} from "@nexus/contracts";
import type { Bus, Clock, TraceContext } from "@nexus/ports";
import type { EndedRequest } from "./ended-request.ts";
import type { RunningRequest } from "./registry.ts";

export type EventBody = Omit<RequestEvent, "v" | "id" | "seq" | "atMs">;

export interface RunFacts {
  readonly id: string;
  readonly request: CoordinationRequest;
  /** Absent where no other body can come under the id. */
  readonly digest: string | undefined;
  readonly arrivedMs: number;
  readonly remainingMs: number;
  readonly trace: TraceContext;
}

export interface RunDeps {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly subjects: Subjects;
}

/** What a request under way is to end where it is cancelled. */
export interface Cancellable {
  cancel(): void;
}

/**
 * A request under way at this router: who may cancel it, who waits for its beginning, who listens to its events. There is
 * one for each request, and most are neither cancelled nor followed, so what that takes is made when it is first asked for.
 */
export class RequestRun implements RunningRequest {
  readonly id: string;
  readonly type: GoalType;
  readonly request: CoordinationRequest;
  readonly digest: string | undefined;
  readonly arrivedMs: number;
  readonly remainingMs: number;
  readonly trace: TraceContext;
  /** Set in the turn in which it is made. Rejects where the request is refused. */
  ended: Promise<EndedRequest> = never;
  readonly #deps: RunDeps;
  #cancelled = false;
  #cancels: Cancellable | undefined;
  #hasBegun = false;
  #begun: PromiseWithResolvers<void> | undefined;
  #told: boolean;
  #seq = 0;

  constructor(facts: RunFacts, deps: RunDeps) {
    this.id = facts.id;
    this.type = facts.request.goal.type;
    this.request = facts.request;
    this.digest = facts.digest;
    this.arrivedMs = facts.arrivedMs;
    this.remainingMs = facts.remainingMs;
    this.trace = facts.trace;
    this.#deps = deps;
    this.#told = facts.request.mode === "accept";
  }

  get deadlineMs(): number {
    return this.arrivedMs + this.remainingMs;
  }

  /** Resolves when the request is no longer refused, at the latest with its end. */
  get begun(): Promise<void> {
    if (this.#begun === undefined) {
      const begun = Promise.withResolvers<void>();
      this.#begun = begun;
      if (this.#hasBegun) begun.resolve();
      else this.ended.then(() => begun.resolve(), begun.reject);
    }
    return this.#begun.promise;
  }

  begin(): void {
    this.#hasBegun = true;
    this.#begun?.resolve();
  }

  cancel(): void {
    if (this.#cancelled) return;
    this.#cancelled = true;
    this.#cancels?.cancel();
  }

  /** What to cancel with the request from now on, at once where it was cancelled before; undefined: nothing. */
  cancels(what: Cancellable | undefined): void {
    this.#cancels = what;
    if (this.#cancelled) what?.cancel();
  }

  /** From now on somebody listens to its events. */
  tellEvents(): void {
    this.#told = true;
  }

  get followed(): boolean {
    return this.#told;
  }

  /** Numbers and publishes an event, where somebody asked for the request in `accept` mode. */
  emit(event: EventBody): void {
    const { bus, clock, subjects } = this.#deps;
    if (!this.#told || !bus.connected) return;
    const atMs = clock.monotonicMs() - this.arrivedMs;
    bus.publish(subjects.requestEvents(this.id), encode({ v: WIRE_VERSION, id: this.id, seq: this.#seq++, atMs, ...event }));
  }
}

const never = new Promise<never>(() => {});
