import fc from "fast-check";
import { expect, it } from "vitest";
import { Rumours } from "../src/rumours.ts";

/** Proves the order in which news is sent (SWIM §4.1) and its end, beside a twin that sorts all of it each time. */

it("sends the least sent first, the newest of these, and each so many times", () => {
  const rumours = new Rumours();
  for (const id of ["a", "b", "c"]) rumours.add(id);
  expect(rumours.take(2, 2)).toEqual(["c", "b"]);
  expect(rumours.take(2, 2)).toEqual(["a", "c"]);
  expect(rumours.take(9, 2)).toEqual(["b", "a"]);
  expect([rumours.take(9, 2), rumours.size]).toEqual([[], 0]);
});

it("begins anew with newer news", () => {
  const rumours = new Rumours();
  rumours.add("a");
  rumours.take(1, 3);
  rumours.add("a");
  expect(rumours.size).toBe(1);
  expect([1, 2, 3, 4].map(() => rumours.take(1, 3))).toEqual([["a"], ["a"], ["a"], []]);
});

it("does as the twin does", () => {
  const ids = fc.constantFrom(..."abcdefgh");
  const step = fc.oneof(
    ids.map((id) => ({ kind: "add" as const, id })),
    ids.map((id) => ({ kind: "drop" as const, id })),
    fc.nat(5).map((max) => ({ kind: "take" as const, max })),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), fc.integer({ min: 1, max: 5 }), (steps, sendsMax) => {
      const rumours = new Rumours();
      let twin: { id: string; order: number; sends: number }[] = [];
      for (const [order, step] of steps.entries()) {
        if (step.kind === "take") {
          const first = twin.sort((a, b) => a.sends - b.sends || b.order - a.order).slice(0, step.max);
          expect(rumours.take(step.max, sendsMax)).toEqual(first.map(({ id }) => id));
          for (const one of first) one.sends++;
          twin = twin.filter(({ sends }) => sends < sendsMax);
        } else {
          rumours[step.kind](step.id);
          twin = twin.filter(({ id }) => id !== step.id);
          if (step.kind === "add") twin.push({ id: step.id, order, sends: 0 });
        }
        expect(rumours.size).toBe(twin.length);
      }
    }),
    { numRuns: 500 },
  );
});
