import { describe, expect, test } from "vitest";
import { HappensBefore } from "../src/causal/graph.ts";
import { runCausal } from "../src/causal/world.ts";
import { jsonOf, Tally } from "../src/report.ts";
import type { Values } from "../src/suite.ts";
import { causalSuite as causal } from "../src/suites/causal.ts";

/**
 * Proves causal delivery among many by a graph that knows no clocks, at loss up to 30 %, duplicates up to 50 %, reordering,
 * partitions, pauses and restarts; that the graph finds each kind of violation; and that a seed repeats itself. A failure
 * prints the violations with the commands that replay them.
 */

const defaults = Object.fromEntries(Object.entries(causal.options).map(([name, option]) => [name, option.default])) as Values<
  keyof typeof causal.options
>;

function runAll(values: typeof defaults, seeds: number) {
  const tally = new Tally(causal, values);
  for (let seed = 1; seed <= seeds; seed++) tally.add(seed, causal.run(seed, values, false));
  return tally.report();
}

describe("causal delivery", () => {
  test.each([
    [{ ...defaults }, 60],
    [{ ...defaults, loss: 0.1, duplicates: 0.2, reordering: 0.6, nodes: 16, routers: 5 }, 20],
    [{ ...defaults, loss: 0, duplicates: 0, reordering: 0 }, 10],
  ])("holds at %j, over %d seeds", (values, seeds) => {
    const report = runAll(values, seeds);
    expect(report.told).toEqual([]);
    const { faults, figures } = report;
    // A run in which nothing happened proves nothing.
    for (const kind of ["blocked", "paused", "crashed", "restarted"]) expect(faults[kind], kind).toBeGreaterThan(seeds);
    for (const kind of ["lost", "duplicated", "reordered"]) expect((faults[kind] ?? 0) > 0, kind).toBe(values.reordering > 0);
    for (const name of ["delivered", "asks", "resent", "gaps", "overflows"]) expect(figures[name], name).toBeGreaterThan(0);
  });

  test("a seed repeats itself to the last byte", () => {
    const [one, again] = [runCausal(7, defaults, true), runCausal(7, defaults, true)];
    expect(one.transcript.length).toBeGreaterThan(10_000);
    expect(again).toEqual(one);
    expect(runCausal(8, defaults, true).transcript).not.toBe(one.transcript);
  });

  test("a violation is told with the command that shows it again", () => {
    const tally = new Tally(causal, { ...defaults, loss: 0.2 });
    tally.add(5, { violations: ["a1 was delivered 2 twice"], faults: {}, measured: {}, transcript: "" });
    const told = [{ seed: 5, what: "a1 was delivered 2 twice", replay: "npm run sim -- causal --loss 0.2 --seed 5" }];
    expect(JSON.parse(jsonOf(tally.report()))).toMatchObject({ sim: "causal", runs: 1, violations: 1, told });
  });
});

describe("the graph", () => {
  const range = (seq: number) => ({ session: "r", scope: "g", from: seq, to: seq });
  /** Operation 2 depends on 1, and 3 on 2; all are for the life `a`. */
  function graph(): HappensBefore {
    const made = new HappensBefore();
    for (const id of [1, 2, 3]) {
      const parents = new Set(id === 1 ? [] : [id - 1]);
      made.sent({ id, session: "r", scope: "g", seq: id, parents, lives: new Set(["a"]) });
    }
    return made;
  }
  const deliver = (id: number, ...missing: number[]) => ({ kind: "delivered" as const, id, missing: missing.map(range) });
  const ended = (id: number) => ({ kind: "ended" as const, id });
  const gap = (seq: number) => ({ kind: "gap" as const, range: range(seq) });

  test.each<[string, Parameters<HappensBefore["saw"]>[1][], string[]]>([
    ["all in order", [deliver(1), ended(1), deliver(2), ended(2), deliver(3)], []],
    ["before its cause", [deliver(2)], ["a was delivered 2 before its cause 1"]],
    ["before its cause has ended", [deliver(1), deliver(2)], ["a was delivered 2 before its cause 1"]],
    ["before a cause of its cause", [gap(2), deliver(3, 2)], ["a was delivered 3 before its cause 1"]],
    ["twice", [deliver(1), deliver(1)], ["a was delivered 1 twice"]],
    ["a gap that was told", [gap(1), deliver(2, 1), ended(2), deliver(3)], []],
    ["a gap that was not told with it", [gap(1), deliver(2)], ["a was not told with 2 that its cause 1 is missing"]],
    ["what was given up", [gap(1), deliver(1)], ["a was delivered 1 after it was given up"]],
    [
      "out of its scope's order",
      [gap(1), deliver(2, 1), deliver(1)],
      ["a was delivered 1 after it was given up", "a was delivered 1 behind a later one of r/g"],
    ],
    ["what nobody sent", [deliver(9)], ["a was delivered 9, which nobody sent"]],
  ])("%s", (_, seen, violations) => {
    const made = graph();
    for (const one of seen) made.saw("a", one);
    expect(made.violations(() => undefined)).toEqual(violations);
  });

  test("what is for others, and what is owed", () => {
    const made = graph();
    made.saw("b", deliver(1));
    made.saw("a", gap(1));
    expect(made.violations(() => undefined)).toEqual(["b was delivered 1, which was for others"]);
    expect(made.violations((id) => (id < 3 ? "told" : "delivered")).slice(1)).toEqual([
      "a was neither delivered nor told of 2",
      "a was not delivered 3",
    ]);
  });
});
