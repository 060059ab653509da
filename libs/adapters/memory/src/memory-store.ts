import { NexusError } from "@nexus/contracts";
import type { Clock, StateStore } from "@nexus/ports";

export interface MemoryStoreOptions {
  readonly entriesMax: number;
  /** Bytes of keys and values together. */
  readonly bytesMax: number;
}

export interface MemoryStore extends StateStore {
  /** Puts that were refused because the store was full. */
  readonly refusedCount: number;
}

interface Held {
  readonly value: Uint8Array;
  readonly expiresMs: number;
}

/** Between two searches for expired values while the store is full. */
const SWEEP_INTERVAL_MS = 250;

/**
 * The state store of one process. A full store refuses with `store-unavailable` rather than forget a value that someone
 * relies on: a forgotten claim would let work run twice.
 */
export function createMemoryStore(clock: Clock, options: MemoryStoreOptions): MemoryStore {
  const held = new Map<string, Held>();
  let bytes = 0;
  let refused = 0;
  let closed = false;
  let sweptMs = Number.NEGATIVE_INFINITY;

  const remove = (key: string, entry: Held): void => {
    held.delete(key);
    bytes -= sizeOf(key, entry.value);
  };
  const read = (key: string): Held | undefined => {
    const entry = held.get(key);
    if (entry === undefined || entry.expiresMs > clock.monotonicMs()) return entry;
    remove(key, entry); // S2
    return undefined;
  };
  const sweep = (): void => {
    const nowMs = clock.monotonicMs();
    if (nowMs - sweptMs < SWEEP_INTERVAL_MS) return;
    sweptMs = nowMs;
    for (const [key, entry] of held) if (entry.expiresMs <= nowMs) remove(key, entry);
  };
  const write = (key: string, value: Uint8Array, ttlMs: number): void => {
    const expiresMs = clock.monotonicMs() + checkedTtl(ttlMs);
    const before = held.get(key);
    const grow = sizeOf(key, value) - (before === undefined ? 0 : sizeOf(key, before.value));
    const added = before === undefined ? 1 : 0;
    const isFull = (): boolean => bytes + grow > options.bytesMax || held.size + added > options.entriesMax;
    if (isFull()) sweep();
    const current = held.get(key);
    // Where the sweep removed the key's own expired value, that made the room.
    if (current === before && isFull()) {
      refused++;
      throw new NexusError("store-unavailable", `the memory store is full (${held.size} entries, ${bytes} bytes)`);
    }
    if (current !== undefined) remove(key, current);
    held.set(key, { value: new Uint8Array(value), expiresMs });
    bytes += sizeOf(key, value);
  };
  /** Everything happens within one turn, so it is atomic. S1 */
  const run = async <T>(action: () => T): Promise<T> => {
    if (closed) throw new NexusError("store-unavailable", "the memory store is closed");
    return action();
  };
  return {
    shared: false,
    get available() {
      return !closed;
    },
    get refusedCount() {
      return refused;
    },
    get: (key) => run(() => copyOf(read(key))),
    put: (key, value, ttlMs) => run(() => write(key, value, ttlMs)),
    putIfAbsent: (key, value, ttlMs) =>
      run(() => {
        const present = copyOf(read(key));
        if (present === undefined) write(key, value, ttlMs);
        return present;
      }),
    compareAndSet: (key, expected, value, ttlMs) =>
      run(() => {
        const present = read(key);
        if (present === undefined || Buffer.compare(present.value, expected) !== 0) return false;
        write(key, value, ttlMs);
        return true;
      }),
    delete: (key) =>
      run(() => {
        const present = held.get(key);
        if (present !== undefined) remove(key, present);
      }),
    ping: () => run(() => 0),
    async close() {
      closed = true;
      held.clear();
      bytes = 0;
    },
  };
}

function sizeOf(key: string, value: Uint8Array): number {
  return Buffer.byteLength(key) + value.byteLength;
}

function copyOf(entry: Held | undefined): Uint8Array | undefined {
  return entry === undefined ? undefined : new Uint8Array(entry.value);
}

function checkedTtl(ttlMs: number): number {
  if (!(ttlMs > 0)) throw new NexusError("invalid-field", `ttlMs must be above 0, not ${ttlMs}`, { field: "ttlMs" });
  return ttlMs;
}
