import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { combine, contribute, createReduction, emptyPartial, finish, type Partial, type ReduceSpec } from "../src/index.ts";

/** Proves that partials are a monoid, that they give what a reduction gives, and that hostile answers stay harmless. */

const specs: ReduceSpec[] = [
  { kind: "list" },
  { kind: "count" },
  { kind: "sum" },
  { kind: "mean" },
  { kind: "min" },
  { kind: "max" },
  { kind: "histogram", bounds: [-1, 0, 1] },
  { kind: "topk", k: 3 },
  { kind: "merge" },
];

const partialsOf = (spec: ReduceSpec): fc.Arbitrary<Partial> => {
  const numeric = spec.kind !== "merge" && spec.kind !== "list";
  const answer = numeric ? fc.double({ noNaN: true, noDefaultInfinity: true }) : fc.jsonValue({ maxDepth: 3 });
  return fc.dictionary(fc.constantFrom(..."abcde"), answer).map((answers) =>
    Object.entries(answers).reduce((all, [who, value]) => {
      const one = contribute(spec, who, value);
      return one.ok ? combine(spec, all, one.partial) : all;
    }, emptyPartial(spec)),
  );
};

describe.each(specs)("$kind", (spec) => {
  it("is a commutative, associative, idempotent monoid of JSON values", () => {
    const some = partialsOf(spec);
    fc.assert(
      fc.property(some, some, some, (a, b, c) => {
        const both = combine(spec, a, b);
        const text = JSON.stringify(finish(spec, both));
        expect(JSON.stringify(finish(spec, combine(spec, b, a)))).toBe(text);
        expect(combine(spec, both, c).contributors).toEqual([...new Set([a, b, c].flatMap((p) => p.contributors))].sort());
        expect(JSON.stringify(finish(spec, combine(spec, both, c)))).toBe(
          JSON.stringify(finish(spec, combine(spec, a, combine(spec, b, c)))),
        );
        expect(combine(spec, a, emptyPartial(spec))).toEqual(a);
        expect(combine(spec, emptyPartial(spec), a)).toEqual(a);
        expect(combine(spec, both, both)).toEqual(both);
        expect(finish(spec, JSON.parse(JSON.stringify(both)) as Partial)).toEqual(JSON.parse(text));
      }),
    );
  });

  it("gives what a reduction of the same answers gives", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.double({ noNaN: true, noDefaultInfinity: true })), (answers) => {
        const reduction = createReduction(spec);
        let partial = emptyPartial(spec);
        for (const [who, answer] of Object.entries(answers)) {
          reduction.add(who, answer);
          const one = contribute(spec, who, answer);
          if (one.ok) partial = combine(spec, one.partial, partial);
        }
        expect(finish(spec, partial)).toEqual(reduction.finish());
        expect(reduction.partial()).toEqual(partial);
      }),
    );
  });
});

describe("sums", () => {
  const sum = (kind: "sum" | "mean", numbers: number[]) => {
    const reduction = createReduction({ kind });
    for (const [index, number] of numbers.entries()) reduction.add(`agent-${index}`, number);
    return reduction.finish() as number;
  };

  it("come within rounding of the exact sum of fractions of a power of two", () => {
    fc.assert(
      fc.property(fc.array(fc.bigInt({ min: -(2n ** 52n), max: 2n ** 52n }), { minLength: 1 }), (thousandths) => {
        const exact = Number(thousandths.reduce((a, b) => a + b)) / 1_024;
        const got = sum(
          "sum",
          thousandths.map((n) => Number(n) / 1_024),
        );
        expect(Math.abs(got - exact)).toBeLessThanOrEqual(Math.abs(exact) * 2 * Number.EPSILON);
      }),
    );
  });

  it.each<["sum" | "mean", number[], number]>([
    ["sum", [Number.MAX_VALUE, Number.MAX_VALUE], Number.MAX_VALUE],
    ["sum", [Number.MAX_VALUE, Number.MAX_VALUE, -Number.MAX_VALUE, -Number.MAX_VALUE], 0],
    ["mean", [Number.MAX_VALUE, Number.MAX_VALUE], Number.MAX_VALUE],
  ])("%s of %j stays finite", (kind, numbers, value) => expect(sum(kind, numbers)).toBe(value));
});

describe("hostile answers", () => {
  const nested = (levels: number): unknown => JSON.parse("[".repeat(levels) + "]".repeat(levels));

  it.each(["merge", "topk"] as const)("%s refuses what nests too deeply", (kind) => {
    const refused = contribute({ kind }, "a", nested(5_000));
    expect(refused).toEqual({ ok: false, reason: "the answer nests more than 128 levels" });
  });

  it("merges a key called __proto__ as any other", () => {
    const spec: ReduceSpec = { kind: "merge" };
    const reduction = createReduction(spec);
    for (const who of ["a", "b"]) reduction.add(who, JSON.parse('{"__proto__":{"x":1},"constructor":2}'));
    expect(JSON.stringify(reduction.finish())).toBe('{"__proto__":{"x":2},"constructor":4}');
    const later = createReduction(spec);
    later.add("a", { y: 1 });
    later.add("b", JSON.parse('{"__proto__":{"x":1}}'));
    expect(JSON.stringify(later.finish())).toBe('{"y":1,"__proto__":{"x":1}}');
  });

  it("leaves the answers as they were, and gives the same when finished again", () => {
    const reduction = createReduction({ kind: "merge" });
    const answers = [
      { a: [1], b: { c: 1 } },
      { a: [2], b: { c: 2 } },
    ];
    for (const [index, answer] of answers.entries()) reduction.add(`agent-${index}`, answer);
    expect([reduction.finish(), reduction.finish()]).toEqual([
      { a: [1, 2], b: { c: 3 } },
      { a: [1, 2], b: { c: 3 } },
    ]);
    expect(answers).toEqual([
      { a: [1], b: { c: 1 } },
      { a: [2], b: { c: 2 } },
    ]);
  });

  it("bounds what arrays grow to", () => {
    const reduction = createReduction({ kind: "merge" });
    for (let index = 0; index < 3; index++) reduction.add(`agent-${index}`, { rows: new Array(4_000).fill(index) });
    const { rows } = reduction.finish() as { rows: number[] };
    expect([rows.length, rows.at(-1)]).toEqual([10_000, 2]);
  });

  it("merges 1,000 answers of 100 keys of their own in linear time", () => {
    const reduction = createReduction({ kind: "merge" });
    for (let who = 0; who < 1_000; who++) {
      reduction.add(`agent-${who}`, Object.fromEntries(Array.from({ length: 100 }, (_, key) => [`${who}-${key}`, key])));
    }
    const startMs = performance.now();
    expect(Object.keys(reduction.finish() as object)).toHaveLength(100_000);
    // Quadratic copying takes half a minute here, and the linear merge 50 ms.
    expect(performance.now() - startMs).toBeLessThan(5_000);
  });
});

describe("top k", () => {
  it("keeps each item as it was, ties by contributor and then position", () => {
    const items = fc.array(fc.record({ s: fc.integer({ min: 0, max: 3 }), at: fc.nat() }), { maxLength: 8 });
    const order = fc.constantFrom("ascending" as const, "descending" as const);
    fc.assert(
      fc.property(fc.dictionary(fc.string(), items), order, fc.integer({ min: 1, max: 6 }), (answers, order, k) => {
        const reduction = createReduction({ kind: "topk", by: "s", k, order });
        for (const [who, answer] of Object.entries(answers)) reduction.add(who, answer);
        const all = Object.keys(answers)
          .sort()
          .flatMap((who) => answers[who] ?? []);
        const scores = order === "ascending" ? [0, 1, 2, 3] : [3, 2, 1, 0];
        const twin = scores.flatMap((score) => all.filter(({ s }) => s === score)).slice(0, k);
        expect(reduction.finish()).toEqual(Object.keys(answers).length === 0 ? null : twin);
      }),
    );
  });
});
