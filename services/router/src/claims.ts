import { decode, encode, type Idempotency, NexusError, routerIdSchema } from "@nexus/contracts";
import type { Clock, Logger, StateStore } from "@nexus/ports";
import { z } from "zod";
import type { Peers } from "./peers.ts";

/**
 * Who owns a request id, among all routers. Redis where it is there; else the live peers are asked.
 *
 * Invariants
 * I1. A claim precedes the first publish, and is atomic across routers when the store is shared and answers.
 * I2. A record is changed only by compare-and-set, so that a takeover by one router excludes every other.
 * I3. Without a shared store the answer says `best-effort`; it waits no longer for peers than their time to answer.
 */

const claimRecordSchema = z.object({ owner: routerIdSchema, digest: z.string().max(64), ended: z.boolean() });
type ClaimRecord = z.infer<typeof claimRecordSchema>;

export type Claim =
  | { readonly kind: "mine"; readonly idempotency: Idempotency }
  | { readonly kind: "other"; readonly owner: string; readonly ended: boolean }
  | { readonly kind: "reused" };

export interface ClaimsDeps {
  readonly store: StateStore;
  readonly peers: Peers;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly routerId: string;
  /** How long a record outlives its request's deadline. */
  readonly retentionMs: number;
}

/** The store deletes nothing under a condition, but everything expires. */
const RELEASED_WITHIN_MS = 1;

export class Claims {
  readonly #deps: ClaimsDeps;

  constructor(deps: ClaimsDeps) {
    this.#deps = deps;
  }

  /** @param granted called as soon as the id is ours, before any other router can ask again */
  async claim(id: string, digest: string, remainingMs: number, granted: () => void): Promise<Claim> {
    const record: ClaimRecord = { owner: this.#deps.routerId, digest, ended: false };
    if (this.#deps.store.shared) {
      try {
        const held = await this.#deps.store.putIfAbsent(claimKey(id), encode(record), remainingMs + this.#deps.retentionMs);
        if (held === undefined) {
          granted();
          return { kind: "mine", idempotency: "claimed" };
        }
        return this.#seen(decodeRecord(held), digest);
      } catch (error) {
        this.#deps.logger.warn({ requestId: id, err: error }, "claim: shared memory is away, asking live routers instead");
      }
    }
    const owner = await this.#deps.peers.claim(id, granted);
    return owner === undefined ? { kind: "mine", idempotency: "best-effort" } : { kind: "other", owner, ended: false };
  }

  /** Takes over from a dead owner (I2). @returns false where another router was faster, or shared memory is away */
  async takeOver(id: string, from: string, digest: string, remainingMs: number): Promise<boolean> {
    const { store, retentionMs, routerId, logger } = this.#deps;
    if (!store.shared) return true;
    const old = encode({ owner: from, digest, ended: false } satisfies ClaimRecord);
    const own = encode({ owner: routerId, digest, ended: false } satisfies ClaimRecord);
    try {
      return await store.compareAndSet(claimKey(id), old, own, remainingMs + retentionMs);
    } catch (error) {
      logger.warn({ requestId: id, err: error }, "a request of a dead router could not be taken over: shared memory is away");
      return false;
    }
  }

  /** Keeps the ended request for the other routers. Failing that is no failure of the request. */
  async finish(id: string, digest: string, result: Uint8Array): Promise<void> {
    const { store, retentionMs, routerId, logger } = this.#deps;
    if (!store.shared) return;
    try {
      await store.put(resultKey(id), result, retentionMs);
      await store.put(claimKey(id), encode({ owner: routerId, digest, ended: true } satisfies ClaimRecord), retentionMs);
    } catch (error) {
      logger.warn({ requestId: id, err: error }, "the result could not be shared; only this router can repeat it");
    }
  }

  /** The request was refused after the claim: another attempt may claim it anew. Another router's claim stays (I2). */
  async release(id: string, digest: string): Promise<void> {
    const { store, routerId, logger } = this.#deps;
    if (!store.shared) return;
    const own = encode({ owner: routerId, digest, ended: false } satisfies ClaimRecord);
    await store.compareAndSet(claimKey(id), own, own, RELEASED_WITHIN_MS).catch((error: unknown) => {
      logger.warn({ requestId: id, err: error }, "a claim could not be released; it expires by itself");
    });
  }

  /** Who owns the id, as far as anybody says; undefined where nobody knows it. */
  async ownerOf(id: string): Promise<string | undefined> {
    if (this.#deps.store.shared) {
      try {
        const held = await this.#deps.store.get(claimKey(id));
        if (held !== undefined) return decodeRecord(held).owner;
      } catch (error) {
        this.#deps.logger.debug({ requestId: id, err: error }, "owner look-up: shared memory is away");
      }
    }
    return this.#deps.peers.ownerOf(id);
  }

  /** The shared result of an ended request, encoded as JSON. */
  async sharedResult(id: string): Promise<Uint8Array | undefined> {
    if (!this.#deps.store.shared) return undefined;
    return this.#deps.store.get(resultKey(id)).catch((error: unknown) => {
      this.#deps.logger.debug({ requestId: id, err: error }, "result look-up: shared memory is away");
      return undefined;
    });
  }

  #seen(record: ClaimRecord, digest: string): Claim {
    if (record.digest !== digest) return { kind: "reused" };
    return { kind: "other", owner: record.owner, ended: record.ended };
  }
}

function claimKey(id: string): string {
  return `claim:${id}`;
}

function resultKey(id: string): string {
  return `result:${id}`;
}

function decodeRecord(bytes: Uint8Array): ClaimRecord {
  const parsed = claimRecordSchema.safeParse(decode(bytes));
  if (!parsed.success) throw new NexusError("internal", "a claim record in shared memory is not readable");
  return parsed.data;
}
