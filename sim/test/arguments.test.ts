/** Proves what `npm run sim` understands, that everything else is refused by its name, and what the help tells. */
import { describe, expect, test } from "vitest";
import { helpOf, parseArguments } from "../src/arguments.ts";
import { replayCommand, Tally } from "../src/report.ts";
import type { SimSuite } from "../src/suite.ts";

const suite: SimSuite = {
  name: "dice",
  summary: "throws dice",
  options: {
    nodes: { summary: "how many", min: 1, max: 10, default: 3 },
    loss: { summary: "share lost", min: 0, max: 0.5, default: 0, isFraction: true },
  },
  refuse: ({ nodes, loss }) => (nodes === 1 && loss === 0.5 ? "one die cannot be half lost" : undefined),
  run: (seed) => ({
    violations: seed === 2 ? ["it rolled away"] : [],
    faults: { lost: seed },
    measured: { eyes: seed },
    transcript: "",
  }),
  figures: (measured) => ({ meanEyes: measured.reduce((sum, { eyes = 0 }) => sum + eyes, 0) / measured.length }),
};
const suites = new Map([[suite.name, suite]]);
const parse = (...argv: string[]) => parseArguments(argv, suites);

describe("arguments", () => {
  test.each([
    [["dice"], { nodes: 3, loss: 0 }, 100],
    [["dice", "--nodes", "10", "--loss", "0.25", "--seeds", "7"], { nodes: 10, loss: 0.25 }, 7],
    [["dice", "--seed", "4294967295"], { nodes: 3, loss: 0 }, 1],
  ])("%j", (argv, values, runs) => {
    const command = parse(...argv);
    expect(command).toMatchObject({ kind: "run", run: { values } });
    expect(command.kind === "run" && command.run.seeds).toHaveLength(runs);
  });

  test.each([
    [["cards"], 'there is no simulation "cards"; there are: dice'],
    [["dice", "--nodes", "0"], '--nodes must be an integer in [1, 10]; it is "0"'],
    [["dice", "--nodes", "2.5"], '--nodes must be an integer in [1, 10]; it is "2.5"'],
    [["dice", "--nodes", "1e1"], '--nodes must be an integer in [1, 10]; it is "1e1"'],
    [["dice", "--loss", "0.6"], '--loss must be a number in [0, 0.5]; it is "0.6"'],
    [["dice", "--loss=-1"], '--loss must be a number in [0, 0.5]; it is "-1"'],
    [["dice", "--seed", "x"], '--seed must be an integer in [0, 4294967295]; it is "x"'],
    [["dice", "--nodes", "1", "--loss", "0.5"], "one die cannot be half lost"],
  ])("%j is refused", (argv, message) => expect(parse(...argv)).toEqual({ kind: "refused", message }));

  test.each([[["dice", "--eyes", "1"]], [["dice", "2"]]])("%j is refused", (argv) => {
    expect(parse(...argv).kind).toBe("refused");
  });

  test("help is of all, or of one", () => {
    expect(parse()).toEqual({ kind: "help", suite: undefined });
    expect(parse("dice", "--help")).toEqual({ kind: "help", suite });
    expect(helpOf(suites, undefined)).toMatch(/ {2}dice +throws dice\n/);
    for (const option of ["--nodes N", "--loss P", "--seeds N", "--seed N", "--transcript FILE", "--json"]) {
      expect(helpOf(suites, suite)).toContain(`  ${option}`);
    }
  });
});

test("runs add up, and a violation tells how it is seen again", () => {
  const values = { nodes: 4, loss: 0 };
  const tally = new Tally(suite, values);
  for (const seed of [1, 2, 3]) tally.add(seed, suite.run(seed, values, false));
  expect(tally.report()).toEqual({
    ...{ sim: "dice", runs: 3, violations: 1, faults: { lost: 6 }, figures: { meanEyes: 2 } },
    told: [{ seed: 2, what: "it rolled away", replay: "npm run sim -- dice --nodes 4 --seed 2" }],
  });
  const command = replayCommand(suite, values, 2).split(" ").slice(4);
  expect(parse(...command)).toMatchObject({ kind: "run", run: { values, seeds: [2] } });
});
