import type { Chunk } from "./delta.ts";
import type { Entry } from "./entry.ts";
import { HASH_BUCKETS, keyPattern, sessionPattern } from "./shared-state.ts";

/**
 * What nodes say to each other about the shared state. Every frame tells the sender's hash, which is the evidence of what it
 * had then.
 */
export type GossipFrame =
  /** Each round, to some peers: what is new. */
  | { readonly kind: "round"; readonly hash: string; readonly chunks: readonly Chunk[]; readonly urgent: boolean }
  /** Our hashes differ: what I have. */
  | { readonly kind: "digest"; readonly hash: string; readonly heads: readonly (readonly [session: string, head: number])[] }
  /** What you lack of it, and what I have. */
  | {
      readonly kind: "delta";
      readonly hash: string;
      readonly heads: readonly (readonly [session: string, head: number])[];
      readonly chunks: readonly Chunk[];
      readonly more: boolean;
    }
  /** The reverse delta: what you lack in turn. */
  | { readonly kind: "reverse"; readonly hash: string; readonly chunks: readonly Chunk[]; readonly more: boolean }
  /** We have heard the same, and differ: my hashes by part of the keys (G2). */
  | { readonly kind: "compare"; readonly hash: string; readonly buckets: readonly string[] }
  /** All that I have in the parts that differ. `answer`: in return for the same. */
  | {
      readonly kind: "repair";
      readonly hash: string;
      readonly buckets: readonly number[];
      readonly entries: readonly Entry[];
      readonly answer: boolean;
    }
  /** Tell me your hash, now. */
  | { readonly kind: "ask"; readonly hash: string }
  | { readonly kind: "told"; readonly hash: string };

export type GossipFrameKind = GossipFrame["kind"];

/** Lists of a frame at most. */
export const gossipFrameLimits = { chunksMax: 10_000, entriesMax: 10_000, headsMax: 10_000 } as const;

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads what came from the wire. No schema library: it runs for each frame of each node.
 * @returns undefined for what is no frame; unknown fields are ignored
 */
export function readGossipFrame(value: unknown): GossipFrame | undefined {
  if (!isFields(value) || typeof value["hash"] !== "string" || !/^[0-9a-f]{32}$/.test(value["hash"])) return undefined;
  const { kind, hash, urgent, more } = value as Fields & { readonly hash: string };
  switch (kind) {
    case "ask":
    case "told":
      return { kind, hash };
    case "digest": {
      const heads = readHeads(value["heads"]);
      return heads && { kind, hash, heads };
    }
    case "round": {
      const chunks = readChunks(value["chunks"]);
      return chunks && typeof urgent === "boolean" ? { kind, hash, chunks, urgent } : undefined;
    }
    case "delta": {
      const [heads, chunks] = [readHeads(value["heads"]), readChunks(value["chunks"])];
      return heads && chunks && typeof more === "boolean" ? { kind, hash, heads, chunks, more } : undefined;
    }
    case "reverse": {
      const chunks = readChunks(value["chunks"]);
      return chunks && typeof more === "boolean" ? { kind, hash, chunks, more } : undefined;
    }
    case "compare": {
      const buckets = value["buckets"];
      const areHashes = Array.isArray(buckets) && buckets.length === HASH_BUCKETS && buckets.every(isHalfHash);
      return areHashes ? { kind, hash, buckets } : undefined;
    }
    case "repair":
      return readRepair(value, hash);
    default:
      return undefined;
  }
}

function readHeads(value: unknown): [string, number][] | undefined {
  if (!Array.isArray(value) || value.length > gossipFrameLimits.headsMax) return undefined;
  const heads: [string, number][] = [];
  for (const pair of value) {
    if (!Array.isArray(pair) || pair.length !== 2 || !isSession(pair[0]) || !isCount(pair[1])) return undefined;
    heads.push([pair[0], pair[1]]);
  }
  return heads;
}

function readChunks(value: unknown): Chunk[] | undefined {
  if (!Array.isArray(value) || value.length > gossipFrameLimits.chunksMax) return undefined;
  const chunks: Chunk[] = [];
  let entriesLeft = gossipFrameLimits.entriesMax;
  for (const item of value) {
    if (!isFields(item)) return undefined;
    const { session, from, to, entries } = item;
    if (!isSession(session) || !isCount(from) || !isCount(to) || from >= to || !Array.isArray(entries)) return undefined;
    entriesLeft -= entries.length;
    if (entriesLeft < 0) return undefined;
    const read = readEntries(entries, from, to);
    if (read === undefined) return undefined;
    chunks.push({ session, from, to, entries: read });
  }
  return chunks;
}

function readRepair({ buckets, entries, answer }: Fields, hash: string): GossipFrame | undefined {
  if (!Array.isArray(buckets) || buckets.length > HASH_BUCKETS || !buckets.every(isBucket)) return undefined;
  if (!Array.isArray(entries) || entries.length > gossipFrameLimits.entriesMax || typeof answer !== "boolean") return undefined;
  const read: Entry[] = [];
  for (const item of entries) {
    const session = isFields(item) ? item["session"] : undefined;
    const entry = isSession(session) ? readEntry(item, 0, Number.MAX_SAFE_INTEGER) : undefined;
    if (entry === undefined) return undefined;
    read.push({ ...entry, session: session as string });
  }
  return { kind: "repair", hash, buckets, entries: read, answer };
}

/** Numbers ascend within (from, to]. */
function readEntries(items: readonly unknown[], from: number, to: number): Chunk["entries"] | undefined {
  const entries: Chunk["entries"][number][] = [];
  let last = from;
  for (const item of items) {
    const entry = readEntry(item, last, to);
    if (entry === undefined) return undefined;
    last = entry.seq;
    entries.push(entry);
  }
  return entries;
}

/** @param after its number is above */
function readEntry(item: unknown, after: number, to: number): Chunk["entries"][number] | undefined {
  if (!isFields(item)) return undefined;
  const { key, value, stamp, seq, deleted } = item;
  if (typeof key !== "string" || !keyPattern.test(key) || typeof value !== "string" || typeof stamp !== "string")
    return undefined;
  if (!isCount(seq) || seq <= after || seq > to || typeof deleted !== "boolean") return undefined;
  return { key, value, stamp, seq, deleted };
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isSession(value: unknown): value is string {
  return typeof value === "string" && sessionPattern.test(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isHalfHash(value: unknown): boolean {
  return typeof value === "string" && /^[0-9a-f]{16}$/.test(value);
}

function isBucket(value: unknown): boolean {
  return isCount(value) && value < HASH_BUCKETS;
}
