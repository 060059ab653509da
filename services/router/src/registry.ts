import type { GoalType } from "@nexus/contracts";
import { type Beginning, IdempotencyWindow } from "@nexus/core-idempotency";
import { bytesOf, type EndedRequest, type KeptRequest, keep, reopen } from "./ended-request.ts";

export interface RunningRequest {
  readonly type: GoalType;
  readonly digest: string | undefined;
  /** Resolves with the end of the request, rejects where it came to nothing (it was refused). */
  readonly ended: Promise<EndedRequest>;
  cancel(): void;
}

export interface RegistryOptions {
  readonly requestsMax: number;
  readonly bytesMax: number;
  readonly ttlMs: number;
}

/** The requests of this router: those that run, and for a while those that ended. Bounded in count, bytes and age. */
export class RequestRegistry {
  readonly #window: IdempotencyWindow<KeptRequest>;
  readonly #running = new Map<string, RunningRequest>();
  /** Running requests that this router executes; the others await another router's end. */
  readonly #owned = new Set<string>();

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
    this.#running.set(id, request);
    // Whoever waits for it handles the failure; with nobody waiting it must not count as unhandled.
    request.ended.catch(() => {});
  }

  own(id: string): void {
    if (this.#running.has(id)) this.#owned.add(id);
  }

  /** Whether this router executes or executed the id. */
  owns(id: string): boolean {
    return this.#owned.has(id) || (!this.#running.has(id) && this.#window.peek(id) !== undefined);
  }

  running(id: string): RunningRequest | undefined {
    return this.#running.get(id);
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
    this.#running.delete(id);
    this.#owned.delete(id);
    const kept = keep(ended);
    this.#window.finish(id, kept, bytesOf(kept), nowMs);
  }

  forget(id: string): void {
    this.#running.delete(id);
    this.#owned.delete(id);
    this.#window.forget(id);
  }

  expire(nowMs: number): void {
    this.#window.expire(nowMs);
  }

  async settled(): Promise<void> {
    await Promise.allSettled([...this.#running.values()].map((request) => request.ended));
  }
}
