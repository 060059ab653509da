import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createReduction, type ReduceSpec } from "../src/index.ts";

/** Proves: the value depends on the set of contributions alone, and a contributor counts once. */

const specs: ReduceSpec[] = [
  { kind: "count" },
  { kind: "sum", field: "n" },
  { kind: "mean", field: "n" },
  { kind: "min", field: "n" },
  { kind: "max", field: "n" },
  { kind: "histogram", field: "n", bounds: [-10, 0, 10] },
  { kind: "topk", field: "items", k: 3 },
  { kind: "merge" },
];
const answers = fc.dictionary(
  fc.constantFrom(..."abcdefgh"),
  fc.record({ n: fc.integer({ min: -1_000, max: 1_000 }), items: fc.array(fc.integer(), { maxLength: 6 }), text: fc.string() }),
);

describe.each(specs)("$kind", (spec) => {
  it("is the same for every order, split and repetition", () => {
    fc.assert(
      fc.property(answers, fc.array(fc.nat()), (given, shuffle) => {
        const entries = Object.entries(given);
        const inOrder = createReduction(spec);
        for (const [who, answer] of entries) inOrder.add(who, answer);
        const [left, right] = [createReduction(spec), createReduction(spec)];
        for (const [index, [who, answer]] of [...entries].reverse().entries()) {
          (((shuffle[index] ?? 0) & 1) === 1 ? left : right).add(who, answer);
          left.add(who, answer);
        }
        left.combine(right);
        left.combine(right);
        expect(left.finish()).toEqual(inOrder.finish());
        expect(left.contributors).toBe(entries.length);
      }),
    );
  });
});

describe("values", () => {
  const reduce = (spec: ReduceSpec, ...given: unknown[]) => {
    const reduction = createReduction(spec);
    for (const [index, answer] of given.entries()) reduction.add(`agent-${index}`, answer);
    return reduction.finish();
  };
  it.each<[ReduceSpec, unknown[], unknown]>([
    [{ kind: "sum" }, [1, 2, 3], 6],
    [{ kind: "sum" }, [1e16, 1, -1e16], 1],
    [{ kind: "mean" }, [1, 2], 1.5],
    [{ kind: "mean" }, [], null],
    [{ kind: "count" }, [], 0],
    [{ kind: "histogram", bounds: [1, 2] }, [1, 1.5, 3], { bounds: [1, 2], counts: [1, 1, 1], count: 3 }],
    [{ kind: "topk", k: 2, order: "ascending" }, [[3, 1], [2]], [1, 2]],
    [{ kind: "topk", k: 2, by: "s" }, [[{ s: 1, x: 1 }], [{ s: 1, x: 2 }, { s: 5 }]], [{ s: 5 }, { s: 1, x: 1 }]],
    [
      { kind: "merge" },
      [
        { a: 1, b: [1], c: "x" },
        { a: 2, b: [2], d: true, c: "y" },
      ],
      { a: 3, b: [1, 2], c: "x", d: true },
    ],
  ])("%j of %j", (spec, given, value) => expect(reduce(spec, ...given)).toEqual(value));

  it("says why an answer is unusable, and leaves the value alone", () => {
    const reduction = createReduction({ kind: "sum", field: "n" });
    expect(reduction.add("a", { m: 1 })).toEqual({ ok: false, reason: 'field "n" is absent' });
    expect(reduction.add("a", { n: "1" })).toEqual({ ok: false, reason: 'field "n" is not a number' });
    expect(reduction.contributors).toBe(0);
  });

  it("reads no inherited property and pollutes nothing", () => {
    expect(createReduction({ kind: "sum", field: "constructor" }).add("a", {}).ok).toBe(false);
    const hostile: unknown = JSON.parse('{"__proto__":{"x":1}}');
    reduce({ kind: "merge" }, hostile, hostile);
    expect(({} as Record<string, unknown>)["x"]).toBeUndefined();
  });
});
