import { createRandom } from "@nexus/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readSwimFrame, Swim, type SwimFrame, swimLimits } from "../src/index.ts";
import { EPOCH_MS, frameOf, LoneNode } from "./lone-node.ts";
import { updateAbout } from "./updates.ts";

/** Proves M9: what comes in frames that can be read makes nothing throw, and nothing grow without bound. */

const four = ["a", "b", "c", "d"];
const strangers = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => updateAbout(`s${from + index}`, { incarnation: EPOCH_MS }));

describe("frames that do not belong here", () => {
  it("are refused and counted: for another, from another than the transport names, from this node itself", () => {
    const node = LoneNode.among(four);
    const before = node.swim.digest;
    node.hear("a", { kind: "ping", seq: 1 }, { to: "b" });
    node.step({ kind: "frame", from: "a", frame: frameOf("b", { kind: "ping", seq: 1 }, { incarnation: EPOCH_MS + 9 }) });
    node.hear("self", { kind: "ping", seq: 1 });
    expect([node.event("misaddressed"), node.event("forged"), node.sends]).toEqual([1, 2, []]);
    expect(node.swim.digest).toBe(before);
  });

  it("an id named as a method of every object is an id like others", () => {
    const node = LoneNode.among(four);
    node.news("a", ...["constructor", "valueof", "prototype"].map((id) => updateAbout(id)));
    expect(node.swim.stateOf("constructor")).toBe("alive");
    expect(node.swim.stateOf("hasownproperty")).toBeUndefined();
  });
});

describe("thousands of strangers", () => {
  it("fill the table to its bound and no further, and push out nobody who is there", () => {
    const node = LoneNode.among(four, { membersMax: 500 });
    for (let frame = 0; frame < 20; frame++) node.news("a", ...strangers(swimLimits.updatesMax, frame * 256));
    expect(node.swim.members()).toHaveLength(500);
    expect(node.event("strangersRefused")).toBe(20 * 256 - (500 - 5));
    for (const id of four) expect(node.swim.stateOf(id)).toBe("alive");
    for (const { frame } of node.sends) expect(frame.updates.length).toBeLessThanOrEqual(64);
  });

  it("who are said to be dead push out no tombstone", () => {
    const node = LoneNode.among(four, { membersMax: 8 });
    node.news("a", ...strangers(3).map((update) => ({ ...update, state: "dead" as const, ageMs: 0 })));
    node.news("a", ...strangers(200, 3).map((update) => ({ ...update, state: "left" as const, ageMs: 0 })));
    expect([node.swim.members().length, node.event("strangersRefused")]).toEqual([8, 200]);
    expect(node.swim.stateOf("s0")).toBe("dead");
    node.news("a", ...strangers(2, 900));
    expect([node.event("tombstonesEvicted"), node.swim.stateOf("s0"), node.swim.stateOf("s900")]).toEqual([
      2,
      undefined,
      "alive",
    ]);
    expect(node.changes).toContainEqual({ id: "s0", from: "dead", to: "unknown", incarnation: EPOCH_MS });
  });
});

it("accusations of this node by hundreds are denied to sixteen at once", () => {
  const others = Array.from({ length: 100 }, (_, index) => `m${index}`);
  const node = LoneNode.among(others, { pushEveryMs: 0 });
  const accusations = others.map((id, index) =>
    updateAbout("self", { state: "suspect", by: [id], incarnation: EPOCH_MS + index }),
  );
  node.news("m1", ...accusations);
  expect([node.sent("news").length, node.event("refutations")]).toEqual([16, 100]);
});

it("a clock that goes back is taken to stand still, and one that shows no time is refused", () => {
  const node = LoneNode.among(four);
  node.runAnswering(5_000);
  node.step({ kind: "wake" });
  node.nowMs = 10;
  node.news("a", updateAbout("new"));
  expect(node.swim.members().find(({ id }) => id === "new")).toMatchObject({ sinceMs: 5_000 });
  expect(node.wakeAtMs).toBeGreaterThanOrEqual(5_000);
  expect(() => node.swim.step({ kind: "wake" }, Number.NaN)).toThrow(RangeError);
});

it("whatever is said in whatever order, nothing throws, this node lives, and every bound holds", () => {
  const ids = fc.constantFrom("a", "b", "c", "self", "x", "y", "z1", "z2", "z3");
  const numbers = fc.constantFrom(0, 1, 7, EPOCH_MS, EPOCH_MS + 1, EPOCH_MS + 5_000, 2 ** 52, 2 ** 53, -1, Number.NaN);
  const updates = fc.array(
    fc.record({
      id: ids,
      incarnation: numbers,
      state: fc.constantFrom("alive", "suspect", "dead", "left", "zombie"),
      meta: fc.constantFrom({}, { version: "1" }, { version: "2" }),
      by: fc.array(ids, { maxLength: 4 }),
      ageMs: fc.nat(2_000),
    }),
    { maxLength: 4 },
  );
  const frame = fc.record({
    v: fc.constant(1),
    ...{ from: ids, to: fc.constantFrom("self", "self", "a"), incarnation: numbers, meta: fc.constant({}), updates },
    kind: fc.constantFrom("ping", "ping-req", "ack", "nack", "news", "sync"),
    ...{ seq: fc.nat(3), target: ids, digest: fc.nat(1), back: fc.boolean() },
  });
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.tuple(frame, fc.nat(400)) },
    { weight: 4, arbitrary: fc.tuple(fc.constant("wake" as const), fc.nat(400)) },
    { weight: 1, arbitrary: fc.tuple(fc.constant("wake" as const), fc.nat(5_000)) },
    { weight: 1, arbitrary: fc.tuple(fc.double({ min: -1 }), fc.nat(10)) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), fc.nat(), (steps, seed) => {
      const options = { membersMax: 6, tombstoneMs: 3_000, relaysMax: 3, listsPerSecondMax: 2 };
      const swim = new Swim({ id: "self", meta: {}, options }, createRandom(seed));
      let nowMs = 0;
      swim.step({ kind: "start", epochMs: EPOCH_MS, peers: ["a", "b"] }, nowMs);
      for (const [what, afterMs] of steps) {
        nowMs += afterMs;
        const effects = take(swim, what, nowMs);
        if (effects === undefined) continue;
        expect(swim.stateOf("self")).toBe("alive");
        expect(swim.members().length).toBeLessThanOrEqual(6);
        expect(effects.wakeAtMs).toBeGreaterThan(nowMs - 1);
        for (const { to, frame } of effects.sends) {
          expect(to).not.toBe("self");
          expect(readSwimFrame(JSON.parse(JSON.stringify(frame)))).toEqual(frame);
        }
      }
    }),
    { numRuns: 500 },
  );
});

function take(swim: Swim, what: unknown, nowMs: number) {
  if (what === "wake") return swim.step({ kind: "wake" }, nowMs);
  if (typeof what === "number") return swim.step({ kind: "load", eventLoopDelayMs: what }, nowMs);
  const frame = readSwimFrame(what) as SwimFrame | undefined;
  return frame === undefined ? undefined : swim.step({ kind: "frame", from: frame.from, frame }, nowMs);
}
