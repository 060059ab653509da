import { createRandom } from "@nexus/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ProbeOrder } from "../src/probe-order.ts";

/** Proves who is probed and when (SWIM §4.3), while members come and go. */

const many = (count: number) => Array.from({ length: count }, (_, index) => `m${index}`);

it("probes everybody once in each round, in another order", () => {
  const order = new ProbeOrder(createRandom(1));
  for (const id of many(10)) order.add(id);
  const rounds = [1, 2, 3].map(() => many(10).map(() => order.next()));
  for (const round of rounds) expect([...round].sort()).toEqual(many(10).sort());
  expect(rounds[1]).not.toEqual(rounds[0]);
});

it("goes on with the rest of the round when one who had its turn leaves", () => {
  const order = new ProbeOrder(createRandom(1));
  for (const id of many(10)) order.add(id);
  const probed = many(5).map(() => order.next() ?? "");
  order.remove(probed[1] ?? "");
  const rest = many(10).filter((id) => !probed.includes(id));
  expect(
    many(5)
      .map(() => order.next())
      .sort(),
  ).toEqual(rest.sort());
});

it("SWIM §4.3: a newcomer has a random place in the rest of the round", () => {
  const places = new Set<number>();
  for (let seed = 1; seed <= 100; seed++) {
    const order = new ProbeOrder(createRandom(seed));
    for (const id of many(6)) order.add(id);
    for (let turn = 0; turn < 3; turn++) order.next();
    order.add("new");
    places.add(
      many(4)
        .map(() => order.next())
        .indexOf("new"),
    );
  }
  expect([...places].sort()).toEqual([0, 1, 2, 3]);
});

it("SWIM §4.3: nobody who stays waits longer than 2·n − 1 periods, whoever comes and goes", () => {
  const step = fc.oneof(
    { weight: 8, arbitrary: fc.constant("next" as const) },
    fc.record({ add: fc.nat(9) }),
    fc.record({ remove: fc.nat(9) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), fc.nat(), (steps, seed) => {
      const order = new ProbeOrder(createRandom(seed));
      const twin = new Set<string>();
      let waited = 0;
      order.add("stays");
      for (const step of steps) {
        if (step === "next") {
          const id = order.next();
          expect(id === "stays" || twin.has(id ?? "")).toBe(true);
          waited = id === "stays" ? 0 : waited + 1;
        } else if ("add" in step) {
          order.add(`m${step.add}`);
          twin.add(`m${step.add}`);
        } else {
          order.remove(`m${step.remove}`);
          twin.delete(`m${step.remove}`);
        }
        expect(order.size).toBe(twin.size + 1);
        expect(waited).toBeLessThanOrEqual(2 * 11 - 1);
      }
    }),
    { numRuns: 300 },
  );
});

it("puts first who is asked for, once, if it is there", () => {
  const order = new ProbeOrder(createRandom(1));
  for (const id of many(10)) order.add(id);
  for (const id of ["m7", "gone", "m7", "m3"]) order.putFirst(id);
  expect([order.next(), order.next()]).toEqual(["m7", "m3"]);
  expect(many(8).map(() => order.next())).toHaveLength(8);
});

it("keeps eight of those", () => {
  const order = new ProbeOrder(createRandom(1));
  for (const id of many(20)) order.add(id);
  for (const id of many(20)) order.putFirst(id);
  const [first, rest] = [many(8).map(() => order.next()), many(20).map(() => order.next())];
  expect(first).toEqual(many(8));
  expect(new Set(rest).size).toBe(20);
});

describe("a sample", () => {
  it.each([
    [0, 3, 0],
    [1, 3, 0],
    [3, 3, 2],
    [4, 3, 3],
    [40, 3, 3],
    [40, 39, 39],
    [40, 50, 39],
  ])("of %d members, %d wanted without one of them, are %d different ones", (members, wanted, got) => {
    const order = new ProbeOrder(createRandom(1));
    for (const id of many(members)) order.add(id);
    const sample = order.sample(wanted, "m0");
    expect(new Set(sample).size).toBe(got);
    expect(sample).toHaveLength(got);
    expect(sample).not.toContain("m0");
  });

  it("is of each alike", () => {
    const order = new ProbeOrder(createRandom(1));
    for (const id of many(10)) order.add(id);
    for (const count of [2, 8]) {
      const seen = new Map<string, number>();
      for (let run = 0; run < 5_000; run++) for (const id of order.sample(count)) seen.set(id, (seen.get(id) ?? 0) + 1);
      for (const times of seen.values()) expect(Math.abs(times / (500 * count) - 1)).toBeLessThan(0.15);
    }
  });
});
