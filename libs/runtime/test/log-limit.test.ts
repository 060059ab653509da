import { expect, it } from "vitest";
import { createLogLimit } from "../src/index.ts";

/** Proves: lines that a peer can cause are bounded per window, and the next one tells how many there were not. */

it("lets so many lines through in a window, and says afterwards how many were omitted", () => {
  let nowMs = 5_000;
  const limit = createLogLimit({ monotonicMs: () => nowMs }, 3, 1_000);
  const written: number[] = [];
  const flood = (count: number) => {
    for (let index = 0; index < count; index++) limit((omitted) => written.push(omitted));
  };
  flood(10);
  expect(written).toEqual([0, 0, 0]);
  nowMs += 999;
  flood(1);
  expect(written).toHaveLength(3);
  nowMs += 1;
  flood(1);
  expect(written).toEqual([0, 0, 0, 8]);
  flood(1);
  expect(written.at(-1)).toBe(0);
});
