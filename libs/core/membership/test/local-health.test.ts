import { expect, it } from "vitest";
import { LocalHealth } from "../src/local-health.ts";

/** Proves the local health multiplier (Lifeguard §IV-A). */

const healthOf = (healthMax = 8) => new LocalHealth({ healthMax, pingTimeoutMs: 150 });

it("stays within its ends", () => {
  const health = healthOf(2);
  health.succeed();
  expect(health.multiplier).toBe(1);
  for (let times = 0; times < 5; times++) health.fail();
  expect([health.value, health.multiplier]).toEqual([2, 3]);
  health.succeed();
  expect(health.value).toBe(1);
  health.fail(9);
  expect(health.value).toBe(2);
});

it.each([
  [0, 0],
  [74, 0],
  [75, 1],
  [150, 2],
  [600, 8],
  [1e9, 8],
  [Number.POSITIVE_INFINITY, 8],
  [Number.NaN, 0],
  [-5, 0],
])("with the event loop %d ms late it is at least %d, for as long as that lasts", (delayMs, floor) => {
  const health = healthOf();
  health.load(delayMs);
  health.succeed();
  expect(health.value).toBe(floor);
  health.load(0);
  expect(health.value).toBe(0);
});

it("is not better than its score because the event loop is quick", () => {
  const health = healthOf();
  health.fail(3);
  health.load(0);
  expect(health.value).toBe(3);
});
