/** Which activities an interest means, the class of every goal type, and what an interest may not ask for. */
import { describe, expect, test } from "vitest";
import { type Activity, goalClassOf, goalSchema, limits, wants, watchInterestSchema } from "../src/index.ts";

const activity: Activity = { status: "failed", type: "gather", class: "gather.search", atEpochMs: 1 };

describe("an interest", () => {
  test.each([
    [{}, true],
    [{ types: ["gather", "balance"] }, true],
    [{ types: ["balance"] }, false],
    [{ statuses: ["failed"] }, true],
    [{ statuses: ["completed"] }, false],
    [{ classes: ["gather.search"] }, true],
    [{ classes: ["other"] }, false],
    [{ types: ["gather"], statuses: ["running"] }, false],
  ] as const)("%j wants it: %s", (filter, wanted) => {
    const interest = watchInterestSchema.parse({ v: 1, watcher: "w", leaseMs: 1_000, ...filter });
    expect(wants(interest, activity)).toBe(wanted);
  });

  test("of a class does not want what has none", () => {
    const { class: _, ...classless } = activity;
    expect(wants({ classes: ["gather.search"] }, classless)).toBe(false);
  });

  test.each([
    [{ leaseMs: limits.watchLeaseMsMax + 1 }],
    [{ leaseMs: -1 }],
    [{ watcher: "a.>" }],
    [{ types: [] }],
    [{ classes: Array.from({ length: limits.watchClassesMax + 1 }, String) }],
  ])("%j is refused", (wrong) => {
    expect(watchInterestSchema.safeParse({ v: 1, watcher: "w", leaseMs: 1_000, ...wrong }).success).toBe(false);
  });
});

test.each([
  [{ type: "gather", operation: "search" }, "gather.search"],
  [{ type: "gather", operation: "search", class: "nightly" }, "nightly"],
  [{ type: "causal", operations: [{ type: "broadcast", operation: "stop" }] }, "causal.stop"],
])("the class of %j is %s", (goal, name) => {
  expect(goalClassOf(goalSchema.parse(goal))).toBe(name);
});
