/**
 * Remembers what was begun under a key, so that a repeat runs nothing: it waits for the running one, or gets the stored
 * result. Pure: time is an argument (milliseconds, never going back).
 *
 * Invariants
 * W1. A running entry is never evicted; when all are running, a new key is refused (`full`).
 * W2. Ended entries go oldest first, when their time is up or the bounds demand it; the latter is counted.
 * W3. A key with another digest is `reused`, whether the entry runs or has ended.
 */

export interface WindowOptions {
  readonly entriesMax: number;
  /** Of the results that are kept, as their callers state them. */
  readonly bytesMax: number;
  /** Counted from the end of an entry. */
  readonly ttlMs: number;
}

export type Beginning<R> =
  | { readonly kind: "new" }
  | { readonly kind: "running" }
  | { readonly kind: "done"; readonly result: R }
  | { readonly kind: "reused" }
  | { readonly kind: "full" };

interface Entry<R> {
  readonly digest: string | undefined;
  ended: { readonly result: R; readonly bytes: number; readonly untilMs: number } | undefined;
}

export class IdempotencyWindow<R> {
  readonly #options: WindowOptions;
  readonly #running = new Map<string, Entry<R>>();
  /** In the order of their end, which is also that of their expiry. */
  readonly #ended = new Map<string, Entry<R>>();
  #bytes = 0;
  #evicted = 0;

  constructor(options: WindowOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#running.size + this.#ended.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Ended entries dropped before their time, for want of room. */
  get evicted(): number {
    return this.#evicted;
  }

  begin(key: string, digest: string | undefined, nowMs: number): Beginning<R> {
    this.expire(nowMs);
    const entry = this.#running.get(key) ?? this.#ended.get(key);
    if (entry !== undefined) {
      if (entry.digest !== digest) return { kind: "reused" };
      return entry.ended === undefined ? { kind: "running" } : { kind: "done", result: entry.ended.result };
    }
    if (this.size >= this.#options.entriesMax && !this.#evictOldest()) return { kind: "full" };
    this.#running.set(key, { digest, ended: undefined });
    return { kind: "new" };
  }

  /** Ends a running entry; ignored for others. A result above `bytesMax` alone is not kept, and counts as evicted. */
  finish(key: string, result: R, bytes: number, nowMs: number): void {
    const entry = this.#running.get(key);
    if (entry === undefined) return;
    this.#running.delete(key);
    entry.ended = { result, bytes, untilMs: nowMs + this.#options.ttlMs };
    this.#ended.set(key, entry);
    this.#bytes += bytes;
    while (this.#bytes > this.#options.bytesMax && this.#evictOldest());
  }

  /** Drops a key as if it had never begun. */
  forget(key: string): void {
    this.#running.delete(key);
    this.#drop(key);
  }

  isRunning(key: string): boolean {
    return this.#running.has(key);
  }

  /** What is known of a key, without beginning it. */
  peek(key: string): { readonly digest: string | undefined; readonly result: R | undefined } | undefined {
    const entry = this.#running.get(key) ?? this.#ended.get(key);
    return entry === undefined ? undefined : { digest: entry.digest, result: entry.ended?.result };
  }

  /** @returns how many entries' time was up. O(1) amortised over the entries that ended. */
  expire(nowMs: number): number {
    let expired = 0;
    for (const [key, entry] of this.#ended) {
      if ((entry.ended?.untilMs ?? 0) > nowMs) break;
      this.#drop(key);
      expired++;
    }
    return expired;
  }

  #evictOldest(): boolean {
    const oldest = this.#ended.keys().next();
    if (oldest.done === true) return false;
    this.#drop(oldest.value);
    this.#evicted++;
    return true;
  }

  #drop(key: string): void {
    const entry = this.#ended.get(key);
    if (entry === undefined) return;
    this.#ended.delete(key);
    this.#bytes -= entry.ended?.bytes ?? 0;
  }
}
