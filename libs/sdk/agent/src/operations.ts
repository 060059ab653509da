import {
  type CausalMissing,
  type CodecName,
  NexusError,
  type OperationFrame,
  type ReplyFrame,
  toErrorBody,
} from "@nexus/contracts";
import { IdempotencyWindow } from "@nexus/core-idempotency";
import type { TraceContext } from "@nexus/ports";
import { WorkQueue } from "./work-queue.ts";

/**
 * What an agent holds: which operations run, wait, and have ended. Pure state: time is an argument (milliseconds, never
 * going back), and what is to be done comes back as a value. Running handlers and sending answers is the agent's.
 *
 * Invariants
 * O1. An operation id is run at most once while it is remembered. A repeat of one that is held adds its reply address; a
 *     repeat of one that ended gets the stored answer.
 * O2. What never ran (refused, expired) is not remembered, and pushes nothing out of the window: a repeat may run it.
 *     What was cancelled is remembered even if it never ran: a straggling repeat must not revive it.
 * O3. At most `capacity` handlers run, at most `queueMax` operations wait; what is beyond that is refused.
 * O4. Every work ends exactly once, and its answer is due at each of its addresses at that moment.
 */

export type Finished = Pick<ReplyFrame, "status" | "value" | "error" | "serviceTimeMs" | "causalMissing">;

export interface Work {
  readonly frame: OperationFrame;
  readonly deadlineMs: number;
  readonly parent: TraceContext | undefined;
  /** Of a causal operation: what should have run here before it and never did. */
  readonly missing: CausalMissing | undefined;
  /** Routers that wait for the answer, with the codec of each. */
  readonly addresses: Map<string, CodecName>;
  state: "queued" | "running" | "ended";
  /** Set by whoever runs it. */
  held: { abort(reason: NexusError): void } | undefined;
  /** Neighbours in the queue. */
  before: Work | undefined;
  after: Work | undefined;
}

export type Verdict =
  | { readonly kind: "run"; readonly work: Work }
  /** Nothing to do now: it waits, or its address was added. */
  | { readonly kind: "held"; readonly repeat: boolean; readonly overflow: boolean }
  /** For the frame's own address alone. */
  | { readonly kind: "answer"; readonly finished: Finished; readonly repeat: boolean; readonly overflow: boolean };

export type Next =
  | { readonly kind: "run"; readonly work: Work }
  | { readonly kind: "expired"; readonly work: Work; readonly finished: Finished };

export interface OperationsOptions {
  readonly agentId: string;
  readonly boot: string;
  readonly capacity: number;
  readonly queueMax: number;
  readonly addressesMax: number;
  readonly repeatWindowMs: number;
  readonly repeatEntriesMax: number;
  readonly repeatBytesMax: number;
  readonly knows: (operation: string) => boolean;
}

/** What a caller that was refused for want of room may wait before it tries again. */
const RETRY_AFTER_MS = 100;
/** What the window holds for an answer besides its value. */
const ENTRY_BYTES = 256;

export class Operations {
  readonly #options: OperationsOptions;
  readonly #window: IdempotencyWindow<Finished>;
  /** Held and not ended. */
  readonly #works = new Map<string, Work>();
  readonly #queue = new WorkQueue();
  /** No queued work's time is up before it; found at the last sweep, lowered by what came since. */
  #earliestDeadlineMs = Number.POSITIVE_INFINITY;
  #inFlight = 0;
  #draining = false;

  constructor(options: OperationsOptions) {
    this.#options = options;
    this.#window = new IdempotencyWindow({
      entriesMax: Math.max(options.repeatEntriesMax, options.capacity + options.queueMax),
      bytesMax: options.repeatBytesMax,
      ttlMs: options.repeatWindowMs,
    });
  }

  /** Handlers that run, those included whose answer was sent already. */
  get inFlight(): number {
    return this.#inFlight;
  }

  get queueDepth(): number {
    return this.#queue.size;
  }

  /** Answers dropped from the window before their time, for want of room. */
  get evicted(): number {
    return this.#window.evicted;
  }

  get draining(): boolean {
    return this.#draining;
  }

  get idle(): boolean {
    return this.#inFlight === 0 && this.#queue.size === 0;
  }

  /** Nothing new is taken from now on; repeats of what is remembered are still answered. */
  startDraining(): void {
    this.#draining = true;
  }

  /** Whether a repeat would run nothing. */
  remembers(operationId: string): boolean {
    return this.#window.peek(operationId) !== undefined;
  }

  take(
    frame: OperationFrame,
    codec: CodecName,
    parent: TraceContext | undefined,
    nowMs: number,
    missing?: CausalMissing,
  ): Verdict {
    if (frame.boot !== undefined && frame.boot !== this.#options.boot) return refuse(this.#otherBoot());
    this.#window.expire(nowMs);
    const { operationId, digest } = frame;
    const known = this.#window.recall(operationId, digest);
    if (known === undefined) {
      const refusal = this.#refusalOfNew(frame); // O2: before the window is touched
      if (refusal !== undefined) return refuse(refusal);
      if (frame.remainingMs <= 0) return { kind: "answer", finished: expired("on arrival"), repeat: false, overflow: false };
    }
    const beginning = known ?? this.#window.add(operationId, digest);
    switch (beginning.kind) {
      case "reused":
        return refuse(new NexusError("id-reused", `another body was sent under ${operationId}; take a new id`));
      case "full":
        return refuse(this.#overloaded());
      case "done":
        return { kind: "answer", finished: beginning.result, repeat: true, overflow: false };
      case "running":
        return { kind: "held", repeat: true, overflow: !this.#join(frame, codec) };
      case "new":
        return this.#hold(frame, codec, parent, nowMs, missing);
    }
  }

  /** What is to be done now that a handler has ended; undefined when nothing is. To be called until then. */
  next(nowMs: number): Next | undefined {
    if (this.#inFlight >= this.#options.capacity) return undefined;
    const work = this.#queue.shift();
    if (work === undefined) return undefined;
    if (work.deadlineMs <= nowMs) return { kind: "expired", work, finished: this.#drop(work, expired("before it could run")) };
    this.#start(work);
    return { kind: "run", work };
  }

  /** Where the queue is full: ends what waits in vain. O(1) while no time is up, else O(queue). */
  sweep(nowMs: number): { readonly work: Work; readonly finished: Finished }[] {
    if (this.#queue.size < this.#options.queueMax || nowMs < this.#earliestDeadlineMs) return [];
    const swept = [];
    this.#earliestDeadlineMs = Number.POSITIVE_INFINITY;
    for (const work of this.#queue) {
      if (work.deadlineMs > nowMs) {
        this.#earliestDeadlineMs = Math.min(this.#earliestDeadlineMs, work.deadlineMs);
        continue;
      }
      this.#queue.remove(work);
      swept.push({ work, finished: this.#drop(work, expired("before it could run")) });
    }
    return swept;
  }

  /** Ends work that ran, and remembers the answer. @returns false when it had ended already (O4) */
  finish(work: Work, finished: Finished, bytes: number, nowMs: number): boolean {
    if (work.state === "ended") return false;
    this.#end(work);
    this.#window.finish(work.frame.operationId, finished, bytes + ENTRY_BYTES, nowMs);
    return true;
  }

  /** The handler of a work has returned: its place is free. */
  settle(): void {
    this.#inFlight--;
  }

  /** Ends what is held under the id, as `cancelled`. @returns undefined where nothing is */
  cancel(operationId: string, nowMs: number): { readonly work: Work; readonly finished: Finished } | undefined {
    const work = this.#works.get(operationId);
    if (work === undefined) return undefined;
    const ran = work.state === "running";
    if (!ran) this.#queue.remove(work);
    const error = ran
      ? new NexusError("cancelled", "cancelled while it ran", { executed: "unknown" })
      : new NexusError("cancelled", "cancelled before it ran");
    const finished: Finished = { status: "error", error: toErrorBody(error) };
    this.finish(work, finished, 0, nowMs);
    return { work, finished };
  }

  /** Ends all that is held: the time to finish it is up. */
  giveUp(nowMs: number): { readonly work: Work; readonly finished: Finished }[] {
    const given = [];
    for (const work of [...this.#works.values()]) {
      if (work.state === "queued") {
        this.#queue.remove(work);
        given.push({ work, finished: this.#drop(work, refused(this.#leaving())) });
        continue;
      }
      const message = `agent ${this.#options.agentId} left while the operation ran`;
      const finished: Finished = {
        status: "error",
        error: toErrorBody(new NexusError("unknown-outcome", message, { executed: "unknown" })),
      };
      this.finish(work, finished, 0, nowMs);
      given.push({ work, finished });
    }
    return given;
  }

  #refusalOfNew(frame: OperationFrame): NexusError | undefined {
    const { agentId, capacity, queueMax, knows } = this.#options;
    if (this.#draining) return this.#leaving();
    if (!knows(frame.operation)) {
      return new NexusError("unknown-operation", `agent ${agentId} has no operation "${frame.operation}"`, {
        field: "operation",
      });
    }
    const room = this.#inFlight < capacity || this.#queue.size < queueMax;
    return room || frame.remainingMs <= 0 ? undefined : this.#overloaded();
  }

  #hold(
    frame: OperationFrame,
    codec: CodecName,
    parent: TraceContext | undefined,
    nowMs: number,
    missing: CausalMissing | undefined,
  ): Verdict {
    const work: Work = {
      frame,
      deadlineMs: nowMs + frame.remainingMs,
      parent,
      missing,
      addresses: new Map(frame.reply === false ? [] : [[frame.router, codec]]),
      state: "queued",
      held: undefined,
      before: undefined,
      after: undefined,
    };
    this.#works.set(frame.operationId, work);
    if (this.#inFlight < this.#options.capacity && this.#queue.size === 0) {
      this.#start(work);
      return { kind: "run", work };
    }
    this.#queue.push(work);
    this.#earliestDeadlineMs = Math.min(this.#earliestDeadlineMs, work.deadlineMs);
    return { kind: "held", repeat: false, overflow: false };
  }

  /** @returns false when no address more can be held */
  #join(frame: OperationFrame, codec: CodecName): boolean {
    const addresses = this.#works.get(frame.operationId)?.addresses;
    if (addresses === undefined || frame.reply === false) return true;
    if (addresses.size >= this.#options.addressesMax && !addresses.has(frame.router)) return false;
    addresses.set(frame.router, codec);
    return true;
  }

  #start(work: Work): void {
    work.state = "running";
    this.#inFlight++;
  }

  #end(work: Work): void {
    work.state = "ended";
    this.#works.delete(work.frame.operationId);
  }

  /** Ends work that never ran (O2). */
  #drop(work: Work, finished: Finished): Finished {
    this.#end(work);
    this.#window.forget(work.frame.operationId);
    return finished;
  }

  #otherBoot(): NexusError {
    const message = `agent ${this.#options.agentId} restarted since; what its earlier life did is not known`;
    return new NexusError("other-boot", message, { executed: "unknown" });
  }

  #leaving(): NexusError {
    return new NexusError("draining", `agent ${this.#options.agentId} is leaving; ask another`);
  }

  #overloaded(): NexusError {
    const message = `agent ${this.#options.agentId} holds all the operations that it can`;
    return new NexusError("overloaded", message, { retryAfterMs: RETRY_AFTER_MS });
  }
}

function refused(error: NexusError): Finished {
  return { status: "refused", error: toErrorBody(error) };
}

function refuse(error: NexusError): Verdict {
  return { kind: "answer", finished: refused(error), repeat: false, overflow: error.code === "overloaded" };
}

function expired(when: string): Finished {
  return { status: "expired", error: toErrorBody(new NexusError("expired", `its time was up ${when}`)) };
}
