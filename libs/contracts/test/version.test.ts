import { expect, it } from "vitest";
import { understands, versionSchema, WIRE_VERSION, wireRange, wireRangeSchema } from "../src/index.ts";

/** Which peers are spoken to: those whose range and ours have a version in common. */

it.each([
  [{ min: 1, max: 1 }, true],
  [{ min: 1, max: 9 }, true],
  [{ min: WIRE_VERSION, max: WIRE_VERSION }, true],
  [{ min: WIRE_VERSION + 1, max: WIRE_VERSION + 1 }, false],
  [wireRange, true],
])("%j: %s", (range, expected) => {
  expect(wireRangeSchema.safeParse(range).success).toBe(true);
  expect(understands(range)).toBe(expected);
});

it.each([0, WIRE_VERSION + 1, 1.5, "1", null])("frames of version %j are not read", (v) => {
  expect(versionSchema.safeParse(v).success).toBe(false);
});

it.each([{ min: 0, max: 1 }, { min: 1 }, { min: 1, max: 1.5 }, { min: 2, max: 1 }])("%j is no range", (range) => {
  expect(wireRangeSchema.safeParse(range).success).toBe(false);
});
