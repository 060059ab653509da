import { describe, expect, it } from "vitest";
import { Suspicions } from "../src/suspicions.ts";

/** Proves how long a suspicion lasts (Lifeguard §IV-B), and what moves it. */

const options = { suspicionMinMs: 1_000, suspicionMaxFactor: 3, confirmations: 3, knockMs: 300 };
const suspicionsOf = (changed: Partial<typeof options> = {}) => new Suspicions({ ...options, ...changed }, "self");

describe("Lifeguard §IV-B: the timeout", () => {
  it.each([
    [1, 3_000],
    [2, 2_000],
    [3, 3_000 - (2_000 * Math.log(3)) / Math.log(4)],
    [4, 1_000],
    [8, 1_000],
  ])("with %d accusers is %d ms", (accusers, endMs) => {
    const suspicions = suspicionsOf();
    const by = Array.from({ length: accusers }, (_, index) => `m${index}`);
    expect(suspicions.suspect("x", 1, by, 10, 0)).toBe(true);
    expect(suspicions.dueMs).toBeCloseTo(endMs, 6);
    expect(suspicions.accusersOf("x")).toHaveLength(Math.min(accusers, 4));
  });

  it.each([
    [2, 1, 1_000],
    [3, 1, 3_000],
    [3, 2, 1_000],
    [4, 2, 3_000 - (2_000 * Math.log(2)) / Math.log(3)],
    [50, 4, 1_000],
    [2_500, 4, 2_000],
  ])("among %d members, who can confirm at most n − 2 times, with %d accusers is %d ms", (members, accusers, endMs) => {
    const suspicions = suspicionsOf();
    suspicions.suspect("x", 1, ["a", "b", "c", "d"].slice(0, accusers), members, 0);
    expect(suspicions.dueMs).toBeCloseTo(endMs, 6);
  });

  it("is the shortest one where confirmations are not looked at", () => {
    const suspicions = suspicionsOf({ confirmations: 0 });
    suspicions.suspect("x", 1, ["a"], 10, 0);
    expect(suspicions.dueMs).toBe(1_000);
  });
});

describe("a suspicion", () => {
  it("is shortened by each new accuser, from its beginning, and by no repeat", () => {
    const suspicions = suspicionsOf();
    suspicions.suspect("x", 1, ["a"], 10, 0);
    expect(suspicions.suspect("x", 1, ["a"], 10, 500)).toBe(false);
    expect(suspicions.dueMs).toBe(3_000);
    expect(suspicions.suspect("x", 1, ["b", "a"], 10, 500)).toBe(true);
    expect(suspicions.dueMs).toBe(2_000);
    expect(suspicions.due(1_999)).toEqual({ ended: [], knocks: [] });
    expect(suspicions.due(2_000)).toEqual({ ended: ["x"], knocks: [] });
  });

  it("begins anew with a higher incarnation", () => {
    const suspicions = suspicionsOf();
    suspicions.suspect("x", 1, ["a", "b", "c", "d"], 10, 0);
    suspicions.suspect("x", 2, ["a"], 10, 900);
    expect([suspicions.dueMs, suspicions.ageOf("x", 1_000), suspicions.size]).toEqual([3_900, 100, 1]);
  });

  it("makes those knock once, before its end, whose own probe failed", () => {
    const suspicions = suspicionsOf();
    suspicions.suspect("x", 1, ["self"], 10, 0);
    suspicions.suspect("y", 1, ["a"], 10, 0);
    expect(suspicions.dueMs).toBe(2_700);
    expect(suspicions.due(2_700)).toEqual({ ended: [], knocks: ["x"] });
    expect(suspicions.due(2_800)).toEqual({ ended: [], knocks: [] });
    expect(suspicions.due(3_000)).toEqual({ ended: ["x", "y"], knocks: [] });
  });

  it("is postponed by what this node slept, and its age too; eight times", () => {
    const suspicions = suspicionsOf();
    suspicions.suspect("x", 1, ["a"], 10, 0);
    suspicions.postpone(5_000);
    expect([suspicions.dueMs, suspicions.ageOf("x", 6_000)]).toEqual([8_000, 1_000]);
    for (let times = 0; times < 20; times++) suspicions.postpone(100);
    expect(suspicions.dueMs).toBe(8_700);
  });

  it("is gone when it is cleared", () => {
    const suspicions = suspicionsOf();
    suspicions.suspect("x", 1, ["a"], 10, 0);
    suspicions.clear("x");
    expect([suspicions.dueMs, suspicions.size, suspicions.ageOf("x", 9)]).toEqual([Number.POSITIVE_INFINITY, 0, 0]);
  });
});
