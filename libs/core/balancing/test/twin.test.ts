import fc from "fast-check";
import { expect, it } from "vitest";
import { createRoundRobin } from "../src/index.ts";

/** Proves the picks by a twin that walks one step at a time, and that each item is looked at once at most. */

it("takes the next eligible item at or after where the last pick ended", () => {
  const eligibilities = fc.array(fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }), { maxLength: 30 });
  fc.assert(
    fc.property(eligibilities, fc.double({ min: 0, max: 0.999, noNaN: true }), (rounds, offset) => {
      const items = [0, 1, 2, 3, 4, 5];
      const picker = createRoundRobin<number>(offset);
      let at = Math.floor(offset * 6);
      for (const eligible of rounds) {
        let looks = 0;
        const picked = picker.pick(items, (item) => {
          looks++;
          return eligible[item] === true;
        });
        expect(looks).toBeLessThanOrEqual(6);
        if (!eligible.includes(true)) {
          expect(picked).toBeUndefined();
          continue;
        }
        while (!eligible[at]) at = at === 5 ? 0 : at + 1;
        expect(picked).toBe(at);
        at = at === 5 ? 0 : at + 1;
      }
    }),
  );
});

it("goes on where the list shrinks or grows", () => {
  const picker = createRoundRobin<string>(0.9);
  const pick = (...items: string[]) => picker.pick(items, () => true);
  expect([pick("a", "b", "c"), pick("a"), pick("a", "b"), pick("a", "b")]).toEqual(["c", "a", "a", "b"]);
});
