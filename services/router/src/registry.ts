import type { GoalType } from "@nexus/contracts";
import { type Beginning, IdempotencyWindow } from "@nexus/core-idempotency";
import { bytesOf, type EndedRequest, type KeptRequest, keep, reopen } from "./ended-request.ts";

export interface RunningRequest {
  readonly type: GoalType;
  /** Rejects as `ended` does, whoever asks for it deals with that. */
  readonly begun: Promise<void>;
  /** Resolves with the end of the request, rejects where it came to nothing (it was refused). */
  readonly ended: Promise<EndedRequest>;
  cancel(): void;
  /** From now on somebody listens to its events. */
  tellEvents(): void;
}

interface Running {
  readonly request: RunningRequest;
  /** Where it is executed: another router's are awaited. */
  place: "undecided" | "here" | "elsewhere";
}

export interface RegistryOptions {
  readonly requestsMax: number;
  readonly bytesMax: number;
  readonly ttlMs: number;
}

/** The requests of this router: those that run, and for a while those that ended. Bounded in count, bytes and age. */
export class RequestRegistry {
  readonly #window: IdempotencyWindow<KeptRequest>;
  readonly #running = new Map<string, Running>();
  readonly #listeners = new Map<string, Set<() => void>>();

  constructor(options: RegistryOptions) {
    this.#window = new IdempotencyWindow({ entriesMax: options.requestsMax, bytesMax: options.bytesMax, ttlMs: options.ttlMs });
  }

  get evicted(): number {
    return this.#window.evicted;
  }

  begin(id: string, digest: string | undefined, nowMs: number): Beginning<EndedRequest> {
    const beginning = this.#window.begin(id, digest, nowMs);
    return beginning.kind === "done" ? { kind: "done", result: reopen(beginning.result) } : beginning;
  }

  /** Must follow a `begin` that said `new`, in the same turn. */
  run(id: string, request: RunningRequest): void {
    this.#running.set(id, { request, place: "undecided" });
  }

  /**
   * Called back when the running request is finished or forgotten. Not a reaction to its promise, which would stay there
   * until then: who waits for a moment, again and again, must leave nothing behind.
   * @returns what takes the listener back
   */
  onEnd(id: string, listener: () => void): () => void {
    const listeners = this.#listeners.get(id) ?? new Set();
    this.#listeners.set(id, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(id) === listeners) this.#listeners.delete(id);
    };
  }

  own(id: string): void {
    const running = this.#running.get(id);
    if (running !== undefined) running.place = "here";
  }

  /** Whether this router executes or executed the id. */
  owns(id: string): boolean {
    const running = this.#running.get(id);
    return running === undefined ? this.#window.peek(id) !== undefined : running.place === "here";
  }

  /** Another router executes it; this one waits for that one's end. */
  awaitOther(id: string): void {
    const running = this.#running.get(id);
    if (running !== undefined) running.place = "elsewhere";
  }

  running(id: string): RunningRequest | undefined {
    return this.#running.get(id)?.request;
  }

  /** An ended request that is still kept, without beginning one. */
  ended(id: string): EndedRequest | undefined {
    const kept = this.#window.peek(id)?.result;
    return kept === undefined ? undefined : reopen(kept);
  }

  /** Whether the id runs here or ended here, and under which digest. */
  known(id: string): { readonly digest: string | undefined } | undefined {
    return this.#window.peek(id);
  }

  finish(id: string, ended: EndedRequest, nowMs: number): void {
    const kept = keep(ended);
    this.#window.finish(id, kept, bytesOf(kept), nowMs);
    this.#ended(id);
  }

  forget(id: string): void {
    this.#window.forget(id);
    this.#ended(id);
  }

  expire(nowMs: number): void {
    this.#window.expire(nowMs);
  }

  /** Cancels what this router executes; what it awaits goes on at its owner. @returns how many were cancelled */
  cancelAll(): number {
    const executed = [...this.#running.values()].filter(({ place }) => place !== "elsewhere");
    for (const { request } of executed) request.cancel();
    return executed.length;
  }

  async settled(): Promise<void> {
    await Promise.allSettled([...this.#running.values()].map(({ request }) => request.ended));
  }

  #ended(id: string): void {
    this.#running.delete(id);
    const listeners = this.#listeners.get(id);
    if (listeners === undefined) return;
    this.#listeners.delete(id);
    for (const listener of listeners) listener();
  }
}
