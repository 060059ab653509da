import { decode, encode, type Idempotency, parseFrame, routerIdSchema } from "@nexus/contracts";
import type { Logger, StateStore } from "@nexus/ports";
import { z } from "zod";
import type { Peers } from "./peers.ts";

/**
 * Who owns a request id, among all routers. Redis where it is there; else the live peers are asked.
 *
 * Invariants
 * I1. A claim precedes the first publish, and is atomic across routers when the store is shared and answers.
 * I2. A record is changed only by compare-and-set, so that a takeover by one router excludes every other.
 * I3. Without a shared store the answer says `best-effort`; it never waits longer than 20 ms for peers.
 */

const claimRecordSchema = z.object({
  owner: routerIdSchema,
  digest: z.string().max(64),
  ended: z.boolean(),
  /** The request came to nothing: the id is anybody's. A store cannot delete by comparison, so the record says it. */
  released: z.boolean().optional(),
});
type ClaimRecord = z.infer<typeof claimRecordSchema>;

/** A record that others release and claim again all the time is given up after so many looks at it. */
const LOOKS_MAX = 3;

export type Claim =
  | { readonly kind: "mine"; readonly idempotency: Idempotency }
  | { readonly kind: "other"; readonly owner: string; readonly ended: boolean }
  | { readonly kind: "reused" };

export interface ClaimsDeps {
  readonly store: StateStore;
  readonly peers: Peers;
  readonly logger: Logger;
  readonly routerId: string;
  /** How long a record outlives its request's deadline. */
  readonly retentionMs: number;
}

export class Claims {
  readonly #deps: ClaimsDeps;

  constructor(deps: ClaimsDeps) {
    this.#deps = deps;
  }

  /** @param granted called as soon as the id is ours, before any other router can ask again */
  async claim(id: string, digest: string, remainingMs: number, granted: () => void): Promise<Claim> {
    if (this.#deps.store.shared) {
      try {
        const claim = await this.#claimShared(id, digest, remainingMs + this.#deps.retentionMs, granted);
        if (claim !== undefined) return claim;
      } catch (error) {
        this.#deps.logger.warn({ requestId: id, err: error }, "claim: shared memory is away, asking live routers instead");
      }
    }
    const owner = await this.#deps.peers.claim(id, granted);
    return owner === undefined ? { kind: "mine", idempotency: "best-effort" } : { kind: "other", owner, ended: false };
  }

  /** @returns undefined where the record says nothing that can be relied on */
  async #claimShared(id: string, digest: string, ttlMs: number, granted: () => void): Promise<Claim | undefined> {
    const { store } = this.#deps;
    const mine = this.#ownRecord(digest);
    for (let look = 0; look < LOOKS_MAX; look++) {
      const held = await store.putIfAbsent(claimKey(id), mine, ttlMs);
      const record = held === undefined ? undefined : this.#read(id, held);
      if (held !== undefined && record === undefined) return undefined;
      if (record !== undefined && record.released !== true) {
        if (record.digest !== digest) return { kind: "reused" };
        return { kind: "other", owner: record.owner, ended: record.ended };
      }
      if (held === undefined || (await store.compareAndSet(claimKey(id), held, mine, ttlMs))) {
        granted();
        return { kind: "mine", idempotency: "claimed" };
      }
    }
    return undefined;
  }

  /**
   * Takes over from a dead owner (I2). @returns how well the id is protected then; undefined where another router was
   * faster, or the shared memory, which alone could tell, is away
   */
  async takeOver(id: string, from: string, digest: string, remainingMs: number): Promise<Idempotency | undefined> {
    const { store, retentionMs, logger } = this.#deps;
    if (!store.shared) return "best-effort";
    const old = encode({ owner: from, digest, ended: false } satisfies ClaimRecord);
    try {
      const taken = await store.compareAndSet(claimKey(id), old, this.#ownRecord(digest), remainingMs + retentionMs);
      return taken ? "claimed" : undefined;
    } catch (error) {
      logger.warn({ requestId: id, err: error }, "takeover: shared memory is away");
      return undefined;
    }
  }

  /** Keeps the ended request for the other routers. Failing that is no failure of the request. */
  async finish(id: string, digest: string, result: Uint8Array): Promise<void> {
    const { store, retentionMs, routerId, logger } = this.#deps;
    if (!store.shared) return;
    const ended = encode({ owner: routerId, digest, ended: true } satisfies ClaimRecord);
    try {
      const isOurs =
        (await store.compareAndSet(claimKey(id), this.#ownRecord(digest), ended, retentionMs)) || // I2
        // The store was away when the id was claimed.
        (await store.putIfAbsent(claimKey(id), ended, retentionMs)) === undefined;
      if (isOurs) await store.put(resultKey(id), result, retentionMs);
      else logger.warn({ requestId: id }, "another router has the id by now; its result stands");
    } catch (error) {
      logger.warn({ requestId: id, err: error }, "the result could not be shared; only this router can repeat it");
    }
  }

  /** The request came to nothing after the claim: another attempt may claim it anew. */
  async release(id: string, digest: string): Promise<void> {
    const { store, retentionMs, routerId, logger } = this.#deps;
    if (!store.shared) return;
    const released = encode({ owner: routerId, digest, ended: false, released: true } satisfies ClaimRecord);
    try {
      await store.compareAndSet(claimKey(id), this.#ownRecord(digest), released, retentionMs); // I2
    } catch (error) {
      logger.warn({ requestId: id, err: error }, "a claim could not be released; it expires by itself");
    }
  }

  /** Who owns the id, as far as anybody says; undefined where nobody knows it. */
  async ownerOf(id: string): Promise<string | undefined> {
    if (this.#deps.store.shared) {
      try {
        const held = await this.#deps.store.get(claimKey(id));
        const record = held === undefined ? undefined : this.#read(id, held);
        if (record !== undefined && record.released !== true) return record.owner;
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

  #ownRecord(digest: string): Uint8Array {
    return encode({ owner: this.#deps.routerId, digest, ended: false } satisfies ClaimRecord);
  }

  /** @returns undefined where the record is not readable: whose it is cannot be told */
  #read(id: string, bytes: Uint8Array): ClaimRecord | undefined {
    try {
      return parseFrame(claimRecordSchema, decode(bytes), "claim record");
    } catch (error) {
      this.#deps.logger.error({ requestId: id, err: error }, "a claim record in shared memory is not readable");
      return undefined;
    }
  }
}

function claimKey(id: string): string {
  return `claim:${id}`;
}

function resultKey(id: string): string {
  return `result:${id}`;
}
