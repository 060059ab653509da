import type { OperationFrame, Priority } from "@nexus/contracts";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Work } from "../src/operations.ts";
import { WorkQueue } from "../src/work-queue.ts";

/** The queue behaves as its dumb twin: an array that is sorted, stably, by priority. The seed is printed on failure. */

const rank: Record<Priority, number> = { critical: 0, high: 1, normal: 2, low: 3 };
const priorities: readonly (Priority | undefined)[] = ["critical", "high", "normal", "low", undefined];

function workOf(priority: Priority | undefined, index: number): Work {
  const frame = { operationId: String(index), ...(priority === undefined ? {} : { priority }) } as OperationFrame;
  return {
    frame,
    deadlineMs: 0,
    parent: undefined,
    missing: undefined,
    addresses: new Map(),
    state: "queued",
    held: undefined,
    before: undefined,
    after: undefined,
  };
}

const sorted = (works: readonly Work[]) =>
  works.toSorted((a, b) => rank[a.frame.priority ?? "normal"] - rank[b.frame.priority ?? "normal"]);

const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("push" as const), priority: fc.constantFrom(...priorities) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("shift" as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("remove" as const), at: fc.nat(20) }) },
);

test("takes the highest priority first, and the oldest within one", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const queue = new WorkQueue();
      let twin: Work[] = [];
      steps.forEach((next, index) => {
        if (next.kind === "push") {
          const work = workOf(next.priority, index);
          queue.push(work);
          twin.push(work);
        } else if (next.kind === "shift") {
          const [first] = sorted(twin);
          expect(queue.shift()).toBe(first);
          twin = twin.filter((work) => work !== first);
        } else {
          const work = twin[next.at];
          if (work === undefined) return;
          queue.remove(work);
          twin = twin.filter((other) => other !== work);
        }
        expect(queue.size).toBe(twin.length);
        expect([...queue]).toEqual(sorted(twin));
      });
    }),
  );
});
