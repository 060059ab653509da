import fc from "fast-check";
import { expect, test } from "vitest";
import { createFleet, type Fleet, type Script } from "../scripted-fleet.ts";

/**
 * Proves K1 to K3 for random graphs of steps, delays, failures and coordinators: a step is published only after everything
 * that it depends on was acknowledged by all its agents, it is published whenever that is so, and at that very time.
 */

const AGENTS = ["a", "b", "c"];

interface Node {
  readonly after: readonly number[];
  readonly agents: readonly string[];
  readonly coordinator: string | undefined;
  /** Per agent: milliseconds until it answers, and whether it fails. */
  readonly delays: readonly number[];
  readonly failing: readonly boolean[];
}

const node = (index: number): fc.Arbitrary<Node> =>
  fc.record({
    after: index === 0 ? fc.constant([]) : fc.uniqueArray(fc.nat(index - 1), { maxLength: 3 }),
    agents: fc.uniqueArray(fc.constantFrom(...AGENTS), { minLength: 1 }),
    coordinator: fc.option(fc.constantFrom(...AGENTS), { nil: undefined, freq: 2 }),
    delays: fc.array(fc.nat(90), { minLength: 3, maxLength: 3 }),
    // Seldom, so that graphs are mostly walked to their end.
    failing: fc.array(
      fc.nat(11).map((die) => die === 0),
      { minLength: 3, maxLength: 3 },
    ),
  });
const graph = fc
  .integer({ min: 1, max: 8 })
  .chain((size) => fc.tuple(...Array.from({ length: size }, (_, index) => node(index))));

/** Agents in the order in which the step asks them, by phases. */
function phasesOf({ agents, coordinator }: Node): string[][] {
  if (coordinator === undefined) return [[...agents]];
  const others = agents.filter((agent) => agent !== coordinator);
  return others.length === 0 ? [[coordinator]] : [[coordinator], others];
}

/** When each step begins and ends, by a plain walk over the graph; undefined: it never begins, or never completes. */
function expectedTimes(nodes: readonly Node[]) {
  const ends: (number | undefined)[] = [];
  return nodes.map((step) => {
    const causes = step.after.map((cause) => ends[cause]);
    const beginsMs = causes.includes(undefined) ? undefined : Math.max(0, ...causes.map((ms) => ms ?? 0));
    let atMs = beginsMs;
    const asked: [agent: string, atMs: number][] = [];
    for (const phase of phasesOf(step)) {
      if (atMs === undefined) break;
      for (const agent of phase) asked.push([agent, atMs]);
      const failed = phase.some((agent) => step.failing[AGENTS.indexOf(agent)]);
      atMs = failed ? undefined : atMs + Math.max(...phase.map((agent) => step.delays[AGENTS.indexOf(agent)] ?? 0));
    }
    ends.push(atMs);
    return { asked, completed: atMs !== undefined };
  });
}

function fleetFor(nodes: readonly Node[]): Fleet {
  const script: Script = ({ agent, frame }) => {
    const step = nodes[Number(frame.operationId.split("/")[1])];
    const place = AGENTS.indexOf(agent);
    return { afterMs: step?.delays[place] ?? 0, status: step?.failing[place] ? "error" : "ok" };
  };
  return createFleet(Object.fromEntries(AGENTS.map((id) => [id, { script }])));
}

const stepOf = ({ after, agents, coordinator }: Node) => ({
  ...{ operation: "ask", after: [...after], agents: { ids: [...agents] } },
  ...(coordinator === undefined ? { type: "targeted" } : { type: "coordinated", coordinator }),
});

test("no step is published before its dependencies were acknowledged by all, and each is published then", async () => {
  await fc.assert(
    fc.asyncProperty(graph, async (nodes) => {
      const fleet = fleetFor(nodes);
      const { report } = await fleet.run("causal", { goal: { operations: nodes.map(stepOf) }, timeoutMs: 60_000 });
      const expected = expectedTimes(nodes);
      const heard = nodes.map((_, index) =>
        fleet.heard
          .filter(({ frame }) => frame.operationId.endsWith(`/${index}`))
          .map(({ agent, atMs }): [string, number] => [agent, atMs])
          .sort(),
      );
      expect(heard).toEqual(expected.map(({ asked }) => [...asked].sort()));
      expect(report?.outcome).toMatchObject({
        operations: expected.map(({ completed, asked }) => ({
          status: completed ? "completed" : asked.length === 0 ? "not-run" : expect.stringMatching(/partial|failed/),
        })),
      });
      await fleet.expectNothingLeft();
    }),
  );
});
