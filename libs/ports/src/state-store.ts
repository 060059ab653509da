/**
 * The shared memory of replicas: small values under keys, each with an expiry. Losing it degrades and never corrupts,
 * so every caller must be right without it.
 *
 * Invariants (every adapter passes the conformance suite)
 * S1. `putIfAbsent` and `compareAndSet` are atomic across all processes that share the store.
 * S2. Every value expires; an expired key is absent.
 * S3. Every call ends within the store's own deadline (`store-unavailable`), whatever the server does.
 */
export interface StateStore {
  /** Whether other processes see what is put here. */
  readonly shared: boolean;
  /** Whether calls are expected to succeed now; false while a server is away. */
  readonly available: boolean;
  get(key: string): Promise<Uint8Array | undefined>;
  put(key: string, value: Uint8Array, ttlMs: number): Promise<void>;
  /** Puts the value if the key is absent. @returns undefined when it was put, else the value that is there. */
  putIfAbsent(key: string, value: Uint8Array, ttlMs: number): Promise<Uint8Array | undefined>;
  /** Replaces the value if it equals `expected`, byte for byte. @returns whether it did. */
  compareAndSet(key: string, expected: Uint8Array, value: Uint8Array, ttlMs: number): Promise<boolean>;
  delete(key: string): Promise<void>;
  /** Milliseconds that a round trip to the store takes now. @throws NexusError `store-unavailable` */
  ping(): Promise<number>;
  close(): Promise<void>;
}
