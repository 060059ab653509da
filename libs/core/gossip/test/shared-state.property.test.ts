/**
 * G1–G3 beside a dumb twin: each entry that was ever written, and of each key the one that wins. Replicas exchange chunks in
 * any order, partly, again, and by way of others; whoever has heard the same has the same.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { wins } from "../src/entry.ts";
import { type Chunk, type Entry, readGossipFrame, SharedState, sessionOf } from "../src/index.ts";

const EPOCH_MS = Date.UTC(2026, 0, 1);
const NODES = 4;
const keys = ["a", "b", "c", "d", "e"];

type Step =
  | { readonly kind: "put" | "delete"; readonly node: number; readonly key: string; readonly aheadMs: number }
  | { readonly kind: "delta"; readonly from: number; readonly to: number; readonly bytesMax: number }
  | { readonly kind: "news"; readonly from: number; readonly to: number; readonly key: string }
  | { readonly kind: "again"; readonly index: number; readonly to: number };

const node = fc.nat({ max: NODES - 1 });
const key = fc.constantFrom(...keys);
const steps = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constantFrom("put" as const, "delete" as const), node, key, aheadMs: fc.nat({ max: 3 }) }),
    fc.record({ kind: fc.constant("delta" as const), from: node, to: node, bytesMax: fc.constantFrom(1, 150, 1e6) }),
    fc.record({ kind: fc.constant("news" as const), from: node, to: node, key }),
    fc.record({ kind: fc.constant("again" as const), index: fc.nat(), to: node }),
  ),
  { maxLength: 80 },
);

/** Runs the steps; @returns the replicas and everything that was written */
function play(list: readonly Step[]): { replicas: SharedState[]; written: Entry[] } {
  const replicas = Array.from({ length: NODES }, (_, index) => new SharedState({ session: sessionOf(`n${index}`, 1) }));
  const at = (index: number) => replicas[index] as SharedState;
  const written: Entry[] = [];
  const sent: Parameters<SharedState["merge"]>[0][] = [];
  for (const [time, step] of list.entries()) {
    const epochMs = EPOCH_MS + Math.floor(time / 4);
    if ("node" in step) {
      const { node: of, aheadMs } = step;
      const entry = step.kind === "put" ? at(of).put(step.key, `"${time}"`, epochMs + aheadMs) : at(of).delete(step.key, epochMs);
      if (typeof entry === "object") written.push(entry);
    } else if (step.kind === "again") {
      const chunks = sent[step.index % Math.max(1, sent.length)];
      if (chunks !== undefined) at(step.to).merge(chunks, epochMs);
    } else {
      const kept = step.kind === "news" ? at(step.from).get(step.key) : undefined;
      const news = kept === undefined ? undefined : at(step.from).chunkOf(kept);
      const chunks = step.kind === "delta" ? at(step.from).deltaFor(at(step.to).heads, step.bytesMax).chunks : news ? [news] : [];
      expectReadable(chunks);
      sent.push(chunks);
      at(step.to).merge(chunks, epochMs);
    }
  }
  return { replicas, written };
}

/** A node sends nothing that another one would not read. */
function expectReadable(chunks: readonly Chunk[]): void {
  const frame = { kind: "reverse", hash: "0".repeat(32), chunks, more: false };
  expect(readGossipFrame(frame)).toEqual(frame);
}

const EPOCH_LATER_MS = EPOCH_MS + 1_000;

/** Everybody tells everybody everything, in small frames. */
function heal(replicas: readonly SharedState[]): void {
  for (let isNew = true; isNew; ) {
    isNew = false;
    for (const from of replicas) {
      for (const to of replicas) isNew = to.merge(from.deltaFor(to.heads, 100).chunks, EPOCH_LATER_MS).advanced || isNew;
    }
  }
}

function winnersOf(written: readonly Entry[]): Map<string, Entry> {
  const winners = new Map<string, Entry>();
  for (const entry of written) {
    const other = winners.get(entry.key);
    if (other === undefined || wins(entry, other)) winners.set(entry.key, entry);
  }
  return winners;
}

describe("shared state", () => {
  test("G1, G2: after healing every replica has of each key what won, and nothing else", () => {
    fc.assert(
      fc.property(steps, (list) => {
        const { replicas, written } = play(list);
        heal(replicas);
        const winners = [...winnersOf(written).values()].filter(({ deleted }) => !deleted);
        for (const replica of replicas) {
          expect(new Set([...replica.values()].map(({ key: of, value }) => `${of}=${value}`))).toEqual(
            new Set(winners.map(({ key: of, value }) => `${of}=${value}`)),
          );
          expect(replica.size).toBe(winners.length);
        }
        expect(new Set(replicas.map(({ hash }) => hash)).size).toBe(1);
      }),
      { numRuns: 300 },
    );
  });

  test("G2: whatever came when, a head passes over nothing that won", () => {
    fc.assert(
      fc.property(steps, (list) => {
        const { replicas, written } = play(list);
        const winners = [...winnersOf(written).values()];
        for (const replica of replicas) {
          for (const winner of winners) {
            const isCovered = (replica.heads.get(winner.session) ?? 0) >= winner.seq;
            if (isCovered && !winner.deleted) expect(replica.get(winner.key)).toEqual(winner);
            if (isCovered && winner.deleted) expect(replica.get(winner.key)).toBeUndefined();
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  test("G3: hashes are equal exactly where what is known is", () => {
    fc.assert(
      fc.property(steps, (list) => {
        const { replicas } = play(list);
        const knows = (replica: SharedState) =>
          JSON.stringify([[...replica.heads].sort(), [...replica.values()].sort((a, b) => (a.key < b.key ? -1 : 1))]);
        const [one, ...others] = replicas as [SharedState, ...SharedState[]];
        for (const other of others) if (knows(one) === knows(other)) expect(one.hash).toBe(other.hash);
        for (const other of others) {
          const values = (of: SharedState) =>
            JSON.stringify([...of.values()].map(({ key: k, session, seq }) => [k, session, seq]).sort());
          if (values(one) !== values(other)) expect(one.hash).not.toBe(other.hash);
        }
      }),
      { numRuns: 300 },
    );
  });

  test("bytes and sizes are those of what is there", () => {
    fc.assert(
      fc.property(steps, (list) => {
        const { replicas } = play(list);
        for (const replica of replicas) {
          expect(replica.size).toBe([...replica.values()].length);
          expect(replica.bytes).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });
});
