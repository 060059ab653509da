/** Every frame that a node sends is read as it was; nothing else is, whatever it is, and reading throws at nothing. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type GossipFrame, HASH_BUCKETS, readGossipFrame } from "../src/index.ts";

const hash = "0123456789abcdef0123456789abcdef";
const entry = { key: "k", value: "1", stamp: "0mjtestamp000", seq: 2, deleted: false };
const chunk = { session: "n1.1", from: 1, to: 3, entries: [entry, { ...entry, seq: 3 }] };
const frames: readonly GossipFrame[] = [
  { kind: "round", hash, chunks: [chunk], urgent: true },
  { kind: "digest", hash, heads: [["n1.1", 3]] },
  { kind: "delta", hash, heads: [], chunks: [chunk], more: false },
  { kind: "reverse", hash, chunks: [], more: true },
  { kind: "compare", hash, buckets: Array(HASH_BUCKETS).fill(hash.slice(16)) },
  { kind: "repair", hash, buckets: [0, 63], entries: [{ ...entry, session: "n1.1" }], answer: false },
  { kind: "ask", hash },
  { kind: "told", hash },
];

test.each(frames)("$kind is read as it was, without what is unknown", (frame) => {
  expect(readGossipFrame({ ...JSON.parse(JSON.stringify(frame)), newer: 1 })).toEqual(frame);
});

const [round, digest, delta, , , repair] = frames;
const withEntry = (changes: object) => ({ ...round, chunks: [{ ...chunk, entries: [{ ...entry, ...changes }] }] });
const withChunk = (changes: object) => ({ ...round, chunks: [{ ...chunk, ...changes }] });
describe("is no frame", () => {
  test.each<[string, unknown]>([
    ["nothing", undefined],
    ["a list", []],
    ["a kind that is none", { ...round, kind: "__proto__" }],
    ["a hash that is none", { ...round, hash: "x" }],
    ["a number for a hash", { ...round, hash: 1 }],
    ["no chunks", { ...round, chunks: null }],
    ["a word for a flag", { ...round, urgent: "yes" }],
    ["too many chunks", { ...round, chunks: Array(10_001).fill(chunk) }],
    ["too many entries", { ...round, chunks: [withMany(10_001)] }],
    ["a session that is none", withChunk({ session: "N.1" })],
    ["a wildcard for a session", withChunk({ session: "*" })],
    ["a chunk that ends before it begins", withChunk({ from: 3, to: 2, entries: [] })],
    ["a head of 2^53", withChunk({ to: 2 ** 53 })],
    ["a negative start", withChunk({ from: -1 })],
    ["a number before the chunk", withEntry({ seq: 1 })],
    ["a number behind it", withEntry({ seq: 4 })],
    ["a fraction", withEntry({ seq: 1.5 })],
    ["NaN", withEntry({ seq: Number.NaN })],
    ["a number twice", withChunk({ entries: [entry, entry] })],
    ["an object for a value", withEntry({ value: {} })],
    ["a key with a space", withEntry({ key: "a b" })],
    ["no flag", withEntry({ deleted: undefined })],
    ["heads that are none", { ...digest, heads: {} }],
    ["a head without a number", { ...digest, heads: [["n1.1"]] }],
    ["too many heads", { ...digest, heads: Array(10_001).fill(["n1.1", 1]) }],
    ["a delta without heads", { ...delta, heads: undefined }],
    ["a delta without its end", { ...delta, more: undefined }],
    ["too few hashes", { kind: "compare", hash, buckets: [] }],
    ["a hash of a part that is none", { kind: "compare", hash, buckets: Array(HASH_BUCKETS).fill("x") }],
    ["a part that there is not", { ...repair, buckets: [HASH_BUCKETS] }],
    ["an entry of nobody", { ...repair, entries: [entry] }],
    ["an entry with number 0", { ...repair, entries: [{ ...entry, session: "n1.1", seq: 0 }] }],
    ["too many entries to repair", { ...repair, entries: Array(10_001).fill({ ...entry, session: "n1.1" }) }],
    ["a repair without its end", { ...repair, answer: undefined }],
  ])("%s", (_, value) => expect(readGossipFrame(value)).toBeUndefined());
});

function withMany(count: number): object {
  return {
    session: "n1.1",
    from: 0,
    to: count,
    entries: Array.from({ length: count }, (_, index) => ({ ...entry, seq: index + 1 })),
  };
}

test("whatever comes, nothing is thrown", () => {
  fc.assert(fc.property(fc.anything(), (value) => void readGossipFrame(value)));
  const mangled = fc.tuple(
    fc.constantFrom(...frames),
    fc.constantFrom("kind", "hash", "heads", "chunks", "more", "urgent"),
    fc.anything(),
  );
  fc.assert(fc.property(mangled, ([frame, field, value]) => void readGossipFrame({ ...frame, [field]: value })));
});
