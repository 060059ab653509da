/** Proves, beside a sorted list, that items leave in the order of their time, then of their arrival. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { EventQueue } from "../../src/index.ts";

test("is a list that is sorted stably", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.nat({ max: 5 }), fc.constant("pop" as const))), (steps) => {
      const queue = new EventQueue<number>();
      const twin: { atMs: number; item: number }[] = [];
      for (const [item, step] of steps.entries()) {
        expect([queue.size, queue.nextAtMs]).toEqual([twin.length, twin[0]?.atMs]);
        if (step === "pop") expect(queue.pop()).toBe(twin.shift()?.item);
        else {
          queue.push(step, item);
          twin.push({ atMs: step, item });
          twin.sort((a, b) => a.atMs - b.atMs); // stable
        }
      }
    }),
  );
});
