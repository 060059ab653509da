import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readSwimFrame, readSwimUpdates, type SwimFrame, swimLimits } from "../src/index.ts";
import { anyUpdate } from "./updates.ts";

/**
 * Proves that what members write is read back, that what is wrong in any one place is refused, and that no value makes the
 * reader throw or let through what it does not describe.
 */

const heading = { v: 1, from: "a", to: "b", incarnation: 7, meta: { service: "router" }, updates: [] };
const ping = { ...heading, kind: "ping", seq: 5 };
const update = { id: "c", incarnation: 1, state: "alive", meta: {} };

const ids = fc.constantFrom("a", "b-2", "x_9");
const seq = fc.nat({ max: swimLimits.seqMax });
const anyFrame: fc.Arbitrary<SwimFrame> = fc
  .tuple(
    fc.oneof(
      fc.record({ kind: fc.constantFrom("ping" as const, "ack" as const, "nack" as const), seq }),
      fc.record({ kind: fc.constant("ping-req" as const), seq, target: ids }),
      fc.record({ kind: fc.constant("news" as const) }),
      fc.record({ kind: fc.constant("sync" as const), digest: seq, back: fc.boolean() }),
    ),
    fc.array(anyUpdate(ids), { maxLength: 5 }),
    ids,
  )
  .map(([body, updates, id]) => ({ v: 1, from: id, to: "b", incarnation: 3, meta: { service: "x" }, updates, ...body }));

describe("what is right", () => {
  it("is read back, however it travelled", () => {
    fc.assert(
      fc.property(anyFrame, (frame) => {
        expect(readSwimFrame(frame)).toEqual(frame);
        expect(readSwimFrame(JSON.parse(JSON.stringify(frame)))).toEqual(frame);
      }),
    );
  });

  it("may have fields that a later version adds, which are left out", () => {
    expect(readSwimFrame({ ...ping, later: 1, updates: [{ ...update, later: 1 }] })).toEqual({ ...ping, updates: [update] });
  });

  it("is a copy", () => {
    const frame = readSwimFrame(ping);
    expect(frame?.meta).not.toBe(ping.meta);
    expect(frame?.updates).not.toBe(ping.updates);
  });
});

const wrongNumbers = ["1", null, undefined, Number.NaN, Number.POSITIVE_INFINITY, -1, 0.5, 2 ** 53, 10n];
const wrongIds = [
  "",
  "A",
  "a.b",
  "*",
  ">",
  "a b",
  "a\r\n",
  "a\0",
  "__proto__",
  "x".repeat(64),
  "x".repeat(10_000),
  "а",
  1,
  null,
  {},
];

describe("what is wrong", () => {
  it.each<[string, unknown]>([
    ...[undefined, null, 1, "ping", [], [ping], true, Symbol("x"), () => ping].map((value): [string, unknown] => [
      "no record",
      value,
    ]),
    ...[0, 2, "1", undefined].map((v): [string, unknown] => ["v", { ...ping, v }]),
    ...wrongIds.flatMap((id): [string, unknown][] => [
      ["from", { ...ping, from: id }],
      ["to", { ...ping, to: id }],
      ["target", { ...ping, kind: "ping-req", target: id }],
      ["id", { ...ping, updates: [{ ...update, id }] }],
      ["by", { ...ping, updates: [{ ...update, state: "suspect", by: [id] }] }],
    ]),
    ...wrongNumbers.flatMap((value): [string, unknown][] => [
      ["incarnation", { ...ping, incarnation: value }],
      ["seq", { ...ping, seq: value }],
      ["digest", { ...heading, kind: "sync", back: true, digest: value }],
      ["of an update", { ...ping, updates: [{ ...update, incarnation: value }] }],
      ["ageMs", { ...ping, updates: [{ ...update, state: "dead", ageMs: value }] }],
    ]),
    ["seq", { ...ping, seq: 2 ** 32 }],
    ["incarnation", { ...ping, incarnation: 2 ** 52 + 1 }],
    ...["pong", "", "constructor", undefined, 1].map((kind): [string, unknown] => ["kind", { ...ping, kind }]),
    ...["zombie", "ALIVE", "toString", undefined, 0].map((state): [string, unknown] => [
      "state",
      { ...ping, updates: [{ ...update, state }] },
    ]),
    ["back", { ...heading, kind: "sync", digest: 1, back: 1 }],
    ...[undefined, null, {}, "x", Array(257).fill(update)].map((updates): [string, unknown] => ["updates", { ...ping, updates }]),
    ...[undefined, null, 1, []].map((one): [string, unknown] => ["an update", { ...ping, updates: [update, one] }]),
    ...[undefined, {}, "a", Array(9).fill("a")].map((by): [string, unknown] => [
      "by",
      { ...ping, updates: [{ ...update, state: "suspect", by }] },
    ]),
    ...[
      ...[undefined, null, [], "x", { service: 1 }, { service: "x".repeat(65) }, { "a b": "x" }, { ["x".repeat(33)]: "x" }],
      ...[JSON.parse('{"__proto__":"x"}'), Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`k${index}`, ""]))],
    ].map((meta): [string, unknown] => ["meta", { ...ping, meta }]),
  ])("is refused: %s", (_, value) => {
    expect(readSwimFrame(value)).toBeUndefined();
  });

  it("throws nothing, whatever it is, and what passes passes again as itself", () => {
    const field = fc.oneof(fc.anything({ withBigInt: true, withNullPrototype: true }), fc.constantFrom(...wrongNumbers));
    const hostile = fc.oneof(
      fc.anything({ withBigInt: true, withMap: true, withSparseArray: true, withNullPrototype: true }),
      fc
        .tuple(anyFrame, fc.constantFrom("v", "from", "to", "incarnation", "meta", "updates", "kind", "seq", "target"), field)
        .map(([frame, name, value]) => ({ ...frame, [name]: value })),
      fc
        .tuple(anyFrame, fc.constantFrom("id", "incarnation", "state", "meta", "by", "ageMs"), field)
        .map(([frame, name, value]) => ({ ...frame, updates: [{ ...update, [name]: value }] })),
    );
    fc.assert(
      fc.property(hostile, (value) => {
        const frame = readSwimFrame(value);
        if (frame !== undefined) expect(readSwimFrame(JSON.parse(JSON.stringify(frame)))).toEqual(frame);
      }),
      { numRuns: 2_000 },
    );
  });
});

it("reads updates that another frame carries, all or none", () => {
  expect(readSwimUpdates([update])).toEqual([update]);
  expect(readSwimUpdates([update, { ...update, incarnation: -1 }])).toBeUndefined();
  expect(readSwimUpdates("x")).toBeUndefined();
});
