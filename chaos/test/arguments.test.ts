/** Proves what `npm run chaos` understands, that everything else is refused by its name, and what it prints. */

import { quantile } from "@nexus/testing";
import { describe, expect, test } from "vitest";
import { helpOf, parseArguments } from "../src/arguments.ts";
import { jsonOf, textOf } from "../src/report.ts";
import { figuresOf } from "../src/statistics.ts";
import type { ChaosSuite } from "../src/suite.ts";

const suite: ChaosSuite = {
  name: "bridge",
  summary: "saws at pillars",
  options: { pillars: { summary: "how many", min: 2, max: 10, default: 3 } },
  run: async () => ({ violations: [], faults: {}, figures: {} }),
};
const suites = new Map([[suite.name, suite]]);
const parse = (...argv: string[]) => parseArguments(argv, suites);

describe("arguments", () => {
  test.each([
    [["bridge"], { pillars: 3 }, false],
    [["bridge", "--pillars", "10", "--json"], { pillars: 10 }, true],
  ])("%j", (argv, values, json) => expect(parse(...argv)).toEqual({ kind: "run", suite, values, json }));

  test.each([
    [["tunnel"], 'there is no suite "tunnel"; there are: bridge'],
    [["bridge", "--pillars", "1"], '--pillars must be an integer in [2, 10]; it is "1"'],
    [["bridge", "--pillars", "2.5"], '--pillars must be an integer in [2, 10]; it is "2.5"'],
    [["bridge", "--pillars", "many"], '--pillars must be an integer in [2, 10]; it is "many"'],
  ])("%j is refused", (argv, message) => expect(parse(...argv)).toEqual({ kind: "refused", message }));

  test.each([[["bridge", "--arches", "1"]], [["bridge", "2"]]])("%j is refused", (argv) => {
    expect(parse(...argv).kind).toBe("refused");
  });

  test("help is of all, or of one", () => {
    expect(parse()).toEqual({ kind: "help", suite: undefined });
    expect(parse("bridge", "--help")).toEqual({ kind: "help", suite });
    expect(helpOf(suites, undefined)).toMatch(/ {2}bridge +saws at pillars\n/);
    expect(helpOf(suites, suite)).toMatch(/ {2}--pillars N +how many \(2–10; default 3\)\n/);
  });
});

describe("what is printed", () => {
  const outcome = { violations: ["it fell"], faults: { sawn: 2 }, figures: { stoodMsP50: 12 } };

  test("as one line of JSON", () => {
    const line = jsonOf("bridge", { pillars: 3 }, outcome);
    expect(line.split("\n")).toHaveLength(2);
    expect(JSON.parse(line)).toEqual({
      ...{ chaos: "bridge", pillars: 3, violations: 1, faults: { sawn: 2 }, stoodMsP50: 12, told: ["it fell"] },
    });
  });

  test("as text", () => {
    const text = textOf("bridge", { pillars: 3 }, outcome);
    expect(text).toMatch(/^bridge: 3 pillars, 1 violations\n {2}stoodMsP50 +12\n {2}times sawn +2\nviolated: it fell\n$/);
  });

  test("quantiles are of the nearest rank", () => {
    expect([0, 0.5, 0.99, 1].map((share) => quantile([4, 1, 3, 2], share))).toEqual([1, 2, 4, 4]);
    expect(figuresOf("stood", [1.4, 2.6])).toEqual({ stoodMsP50: 1, stoodMsP99: 3, stoodMsMax: 3 });
    expect(figuresOf("stood", [])).toEqual({});
  });
});
