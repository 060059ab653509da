import { decode, encode, type Idempotency, NexusError, routerIdSchema } from "@nexus/contracts";
import type { Clock, Ids, Logger, StateStore } from "@nexus/ports";
import { z } from "zod";
import type { Peers } from "./peers.ts";
import { createStoreTrust, type StoreTrust } from "./store-trust.ts";

/**
 * Who owns a request id, among all routers. Redis where it is there; else the live peers are asked. It protects ids, not
 * work: what an agent was given is protected by the operation id.
 *
 * Invariants
 * I1. A claim precedes the first publish, and is atomic across routers when the store is shared and answers.
 * I2. A record is changed only by compare-and-set, so that a takeover by one router excludes every other.
 * I3. Without a shared store the answer says `best-effort`; it never waits longer than 20 ms for peers.
 * I4. A store that may have forgotten ids is not believed that an id is new (`StoreTrust`); what this router has executed
 *     without it is told to it when it is back.
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
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
  readonly routerId: string;
  /** How long a record outlives its request's deadline. */
  readonly retentionMs: number;
  /** The result of an id that has ended here, encoded, and is still kept. */
  readonly resultOf: (id: string) => Uint8Array | undefined;
}

/** Ids executed without the store that are told to it later; beyond that the oldest are not. */
const UNTOLD_MAX = 20_000;
/** For how long a record says that the id is anybody's; it is gone then, and says the same. */
const RELEASED_MS = 1_000;

export class Claims {
  readonly #deps: ClaimsDeps;
  readonly #trust: StoreTrust;
  /** Ids executed without the store, with their digests. */
  readonly #untold = new Map<string, string>();
  #telling = false;

  constructor(deps: ClaimsDeps) {
    this.#deps = deps;
    this.#trust = createStoreTrust(deps);
  }

  /** @param granted called as soon as the id is ours, before any other router can ask again */
  async claim(id: string, digest: string, remainingMs: number, granted: () => void): Promise<Claim> {
    const { store, peers, logger } = this.#deps;
    if (store.shared) {
      try {
        return await this.#claimInStore(id, digest, remainingMs, granted);
      } catch (error) {
        this.#trust.failed();
        logger.warn({ requestId: id, err: error }, "claim: shared memory is away, asking live routers instead");
      }
    }
    const owner = await peers.claim(id, granted);
    if (owner !== undefined) return { kind: "other", owner, ended: false };
    if (store.shared) this.#rememberUntold(id, digest);
    return { kind: "mine", idempotency: "best-effort" };
  }

  async #claimInStore(id: string, digest: string, remainingMs: number, granted: () => void): Promise<Claim> {
    const { store, peers, clock, routerId, retentionMs } = this.#deps;
    const ttlMs = remainingMs + retentionMs;
    const mine = recordOf(routerId, digest);
    const [other] = await Promise.all([this.#acquire(id, mine, ttlMs), this.#trust.check()]);
    void this.tell();
    if (other !== undefined) return this.#seen(other, digest);
    if (clock.monotonicMs() < this.#trust.doubtedUntilMs) {
      const owner = await peers.claim(id, granted); // I4
      if (owner === undefined) return { kind: "mine", idempotency: "claimed" };
      await store.compareAndSet(claimKey(id), mine, recordOf(owner, digest), ttlMs);
      return { kind: "other", owner, ended: false };
    }
    granted();
    return { kind: "mine", idempotency: "claimed" };
  }

  /** @returns who else has the id; undefined where it is ours now */
  async #acquire(id: string, mine: Uint8Array, ttlMs: number): Promise<ClaimRecord | undefined> {
    const { store } = this.#deps;
    for (let look = 0; look < LOOKS_MAX; look++) {
      const held = await store.putIfAbsent(claimKey(id), mine, ttlMs);
      if (held === undefined) return undefined;
      const record = decodeRecord(held);
      if (record.released !== true) return record;
      if (await store.compareAndSet(claimKey(id), held, mine, ttlMs)) return undefined;
    }
    throw new NexusError("overloaded", `others claim and release ${id} all the time`);
  }

  /**
   * Takes over from a dead owner, or from one whose result is lost (`hasEnded`; I2). @returns how well the id is protected then; undefined where another router was
   * faster, or the shared memory, which alone could tell, is away
   */
  async takeOver(
    id: string,
    from: string,
    digest: string,
    hasEnded: boolean,
    remainingMs: number,
  ): Promise<Idempotency | undefined> {
    const { store, retentionMs, routerId, logger } = this.#deps;
    if (!store.shared) return "best-effort";
    const mine = recordOf(routerId, digest);
    try {
      const taken = await store.compareAndSet(claimKey(id), recordOf(from, digest, hasEnded), mine, remainingMs + retentionMs);
      return taken ? "claimed" : undefined;
    } catch (error) {
      this.#trust.failed();
      logger.warn({ requestId: id, err: error }, "takeover: shared memory is away");
      return undefined;
    }
  }

  /** Keeps the ended request for the other routers. Failing that is no failure of the request. */
  async finish(id: string, digest: string, result: Uint8Array): Promise<void> {
    const { store, retentionMs, routerId, logger } = this.#deps;
    if (!store.shared || this.#untold.has(id)) return;
    try {
      const ended = recordOf(routerId, digest, true);
      const isOurs =
        (await store.compareAndSet(claimKey(id), recordOf(routerId, digest), ended, retentionMs)) || // I2
        // The store has forgotten the claim.
        (await store.putIfAbsent(claimKey(id), ended, retentionMs)) === undefined;
      if (isOurs) await store.put(resultKey(id), result, retentionMs);
      else logger.warn({ requestId: id }, "another router took this request over while it ran here; its result stands");
    } catch (error) {
      this.#trust.failed();
      this.#rememberUntold(id, digest);
      logger.warn({ requestId: id, err: error }, "the result could not be shared; only this router can repeat it for now");
    }
  }

  /** The request came to nothing after the claim: another attempt may claim it anew. */
  async release(id: string, digest: string): Promise<void> {
    const { store, routerId, logger } = this.#deps;
    this.#untold.delete(id);
    if (!store.shared) return;
    const released = encode({ owner: routerId, digest, ended: false, released: true } satisfies ClaimRecord);
    try {
      await store.compareAndSet(claimKey(id), recordOf(routerId, digest), released, RELEASED_MS); // I2
    } catch (error) {
      this.#trust.failed();
      logger.warn({ requestId: id, err: error }, "a claim could not be released; it expires by itself");
    }
  }

  /** Tells the store what was executed without it (I4). One at a time; to be called whenever the store may be back. */
  async tell(): Promise<void> {
    const { store, logger } = this.#deps;
    if (this.#telling || this.#untold.size === 0 || !store.available) return;
    this.#telling = true;
    try {
      for (const [id, digest] of [...this.#untold]) await this.#tellOne(id, digest);
    } catch (error) {
      this.#trust.failed();
      logger.debug({ err: error, left: this.#untold.size }, "ids executed without the store are told to it later");
    } finally {
      this.#telling = false;
    }
  }

  async #tellOne(id: string, digest: string): Promise<void> {
    const { store, routerId, retentionMs, resultOf, logger } = this.#deps;
    const result = resultOf(id);
    const record = recordOf(routerId, digest, result !== undefined);
    const held = await store.putIfAbsent(claimKey(id), record, retentionMs);
    const other = held === undefined ? undefined : readRecord(held);
    if (held !== undefined && other === undefined) {
      logger.error({ requestId: id }, "a claim record in shared memory is not readable and stays as it is");
      this.#untold.delete(id);
      return;
    }
    const isOthers = other !== undefined && other.owner !== routerId && other.released !== true;
    if (isOthers) {
      logger.warn({ requestId: id, owner: other.owner }, "another router has the request, too; it may have run twice");
    } else if (held === undefined || (await store.compareAndSet(claimKey(id), held, record, retentionMs))) {
      if (result !== undefined) await store.put(resultKey(id), result, retentionMs);
    }
    if (result !== undefined || other !== undefined) this.#untold.delete(id);
  }

  /** Who owns the id, as far as anybody says; undefined where nobody knows it. */
  async ownerOf(id: string): Promise<string | undefined> {
    if (this.#deps.store.shared) {
      try {
        const held = await this.#deps.store.get(claimKey(id));
        const record = held === undefined ? undefined : decodeRecord(held);
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

  #rememberUntold(id: string, digest: string): void {
    this.#untold.set(id, digest);
    const [oldest] = this.#untold.keys();
    if (this.#untold.size > UNTOLD_MAX && oldest !== undefined) this.#untold.delete(oldest);
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

function recordOf(owner: string, digest: string, ended = false): Uint8Array {
  return encode({ owner, digest, ended } satisfies ClaimRecord);
}

function decodeRecord(bytes: Uint8Array): ClaimRecord {
  const record = readRecord(bytes);
  if (record === undefined) throw new NexusError("internal", "a claim record in shared memory is not readable");
  return record;
}

function readRecord(bytes: Uint8Array): ClaimRecord | undefined {
  try {
    return claimRecordSchema.parse(decode(bytes));
  } catch {
    return undefined;
  }
}
