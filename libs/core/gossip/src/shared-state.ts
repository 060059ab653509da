import { decodeHlc, encodeHlc, Hlc, hlcDefaults } from "@nexus/core-clocks";
import { type Chunk, Delta } from "./delta.ts";
import { bytesOf, type Entry, wins, withoutSession } from "./entry.ts";
import { BucketHash, XorHash } from "./hash.ts";
import { SessionLog } from "./session-log.ts";

/**
 * Values by key that every node may write and all come to have: the last writer, by hybrid logical clocks, wins.
 *
 * Invariants
 * G1. A merge is commutative, associative and idempotent: nodes that have heard the same have the same, in whatever order.
 * G2. A head says the truth: of a session's entries up to it each one is here, or was overwritten. What was refused, or is
 *     missing, is never passed over. Where what overwrote it was lost with everybody who had it, `repair` brings it back.
 * G3. Two nodes whose hashes are equal have the same values; what either has not heard is overwritten by them.
 * G4. A deletion is kept for `tombstoneMs`; what was written before it and comes later does not bring the value back.
 * G5. A stamp too far ahead of the own wall clock is refused, and with it what its session wrote afterwards, until it is not.
 * G6. Keys, bytes and sessions are bounded; what has no room is refused and counted, and the head stays below it (G2).
 * G7. Only this life writes under its own session.
 */
export interface SharedStateOptions {
  /** The own session. */
  readonly session: string;
  readonly keysMax: number;
  /** Of all entries, by `bytesOf`. */
  readonly bytesMax: number;
  readonly valueCharsMax: number;
  readonly sessionsMax: number;
  /** How long deletions are kept: longer than the longest partition that is to heal by itself. */
  readonly tombstoneMs: number;
  readonly aheadMsMax: number;
}

export const sharedStateDefaults = {
  keysMax: 100_000,
  bytesMax: 67_108_864,
  valueCharsMax: 65_536,
  sessionsMax: 10_000,
  tombstoneMs: 24 * 3_600_000,
  aheadMsMax: hlcDefaults.aheadMsMax,
} satisfies Partial<SharedStateOptions>;

export const keyPattern = /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,255}$/;
export const sessionPattern = /^[a-z0-9][a-z0-9_-]{0,62}\.[0-9a-z]{1,11}$/;

export const HASH_BUCKETS = 64;

export type Heads = ReadonlyMap<string, number>;
export type Refusal = "invalid" | "too-far-ahead" | "full" | "too-large";

export interface Merged {
  /** Entries that are new here, the later ones of a key last. */
  readonly changes: readonly Entry[];
  /** Whether some head went up. */
  readonly advanced: boolean;
}

export class SharedState {
  /** What was refused, by reason; `gap`: entries that came before what their session wrote earlier. */
  readonly refused: Record<Refusal | "gap" | "own-session", number> = {
    invalid: 0,
    "too-far-ahead": 0,
    full: 0,
    "too-large": 0,
    gap: 0,
    "own-session": 0,
  };
  readonly #options: SharedStateOptions;
  readonly #hlc: Hlc;
  readonly #entries = new Map<string, Entry>();
  readonly #logs = new Map<string, SessionLog>();
  /** Of values, by key. */
  readonly #content = new BucketHash(HASH_BUCKETS);
  readonly #own: SessionLog;
  #bytes = 0;
  #deletions = 0;
  #hash: string | undefined;

  /** @throws RangeError for a session that is none */
  constructor(options: Partial<SharedStateOptions> & Pick<SharedStateOptions, "session">) {
    if (!sessionPattern.test(options.session)) throw new RangeError(`"${options.session}" is no session`);
    this.#options = { ...sharedStateDefaults, ...options };
    this.#hlc = new Hlc({ aheadMsMax: this.#options.aheadMsMax });
    this.#own = new SessionLog();
    this.#logs.set(options.session, this.#own);
  }

  get session(): string {
    return this.#options.session;
  }

  /** Values, without deletions. */
  get size(): number {
    return this.#entries.size - this.#deletions;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Undefined where there is none, or none any more. */
  get(key: string): Entry | undefined {
    const entry = this.#entries.get(key);
    return entry?.deleted === true ? undefined : entry;
  }

  /** Values in the order of their writing here, without deletions. */
  *values(): Generator<Entry> {
    for (const entry of this.#entries.values()) if (!entry.deleted) yield entry;
  }

  /** @param value JSON */
  put(key: string, value: string, epochMs: number): Entry | Refusal {
    return this.#write(key, value, false, epochMs);
  }

  /** Undefined where there is nothing to delete. */
  delete(key: string, epochMs: number): Entry | Refusal | undefined {
    return this.get(key) === undefined ? undefined : this.#write(key, "", true, epochMs);
  }

  /** 32 hexadecimal digits (G3). Deletions count by the heads alone, since each node forgets them in its own time. */
  get hash(): string {
    this.#hash ??= this.#hashNow();
    return this.#hash;
  }

  /** The highest number of each session up to which everything is known. */
  get heads(): Heads {
    return new Map([...this.#logs].filter(([, { head }]) => head > 0).map(([session, { head }]) => [session, head]));
  }

  /**
   * What a peer with these heads lacks, oldest first, about `bytesMax` bytes of it (one entry at least); then what is ahead of
   * a head, since of a session that ended with a gap nothing else would bring it to the peer.
   * @returns `more`: not all of what is below the heads
   */
  deltaFor(heads: Heads, bytesMax: number): { readonly chunks: Chunk[]; readonly more: boolean } {
    const delta = new Delta(bytesMax);
    for (const [session, log] of this.#logs) {
      const from = heads.get(session) ?? 0;
      if (log.head > from && !delta.add(session, from, log.head, this.#entriesOf(log.keysAfter(from)))) {
        return { chunks: delta.chunks, more: true };
      }
    }
    for (const [session, log] of this.#logs) {
      for (const entry of this.#entriesOf(log.keysAhead())) delta.add(session, entry.seq - 1, entry.seq, [entry]);
    }
    return { chunks: delta.chunks, more: false };
  }

  /** Hashes of the values, by part of the keys: where they differ, what is kept differs. */
  get bucketHashes(): readonly string[] {
    return this.#content.texts;
  }

  /** What is kept of these parts of the keys, deletions, too, in pieces of about so many bytes. */
  *entriesIn(buckets: readonly number[], bytesMax: number): Generator<Entry[]> {
    const wanted = new Set(buckets);
    let [piece, bytes]: [Entry[], number] = [[], 0];
    for (const entry of this.#entries.values()) {
      if (!wanted.has(this.#content.bucketOf(entry.key))) continue;
      if (bytes > 0 && bytes + bytesOf(entry) > bytesMax) {
        yield piece;
        [piece, bytes] = [[], 0];
      }
      piece.push(entry);
      bytes += bytesOf(entry);
    }
    if (piece.length > 0) yield piece;
  }

  /**
   * Takes in entries by what wins alone, whatever the heads say: for nodes that have heard the same and differ all the same.
   * @returns those that are new here
   */
  repair(entries: readonly Entry[], epochMs: number): readonly Entry[] {
    const changes: Entry[] = [];
    for (const entry of entries) {
      const log = this.#logs.get(entry.session) ?? this.#newLog(entry.session);
      if (log !== undefined && (log !== this.#own || entry.seq <= log.head)) this.#take(entry, epochMs, changes); // G7
    }
    return changes;
  }

  /** One entry for peers that have what its session wrote before; undefined where it is overwritten. */
  chunkOf({ session, seq, key }: Pick<Entry, "session" | "seq" | "key">): Chunk | undefined {
    const log = this.#logs.get(session);
    const kept = this.#entries.get(key);
    if (log === undefined || kept === undefined || kept.session !== session || kept.seq !== seq) return undefined;
    return { session, from: log.keptBefore(seq), to: seq, entries: [withoutSession(kept)] };
  }

  /** Takes in what a peer sent (G1, G2). */
  merge(chunks: readonly Chunk[], epochMs: number): Merged {
    const changes: Entry[] = [];
    let advanced = false;
    for (const chunk of chunks) advanced = this.#mergeChunk(chunk, epochMs, changes) || advanced;
    return { changes, advanced };
  }

  /** Forgets deletions whose time is up, and sessions of which nothing is kept and nobody speaks. */
  sweep(epochMs: number, isLive: (session: string) => boolean): void {
    for (const entry of this.#entries.values()) if (this.#isForgotten(entry, epochMs)) this.#drop(entry);
    for (const [session, log] of this.#logs) {
      if (log.kept === 0 && log !== this.#own && !isLive(session)) this.#logs.delete(session);
    }
    this.#hash = undefined;
  }

  #write(key: string, value: string, deleted: boolean, epochMs: number): Entry | Refusal {
    const { session, valueCharsMax } = this.#options;
    const seq = this.#own.head + 1;
    if (!keyPattern.test(key)) return this.#refuse("invalid");
    if (value.length > valueCharsMax) return this.#refuse("too-large");
    const room = { key, value, session };
    if (!deleted && !this.#hasRoom(room)) return this.#refuse("full");
    const entry = { ...room, stamp: encodeHlc(this.#hlc.now(epochMs)), seq, deleted };
    this.#keep(entry);
    this.#own.head = seq;
    return entry;
  }

  #mergeChunk(chunk: Chunk, epochMs: number, changes: Entry[]): boolean {
    const { session, from, to, entries } = chunk;
    if (session === this.#options.session) {
      // G7: nobody else knows more of it than this life.
      if (to > this.#own.head) this.refused["own-session"]++;
      return false;
    }
    const log = this.#logs.get(session) ?? this.#newLog(session);
    if (log === undefined || to <= log.head) return false;
    const isGap = from > log.head;
    if (isGap) this.refused.gap++;
    for (const entry of entries) {
      if (entry.seq <= log.head) continue;
      if (this.#take({ ...entry, session }, epochMs, changes)) continue;
      return !isGap && this.#advance(log, entry.seq - 1); // G2
    }
    return !isGap && this.#advance(log, to);
  }

  #advance(log: SessionLog, head: number): boolean {
    if (head <= log.head) return false;
    log.head = head;
    this.#hash = undefined;
    return true;
  }

  /** @returns whether it is known from now on, be it as overwritten or forgotten */
  #take(entry: Entry, epochMs: number, changes: Entry[]): boolean {
    const stamp = decodeHlc(entry.stamp);
    if (stamp === undefined || entry.value.length > this.#options.valueCharsMax || !keyPattern.test(entry.key)) {
      this.#refuse("invalid");
      return false;
    }
    const kept = this.#entries.get(entry.key);
    if (kept !== undefined && !wins(entry, kept)) return true;
    if (!(entry.deleted && kept !== undefined) && !this.#hasRoom(entry)) {
      this.#refuse("full");
      return false;
    }
    const observed = this.#hlc.observe(stamp, epochMs);
    if (observed !== "ok") {
      this.#refuse(observed);
      return false;
    }
    if (this.#isForgotten(entry, epochMs)) {
      if (kept === undefined) return true;
      this.#drop(kept);
    } else this.#keep(entry);
    if (kept !== undefined || !entry.deleted) changes.push(entry);
    return true;
  }

  #keep(entry: Entry): void {
    const kept = this.#entries.get(entry.key);
    if (kept !== undefined) this.#drop(kept);
    this.#entries.set(entry.key, entry);
    this.#logs.get(entry.session)?.add(entry.seq, entry.key);
    this.#bytes += bytesOf(entry);
    if (entry.deleted) this.#deletions++;
    else this.#content.toggle(entry.key, identityOf(entry));
    this.#hash = undefined;
  }

  #drop(entry: Entry): void {
    this.#entries.delete(entry.key);
    this.#logs.get(entry.session)?.remove(entry.seq);
    this.#bytes -= bytesOf(entry);
    if (entry.deleted) this.#deletions--;
    else this.#content.toggle(entry.key, identityOf(entry));
    this.#hash = undefined;
  }

  #newLog(session: string): SessionLog | undefined {
    if (!sessionPattern.test(session)) {
      this.#refuse("invalid");
      return undefined;
    }
    if (this.#logs.size >= this.#options.sessionsMax) {
      this.#refuse("full"); // G6
      return undefined;
    }
    const log = new SessionLog();
    this.#logs.set(session, log);
    return log;
  }

  #hasRoom(entry: Pick<Entry, "key" | "value" | "session">): boolean {
    const { keysMax, bytesMax } = this.#options;
    const kept = this.#entries.get(entry.key);
    const bytes = this.#bytes + bytesOf(entry) - (kept === undefined ? 0 : bytesOf(kept));
    return bytes <= bytesMax && (kept !== undefined || this.#entries.size < keysMax); // G6
  }

  #isForgotten({ deleted, stamp }: Entry, epochMs: number): boolean {
    return deleted && (decodeHlc(stamp)?.wallMs ?? 0) + this.#options.tombstoneMs < epochMs;
  }

  *#entriesOf(keys: Iterable<string>): Generator<Entry> {
    for (const key of keys) yield this.#entries.get(key) as Entry;
  }

  #refuse(reason: Refusal): Refusal {
    this.refused[reason]++;
    return reason;
  }

  #hashNow(): string {
    const heads = new XorHash();
    for (const [session, { head, kept }] of this.#logs) if (kept > 0) heads.toggle(`${session} ${head}`);
    const content = new XorHash();
    for (const text of this.#content.texts) content.toggle(text);
    return heads.text + content.text;
  }
}

function identityOf({ key, session, seq }: Entry): string {
  return `${key} ${session} ${seq}`;
}
