import { createRandom } from "@nexus/testing";
import { describe, expect, it } from "vitest";
import { pageOf } from "../src/report/page.ts";
import { reportOf } from "../src/report/report.ts";
import { tableOf } from "../src/report/table.ts";
import { facts, result, suite } from "./samples.ts";

/** Proves: when a run is void, how aims are judged, and that the table and the page say it. */

const [closed, open] = suite.loads.map(({ name }) => name) as [string, string];

const good = [0, 1].flatMap((round) => [
  result(round, closed, "floor", 1_000),
  result(round, closed, "ours", round === 0 ? 1_400 : 1_520),
  result(round, open, "floor", 300),
  result(round, open, "ours", 330),
]);

const of = (results = good) => reportOf(facts, results, createRandom(1));

describe("a report", () => {
  it("compares within rounds and judges by the median", () => {
    const { aims, groups, valid } = of();
    expect(valid).toBe(true);
    const [p50, rate] = aims;
    expect(p50).toMatchObject({ holds: true, heldIn: 1, rounds: 2, ratio: { min: 1.4, max: 1.52 } });
    expect(p50?.ratio?.median).toBeCloseTo(1.46, 9);
    expect(rate).toMatchObject({ holds: true, heldIn: 2 });
    expect(groups.find((group) => group.candidate === "floor")?.ratios).toBeUndefined();
    expect(groups.find((group) => group.load === closed && group.candidate === "ours")).toMatchObject({
      requests: 200,
      cpuUsByRole: { ours: 200, "load-generator": 100 },
    });
  });

  it("says that an aim does not hold", () => {
    const slow = good.map((one) => (one.candidate === "ours" ? result(one.round, one.load, "ours", 1_700) : one));
    expect(of(slow).aims.map(({ holds }) => holds)).toEqual([false, false]);
    expect(tableOf(of(slow))).toContain(
      "does not hold  ours's p50 ≤ 1.5 × floor's, 8 in flight: 1.70 (1.70–1.70); in 0 of 2 rounds",
    );
  });

  it.each([
    ["errors", { errors: 3, errorSamples: ["timeout"] }, "round 2, 100/s, ours: 3 errors, such as timeout"],
    ["a load that was not reached", { notReached: "90 of 100 were answered" }, "the load was not reached: 90 of 100"],
  ])("is void by %s", (_name, fault, told) => {
    const report = of([...good.slice(0, -1), result(1, open, "ours", 330, fault)]);
    expect(report.valid).toBe(false);
    expect(report.voidReasons).toEqual([expect.stringContaining(told)]);
    expect(tableOf(report)).toContain("The run is void:");
  });

  it("is void without results", () => {
    expect(of([])).toMatchObject({ valid: false, voidReasons: ["nothing was measured"] });
  });

  it("says that a closed loop is one, and what disturbed it", () => {
    const table = tableOf(of());
    expect(table).toContain("closed loop, 8 in flight");
    expect(table).toContain("open loop, 100 requests/s: latency counts from when a request was due");
    expect(table).toContain("other processes kept 0.50 cores busy");
    expect(table).toContain("The run is valid");
  });
});

describe("the page", () => {
  it("needs nothing from elsewhere, and escapes what it shows", async () => {
    const page = await pageOf(of());
    expect(page).toContain("nothing &lt;at all&gt;");
    expect(page).toContain("uPlot");
    expect(page).not.toMatch(/<(?:script|link|img)[^>]+(?:src|href)=/);
    expect(page.match(/<div class="chart"/g)).toHaveLength(2);
  });
});
