import { NexusError } from "@nexus/contracts";
import type { Clock, StateStore } from "@nexus/ports";

export interface MemoryStoreOptions {
  readonly entriesMax: number;
  readonly bytesMax: number;
}

interface Entry {
  readonly value: Uint8Array;
  readonly untilMs: number;
}

/** A store of one process alone. Full, it refuses with `overloaded` what is new, after dropping what has expired. */
export function createMemoryStore(clock: Clock, options: MemoryStoreOptions): StateStore {
  const entries = new Map<string, Entry>();
  let bytes = 0;
  const drop = (key: string) => {
    const entry = entries.get(key);
    if (entry === undefined) return;
    entries.delete(key);
    bytes -= entry.value.byteLength + key.length;
  };
  const read = (key: string): Uint8Array | undefined => {
    const entry = entries.get(key);
    if (entry === undefined) return undefined;
    if (entry.untilMs > clock.monotonicMs()) return entry.value;
    drop(key);
    return undefined;
  };
  const write = (key: string, value: Uint8Array, ttlMs: number) => {
    drop(key);
    const size = value.byteLength + key.length;
    const isFull = () => entries.size >= options.entriesMax || bytes + size > options.bytesMax;
    if (isFull()) for (const known of [...entries.keys()]) read(known);
    if (isFull()) throw new NexusError("overloaded", `the store holds ${entries.size} entries, ${bytes} bytes, and has no room`);
    entries.set(key, { value: value.slice(), untilMs: clock.monotonicMs() + ttlMs });
    bytes += size;
  };
  return {
    shared: false,
    available: true,
    get: async (key) => read(key)?.slice(),
    put: async (key, value, ttlMs) => write(key, value, ttlMs),
    async putIfAbsent(key, value, ttlMs) {
      const held = read(key);
      if (held === undefined) write(key, value, ttlMs);
      return held?.slice();
    },
    async compareAndSet(key, expected, value, ttlMs) {
      const held = read(key);
      if (held === undefined || held.length !== expected.length || !held.every((byte, index) => byte === expected[index]))
        return false;
      write(key, value, ttlMs);
      return true;
    },
    delete: async (key) => drop(key),
    ping: async () => 0,
    close: async () => entries.clear(),
  };
}
