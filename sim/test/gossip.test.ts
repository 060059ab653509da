/**
 * The gossip core beside what is published of push gossip, and under faults. A failure prints the seed and the command that
 * replays it; `npm run sim` runs many more seeds.
 */

import { fanoutFor } from "@nexus/core-gossip";
import { describe, expect, test } from "vitest";
import { Tally } from "../src/report.ts";
import type { SimSuite, Values } from "../src/suite.ts";
import { gossipSuite } from "../src/suites/gossip.ts";
import { gossipFaultsSuite } from "../src/suites/gossip-faults.ts";

function runAll<Name extends string>(suite: SimSuite<Name>, values: Partial<Values<Name>>, seeds: number) {
  const defaults = Object.fromEntries(
    Object.entries<{ default: number }>(suite.options).map(([name, option]) => [name, option.default]),
  );
  const all = { ...defaults, ...values } as Values<Name>;
  const tally = new Tally(suite as SimSuite, all);
  for (let seed = 1; seed <= seeds; seed++) tally.add(seed, suite.run(seed, all, false));
  return tally.report();
}

describe("an update among push gossip's nodes", () => {
  test("with a fan-out of 1 takes as many rounds as is published: ⌊log2 n⌋ + ln n − 1.116 … ⌈log2 n⌉ + ln n + 2.765", () => {
    const { told, figures } = runAll(gossipSuite, { nodes: 100, fanout: 1 }, 100);
    expect(told).toEqual([]);
    expect(figures["meanRounds"]).toBeGreaterThan(9.5);
    expect(figures["meanRounds"]).toBeLessThan(14.4);
  });

  test.each([
    [8, 0],
    [64, 0],
    [8, 0.2],
    [64, 0.2],
  ])("%i nodes with ⌈log2 N⌉ peers and a loss of %d take ⌈ln N / ln(f + 1)⌉ + 3 rounds, and 3 more with loss", (nodes, loss) => {
    const { told, figures } = runAll(gossipSuite, { nodes, loss }, 100);
    const bound = Math.ceil(Math.log(nodes) / Math.log(fanoutFor(nodes, "log2") + 1)) + 3 + (loss > 0 ? 3 : 0);
    expect(told).toEqual([]);
    expect(figures["p99Rounds"]).toBeLessThanOrEqual(bound);
  });
});

test("under faults all nodes come to have the same, lose nothing, and nobody says so before", () => {
  const { told, faults, figures } = runAll(gossipFaultsSuite, {}, 20);
  expect(told).toEqual([]);
  expect(figures["saidConverged"]).toBeGreaterThan(0);
  expect(figures["saidNotConverged"]).toBeGreaterThan(0);
  for (const kind of ["lost", "duplicated", "reordered", "blocked", "paused", "crashed", "restarted"]) {
    expect([kind, faults[kind]]).not.toEqual([kind, 0]);
  }
});

test("one seed gives one transcript, byte by byte", () => {
  const values = { nodes: 6, loss: 0.2, duplicates: 0.2, writes: 20 };
  const [one, again, other] = [3, 3, 4].map((seed) => gossipFaultsSuite.run(seed, values, true).transcript);
  expect(one).toBe(again);
  expect(one).not.toBe(other);
  expect(one?.length).toBeGreaterThan(100_000);
});
