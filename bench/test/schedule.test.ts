import { createRandom } from "@nexus/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { scheduleOf, WARM_UP_ROUND } from "../src/schedule.ts";

/** Proves: every round has everything once, side by side, in pairs of opposite order, the same for the same seed. */

const names = fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 4 });
const runs = fc.record({ rounds: fc.integer({ min: 1, max: 9 }), loads: names, candidates: names, seed: fc.nat() });

describe("the schedule", () => {
  it("warms up once, then has each candidate once per load and round, side by side", () => {
    fc.assert(
      fc.property(runs, ({ rounds, loads, candidates, seed }) => {
        const slots = scheduleOf(rounds, loads, candidates, createRandom(seed));
        const blocks = Array.from({ length: slots.length / candidates.length }, (_, index) =>
          slots.slice(index * candidates.length, (index + 1) * candidates.length),
        );
        const expected = [WARM_UP_ROUND, ...Array(rounds).keys()].flatMap((round) => loads.map((load) => ({ round, load })));
        expect(blocks.map(([first]) => ({ round: first?.round, load: first?.load }))).toEqual(expected);
        for (const block of blocks) expect(block.map(({ candidate }) => candidate).sort()).toEqual(candidates.toSorted());
      }),
    );
  });

  it("reverses every second round", () => {
    fc.assert(
      fc.property(runs, ({ rounds, loads, candidates, seed }) => {
        const slots = scheduleOf(rounds, loads, candidates, createRandom(seed));
        const orderOf = (round: number, load: string) =>
          slots.filter((slot) => slot.round === round && slot.load === load).map(({ candidate }) => candidate);
        for (let round = 1; round < rounds; round += 2) {
          for (const load of loads) expect(orderOf(round, load)).toEqual(orderOf(round - 1, load).toReversed());
        }
      }),
    );
  });

  it("repeats by its seed, and shuffles", () => {
    const of = (seed: number) => scheduleOf(6, ["load"], ["a", "b", "c"], createRandom(seed));
    expect(of(1)).toEqual(of(1));
    const firsts = new Set(Array.from({ length: 30 }, (_, seed) => of(seed)[3]?.candidate));
    expect(firsts).toEqual(new Set(["a", "b", "c"]));
  });
});
