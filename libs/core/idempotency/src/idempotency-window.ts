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

/** One object for each: a window may hold tens of thousands for minutes, and the garbage collector walks them all. */
class Entry<R> {
  readonly key: string;
  readonly digest: string | undefined;
  ended = false;
  result: R | undefined;
  bytes = 0;
  /** Whole milliseconds, which take no object of their own. */
  untilMs = 0;
  /** Neighbours among the ended, in the order of their end. */
  older: Entry<R> | undefined;
  newer: Entry<R> | undefined;

  constructor(key: string, digest: string | undefined) {
    this.key = key;
    this.digest = digest;
  }
}

const fresh = { kind: "new" } as const;
const running = { kind: "running" } as const;

export class IdempotencyWindow<R> {
  readonly #options: WindowOptions;
  readonly #entries = new Map<string, Entry<R>>();
  /**
   * The ended entries are a linked list in the order of their end, which is also that of their expiry. Not the order of
   * a Map: after many deletions at its front, finding its first key walks over what was deleted.
   */
  #oldest: Entry<R> | undefined;
  #newest: Entry<R> | undefined;
  #bytes = 0;
  #evicted = 0;

  constructor(options: WindowOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#entries.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Ended entries dropped before their time, for want of room. */
  get evicted(): number {
    return this.#evicted;
  }

  /** O(1), amortised over the entries that expire. */
  begin(key: string, digest: string | undefined, nowMs: number): Beginning<R> {
    this.expire(nowMs);
    return this.recall(key, digest) ?? this.add(key, digest);
  }

  /** The first half of `begin`: what it says of a key that is known. To be preceded by `expire`. O(1) */
  recall(key: string, digest: string | undefined): Exclude<Beginning<R>, { kind: "new" | "full" }> | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (entry.digest !== digest) return { kind: "reused" };
    return entry.ended ? { kind: "done", result: entry.result as R } : running;
  }

  /** The second half of `begin`, of a key that is not known. O(1) */
  add(key: string, digest: string | undefined): Extract<Beginning<R>, { kind: "new" | "full" }> {
    if (this.size >= this.#options.entriesMax && !this.#evict(this.#oldest)) return { kind: "full" };
    this.#entries.set(key, new Entry(key, digest));
    return fresh;
  }

  /** Ends a running entry; ignored for others. A result above `bytesMax` alone is not kept, and counts as evicted. */
  finish(key: string, result: R, bytes: number, nowMs: number): void {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.ended) return;
    entry.ended = true;
    entry.result = result;
    entry.bytes = bytes;
    entry.untilMs = Math.ceil(nowMs + this.#options.ttlMs);
    this.#append(entry);
    // The oversize one goes alone: it would push out all others first.
    if (bytes > this.#options.bytesMax) this.#evict(entry);
    while (this.#bytes > this.#options.bytesMax && this.#evict(this.#oldest));
  }

  /** Drops a key as if it had never begun. */
  forget(key: string): void {
    const entry = this.#entries.get(key);
    if (entry !== undefined) this.#drop(entry);
  }

  isRunning(key: string): boolean {
    const entry = this.#entries.get(key);
    return entry !== undefined && !entry.ended;
  }

  /** What is known of a key, without beginning it. */
  peek(key: string): { readonly digest: string | undefined; readonly result: R | undefined } | undefined {
    return this.#entries.get(key);
  }

  /** @returns how many entries' time was up. O(1) amortised over the entries that ended. */
  expire(nowMs: number): number {
    let expired = 0;
    while (this.#oldest !== undefined && this.#oldest.untilMs <= nowMs) {
      this.#drop(this.#oldest);
      expired++;
    }
    return expired;
  }

  #evict(entry: Entry<R> | undefined): boolean {
    if (entry === undefined) return false;
    this.#drop(entry);
    this.#evicted++;
    return true;
  }

  #append(entry: Entry<R>): void {
    entry.older = this.#newest;
    if (this.#newest === undefined) this.#oldest = entry;
    else this.#newest.newer = entry;
    this.#newest = entry;
    this.#bytes += entry.bytes;
  }

  #drop(entry: Entry<R>): void {
    this.#entries.delete(entry.key);
    if (!entry.ended) return;
    if (entry.older === undefined) this.#oldest = entry.newer;
    else entry.older.newer = entry.newer;
    if (entry.newer === undefined) this.#newest = entry.older;
    else entry.newer.older = entry.older;
    this.#bytes -= entry.bytes;
  }
}
