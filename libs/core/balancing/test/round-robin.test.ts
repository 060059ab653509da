import fc from "fast-check";
import { expect, it } from "vitest";
import { createRoundRobin } from "../src/index.ts";

it("visits every item once a round, wherever it starts", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 50 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (count, offset) => {
      const items = Array.from({ length: count }, (_, index) => index);
      const picker = createRoundRobin<number>(offset);
      const round = items.map(() => picker.pick(items, () => true));
      expect([...round].sort((a, b) => (a ?? 0) - (b ?? 0))).toEqual(items);
    }),
  );
});

it("skips what is not eligible, and says when nothing is", () => {
  const picker = createRoundRobin<string>(0);
  expect(picker.pick(["a", "b", "c"], (item) => item === "c")).toBe("c");
  expect(picker.pick(["a", "b", "c"], () => false)).toBeUndefined();
  expect(picker.pick([], () => true)).toBeUndefined();
});
