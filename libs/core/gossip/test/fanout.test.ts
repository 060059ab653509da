/** How many peers, and that each is as likely as any other. */
import { createRandom } from "@nexus/testing";
import { describe, expect, test } from "vitest";
import { sample } from "../src/fanout.ts";
import { fanoutFor, roundsHot } from "../src/index.ts";

test.each([
  [1, "log2", 0],
  [2, "log2", 1],
  [3, "log2", 2],
  [8, "log2", 3],
  [9, "log2", 4],
  [512, "log2", 9],
  [3, 5, 2],
  [100, 1, 1],
] as const)("%i nodes with %s turn to %i", (nodes, fanout, peers) => expect(fanoutFor(nodes, fanout)).toBe(peers));

test("the rounds of news grow with the logarithm of the nodes, and shrink with the fan-out", () => {
  expect([roundsHot(100, 1, 2), roundsHot(100, 7, 2), roundsHot(10_000, 14, 2), roundsHot(1, 1, 2)]).toEqual([14, 5, 7, 2]);
});

describe("a sample", () => {
  test("has so many different ones, and leaves the list", () => {
    const list = ["a", "b", "c", "d", "e"];
    const random = createRandom(1);
    for (let count = 0; count <= 7; count++) {
      const chosen = sample(list, count, random);
      expect([chosen.length, new Set(chosen).size]).toEqual([Math.min(5, count), Math.min(5, count)]);
    }
    expect(list).toEqual(["a", "b", "c", "d", "e"]);
  });

  test("takes each as often as any other, in each place", () => {
    const random = createRandom(7);
    const counts = new Map<string, number>();
    for (let index = 0; index < 20_000; index++) {
      for (const [place, item] of sample([0, 1, 2, 3, 4], 2, random).entries()) {
        counts.set(`${place}:${item}`, (counts.get(`${place}:${item}`) ?? 0) + 1);
      }
    }
    expect(counts.size).toBe(10);
    for (const count of counts.values()) expect(Math.abs(count - 4_000)).toBeLessThan(300); // five standard deviations
  });
});
