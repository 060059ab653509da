import type { Chunk } from "./delta.ts";
import { bytesOf, type Entry } from "./entry.ts";
import { type Convergence, Evidence } from "./evidence.ts";
import { fanoutFor, roundsHot, sample } from "./fanout.ts";
import type { GossipFrame } from "./frames.ts";
import type { Refusal, SharedState } from "./shared-state.ts";

/**
 * Spreads the shared state: each round some peers are told what is new, and whoever differs exchanges digest, delta and
 * reverse delta (Demers et al., "Epidemic Algorithms for Replicated Database Maintenance", 1987: rumour mongering, backed by
 * anti-entropy). Synchronous; what is to be sent is returned.
 *
 * Invariants
 * R1. A round turns to at most `fanout` peers, and between two rounds at most that many of those that differ are sent a
 *     digest; beyond that a frame is answered by one frame.
 * R2. No frame carries more than `frameBytesMax` of entries; what is left follows.
 * R3. News is told for `roundsHot` rounds, and at most `hotMax` entries are news; what is above them is left to anti-entropy.
 * R4. Important news does not wait for the round, here or at those who hear it; each node passes it on once.
 * R5. Every frame that is heard is evidence of what its sender had, and nothing else is.
 */
export interface GossipOptions {
  readonly roundMs: number;
  readonly fanout: number | "log2";
  /** Of entries in a frame, about; the wire's own limit has to leave room for the rest. */
  readonly frameBytesMax: number;
  /** `push`: news alone, without repair; for measurements. */
  readonly exchange: "push-pull" | "push";
  /** See `roundsHot`. */
  readonly hotFactor: number;
  readonly hotMax: number;
  /** Nodes whose word is remembered. */
  readonly peersMax: number;
}

export const gossipDefaults: GossipOptions = {
  roundMs: 200,
  fanout: "log2",
  frameBytesMax: 262_144,
  exchange: "push-pull",
  hotFactor: 1,
  hotMax: 1_024,
  peersMax: 10_000,
};

export interface GossipDeps {
  readonly state: SharedState;
  /** This node. */
  readonly self: string;
  /** Every live member, this node among them; not copied, so that many nodes may have one view. */
  readonly members: () => readonly string[];
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

export interface Now {
  /** Monotonic. */
  readonly ms: number;
  /** Of the wall clock, since 1970. */
  readonly epochMs: number;
}

export interface GossipEffects {
  readonly sends: readonly { readonly to: string; readonly frame: GossipFrame }[];
  /** Entries that are new here. */
  readonly changes: readonly Entry[];
}

interface News {
  readonly entry: Pick<Entry, "key" | "session" | "seq">;
  roundsLeft: number;
}

type Sends = { readonly to: string; readonly frame: GossipFrame }[];

export class Gossip {
  readonly #options: GossipOptions;
  readonly #deps: GossipDeps;
  readonly #evidence: Evidence;
  /** By key: a later write of it replaces the earlier one. */
  readonly #news = new Map<string, News>();
  /** Digests that may still be sent in this round (R1). */
  #digestsLeft = 0;
  /** News beyond `hotMax`. */
  #newsDropped = 0;

  constructor(options: Partial<GossipOptions>, deps: GossipDeps) {
    this.#options = { ...gossipDefaults, ...options };
    this.#deps = deps;
    this.#evidence = new Evidence(this.#options.peersMax);
  }

  get counts(): { readonly news: number; readonly newsDropped: number } {
    return { news: this.#news.size, newsDropped: this.#newsDropped };
  }

  /** To be called each `roundMs`. */
  round(): GossipEffects {
    const { state } = this.#deps;
    this.#digestsLeft = this.#fanout();
    const chunks = this.#newsChunks();
    const sends: Sends = [];
    for (const to of this.#somePeers()) {
      const hasAll = this.#evidence.hashOf(to) === state.hash;
      sends.push({ to, frame: { kind: "round", hash: state.hash, chunks: hasAll ? [] : chunks, urgent: false } });
    }
    for (const [key, news] of this.#news) if (--news.roundsLeft <= 0) this.#news.delete(key);
    return { sends, changes: [] };
  }

  /** @param important do not wait for the round (R4) */
  put(key: string, value: string, now: Now, important = false): Refusal | GossipEffects {
    return this.#written(this.#deps.state.put(key, value, now.epochMs), important);
  }

  /** Nothing to delete is no change. */
  delete(key: string, now: Now, important = false): Refusal | GossipEffects {
    const entry = this.#deps.state.delete(key, now.epochMs);
    return entry === undefined ? { sends: [], changes: [] } : this.#written(entry, important);
  }

  receive(from: string, frame: GossipFrame, now: Now): GossipEffects {
    this.#evidence.heard(from, frame.hash, now.ms); // R5
    switch (frame.kind) {
      case "round":
        return this.#onRound(from, frame, now);
      case "digest":
        return { sends: this.#answerDigest(from, frame), changes: [] };
      case "delta":
        return this.#onDelta(from, frame, now);
      case "reverse":
        return this.#onReverse(from, frame, now);
      case "compare":
        return { sends: this.#onCompare(from, frame.buckets), changes: [] };
      case "repair":
        return this.#onRepair(from, frame, now);
      case "ask":
        return { sends: [{ to: from, frame: { kind: "told", hash: this.#deps.state.hash } }], changes: [] };
      case "told":
        return { sends: [], changes: [] };
    }
  }

  /** Asks everybody whose word is older. */
  ask(now: Now, freshMs: number): GossipEffects {
    const { state } = this.#deps;
    const stale = this.#evidence.staleOf(this.#peers(), now.ms, freshMs);
    return { sends: stale.map((to) => ({ to, frame: { kind: "ask", hash: state.hash } })), changes: [] };
  }

  /** @param freshMs how old a member's word may be */
  convergence(now: Now, freshMs: number): Convergence {
    return this.#evidence.convergence(this.#deps.state.hash, this.#peers(), now.ms, freshMs);
  }

  /** Forgets what was kept of nodes that are gone. */
  forget(isMember: (node: string) => boolean): void {
    this.#evidence.keep(isMember);
  }

  #written(entry: Entry | Refusal, important: boolean): Refusal | GossipEffects {
    if (typeof entry === "string") return entry;
    this.#tell([entry]);
    return { sends: important ? this.#atOnce([entry]) : [], changes: [entry] };
  }

  #onRound(from: string, { hash, chunks, urgent }: Extract<GossipFrame, { kind: "round" }>, now: Now): GossipEffects {
    const { changes } = this.#merge(chunks, now);
    const sends = urgent && changes.length > 0 ? this.#atOnce(changes) : [];
    if (hash !== this.#deps.state.hash) sends.push(...this.#sendDigest(from));
    return { sends, changes };
  }

  #onDelta(from: string, frame: Extract<GossipFrame, { kind: "delta" }>, now: Now): GossipEffects {
    const { state } = this.#deps;
    const { changes, advanced } = this.#merge(frame.chunks, now);
    const { chunks, more } = state.deltaFor(new Map(frame.heads), this.#options.frameBytesMax);
    const sends: Sends = [];
    if (chunks.length > 0) sends.push({ to: from, frame: { kind: "reverse", hash: state.hash, chunks, more } });
    // The rest is asked for at once, as long as it comes: each time something more is here.
    if (frame.more && advanced) sends.push({ to: from, frame: this.#digest() });
    return { sends, changes };
  }

  #onReverse(from: string, frame: Extract<GossipFrame, { kind: "reverse" }>, now: Now): GossipEffects {
    const { changes, advanced } = this.#merge(frame.chunks, now);
    return { sends: frame.more && advanced ? [{ to: from, frame: this.#digest() }] : [], changes };
  }

  #answerDigest(from: string, { hash, heads }: Extract<GossipFrame, { kind: "digest" }>): Sends {
    const { state } = this.#deps;
    if (hash === state.hash) return [];
    const theirs = new Map(heads);
    const { chunks, more } = state.deltaFor(theirs, this.#options.frameBytesMax);
    if (chunks.length === 0 && areEqual(theirs, state.heads)) {
      return [{ to: from, frame: { kind: "compare", hash: state.hash, buckets: state.bucketHashes } }];
    }
    // Even an empty delta: whoever differs may have what is missing here.
    return [{ to: from, frame: { kind: "delta", hash: state.hash, heads: [...state.heads], chunks, more } }];
  }

  #onCompare(from: string, theirs: readonly string[]): Sends {
    const differing = this.#deps.state.bucketHashes.flatMap((hash, bucket) => (hash === theirs[bucket] ? [] : [bucket]));
    return this.#repair(from, differing, false);
  }

  #onRepair(from: string, frame: Extract<GossipFrame, { kind: "repair" }>, now: Now): GossipEffects {
    const { state } = this.#deps;
    const changes = state.repair(frame.entries, now.epochMs);
    const isSame = frame.hash === state.hash;
    return { sends: frame.answer || isSame ? [] : this.#repair(from, frame.buckets, true), changes };
  }

  #repair(to: string, buckets: readonly number[], answer: boolean): Sends {
    const { state } = this.#deps;
    const pieces = [...state.entriesIn(buckets, this.#options.frameBytesMax)];
    if (pieces.length === 0) pieces.push([]); // the other one has something there
    return pieces.map((entries, index) => ({
      to,
      // An answer to the last of them alone.
      frame: { kind: "repair", hash: state.hash, buckets, entries, answer: answer || index < pieces.length - 1 },
    }));
  }

  #sendDigest(to: string): Sends {
    if (this.#options.exchange === "push" || this.#digestsLeft <= 0) return []; // R1
    this.#digestsLeft--;
    return [{ to, frame: this.#digest() }];
  }

  #digest(): GossipFrame {
    const { state } = this.#deps;
    return { kind: "digest", hash: state.hash, heads: [...state.heads] };
  }

  /** What is new here is news to others, too. */
  #merge(chunks: readonly Chunk[], now: Now): { readonly changes: readonly Entry[]; readonly advanced: boolean } {
    const merged = this.#deps.state.merge(chunks, now.epochMs);
    this.#tell(merged.changes);
    return merged;
  }

  #tell(entries: readonly Entry[]): void {
    const rounds = roundsHot(this.#deps.members().length, this.#fanout(), this.#options.hotFactor);
    for (const { key, session, seq } of entries) {
      if (!this.#news.has(key) && this.#news.size >= this.#options.hotMax)
        this.#newsDropped++; // R3
      else this.#news.set(key, { entry: { key, session, seq }, roundsLeft: rounds });
    }
  }

  #atOnce(entries: readonly Entry[]): Sends {
    const chunks = this.#chunksOf(entries);
    const frame = { kind: "round", hash: this.#deps.state.hash, chunks, urgent: true } as const;
    return this.#somePeers().map((to) => ({ to, frame }));
  }

  #newsChunks(): Chunk[] {
    return this.#chunksOf([...this.#news.values()].map(({ entry }) => entry));
  }

  /** Of a session the earlier ones first, so that each is taken as what follows; in the frame's bounds (R2). */
  #chunksOf(entries: readonly Pick<Entry, "key" | "session" | "seq">[]): Chunk[] {
    const chunks: Chunk[] = [];
    let bytes = 0;
    for (const entry of entries.toSorted((a, b) => a.seq - b.seq)) {
      const chunk = this.#deps.state.chunkOf(entry);
      const [only] = chunk?.entries ?? [];
      if (chunk === undefined || only === undefined) continue;
      bytes += bytesOf({ ...only, session: chunk.session });
      if (chunks.length > 0 && bytes > this.#options.frameBytesMax) break;
      chunks.push(chunk);
    }
    return chunks;
  }

  #fanout(): number {
    return fanoutFor(this.#deps.members().length, this.#options.fanout);
  }

  #peers(): string[] {
    return this.#deps.members().filter((node) => node !== this.#deps.self);
  }

  #somePeers(): string[] {
    const { members, self, random } = this.#deps;
    const count = this.#fanout();
    // One more, since this node may be among them.
    const chosen = sample(members(), count + 1, random).filter((node) => node !== self);
    return chosen.slice(0, count);
  }
}

function areEqual(one: ReadonlyMap<string, number>, other: ReadonlyMap<string, number>): boolean {
  return one.size === other.size && [...one].every(([session, head]) => other.get(session) === head);
}
