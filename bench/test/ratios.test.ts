import { createRandom } from "@nexus/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { medianOf, ratiosOf, spreadOf } from "../src/ratios.ts";

/** Proves: medians, ratios and their spread, against what the words say, written down without cleverness. */

const values = fc.array(fc.double({ min: 0.001, max: 1_000, noNaN: true }), { minLength: 1, maxLength: 40 });

/** As many lie above as below: takes the least and the greatest away until one or two are left. */
function medianTwin(numbers: readonly number[]): number {
  const left = [...numbers];
  while (left.length > 2) {
    left.splice(left.indexOf(Math.min(...left)), 1);
    left.splice(left.indexOf(Math.max(...left)), 1);
  }
  return left.reduce((sum, value) => sum + value, 0) / left.length;
}

describe("the spread of several rounds", () => {
  it("has the twin's median", () => {
    fc.assert(
      fc.property(values, (numbers) => {
        expect(medianOf(numbers)).toBeCloseTo(medianTwin(numbers), 9);
      }),
    );
  });

  it("does not depend on the order, and holds its median", () => {
    fc.assert(
      fc.property(values, fc.integer(), (numbers, seed) => {
        const { median, min, max, interval } = spreadOf(numbers, createRandom(seed));
        expect(medianOf(numbers.toReversed())).toBe(median);
        expect([min, max]).toEqual([Math.min(...numbers), Math.max(...numbers)]);
        expect(min).toBeLessThanOrEqual(median);
        expect(max).toBeGreaterThanOrEqual(median);
        expect(interval === undefined).toBe(numbers.length < 5);
        if (interval === undefined) return;
        expect(interval[0]).toBeGreaterThanOrEqual(min);
        expect(interval[0]).toBeLessThanOrEqual(median);
        expect(interval[1]).toBeGreaterThanOrEqual(median);
        expect(interval[1]).toBeLessThanOrEqual(max);
      }),
      { numRuns: 30 },
    );
  });

  it("has an interval that holds the true median 19 times of 20", () => {
    const random = createRandom(7);
    const trials = 200;
    let held = 0;
    for (let trial = 0; trial < trials; trial++) {
      const { interval } = spreadOf(Array.from({ length: 15 }, random), random);
      if (interval !== undefined && interval[0] <= 0.5 && interval[1] >= 0.5) held++;
    }
    expect(held / trials).toBeGreaterThan(0.88);
    expect(held / trials).toBeLessThan(1);
  });

  it("is refused for nothing", () => {
    expect(() => medianOf([])).toThrow(RangeError);
  });
});

describe("ratios", () => {
  it("are of the same round, and of none where one is missing", () => {
    const rounds = fc.uniqueArray(fc.nat(20), { maxLength: 20 });
    fc.assert(
      fc.property(rounds, rounds, (own, other) => {
        const candidate = new Map(own.map((round) => [round, round + 1]));
        const base = new Map(other.map((round) => [round, round % 3]));
        const expected = own.filter((round) => other.includes(round) && round % 3 !== 0);
        expect(ratiosOf(candidate, base)).toEqual(expected.map((round) => ({ round, ratio: (round + 1) / (round % 3) })));
      }),
    );
  });
});
