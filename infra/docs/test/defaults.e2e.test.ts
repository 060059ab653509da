/**
 * The defaults that the reference names are those of the code: what is left out has the effect of the default, said.
 */
import { limits } from "@nexus/contracts";
import { waitUntil } from "@nexus/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import { allDefinitions, type JsonSchema } from "../src/schemas.ts";
import { type Answer, type FailingStack, startFailingStack } from "./failing-stack.ts";

const definitions = allDefinitions();
let stack: FailingStack;

beforeAll(async () => {
  stack = await startFailingStack();
  const router = await stack.addRouter();
  const ballots = ["for", "against", "abstain", "for"];
  await stack.addAgents(
    ballots.map((ballot, n) => ({ id: `a${n}`, handlers: { work: () => [n, n + 10], same: () => 1, vote: () => ballot } })),
  );
  await waitUntil(() => router.agentsKnown() === ballots.length, { what: "all agents are known" });
});
afterAll(() => stack.stop());

function defaultsOf(id: string): Record<string, unknown> {
  const fields = Object.entries(definitions[id]?.properties ?? {}) as [string, JsonSchema][];
  return Object.fromEntries(fields.flatMap(([name, field]) => (field.default === undefined ? [] : [[name, field.default]])));
}

/** What an answer says, but for what differs each time. */
function comparable(answer: Answer): object {
  const { outcome, agents, status } = answer;
  const rows = outcome?.rows.map(({ agent: _agent, serviceTimeMs: _took, ...row }) => row);
  return { status, agents, outcome: { ...outcome, rows }, layer: answer.decision?.layer, balancer: answer.decision?.balancer };
}

const vote = (ids: string[], more: object = {}) => ({
  goal: { operation: "vote", vote: { rule: "weighted", ...more } },
  agents: { ids },
});

it.each([
  ["broadcast", "broadcast-goal", { operation: "work" }, ["ack", "complexity"]],
  ["gather", "gather-goal", { operation: "work" }, ["complexity", "reduce", "until"]],
  ["balance", "balance-goal", { operation: "same", pieces: [1, 2, 3, 4] }, ["complexity", "hedge", "strategy"]],
] as const)("of a %s", async (type, id, goal, names) => {
  const defaults = defaultsOf(id);
  expect(Object.keys(defaults).sort()).toEqual([...names].sort());
  const agents = { all: true };
  const left = await stack.coordinate(type, { goal, agents });
  expect(comparable(left)).toEqual(comparable(await stack.coordinate(type, { goal: { ...goal, ...defaults }, agents })));
  // The answer itself tells some of them.
  const told = { ...left.outcome, ...(left.decision?.balancer ?? {}) } as Record<string, unknown>;
  if (type === "broadcast") expect(told["ack"]).toBe(defaults["ack"]);
  if (type === "gather")
    expect({ kind: told["reduce"], until: told["until"] }).toEqual({ ...Object(defaults["reduce"]), until: defaults["until"] });
  if (type === "balance") expect(told["asked"]).toBe(defaults["strategy"]);
});

it("of a vote: a tie, and abstentions", async () => {
  const defaults = defaultsOf("vote");
  expect(Object.keys(defaults).sort()).toEqual(["abstentions", "threshold", "ties"]);
  // One for, one against: a tie. With one abstention, for = half of the count: not more than half.
  for (const ids of [
    ["a0", "a1"],
    ["a0", "a2"],
    ["a0", "a3", "a1"],
  ]) {
    const decided = async (more: object) => (await stack.coordinate("consensus", vote(ids, more))).outcome?.decision;
    expect(await decided({})).toBe(await decided(defaults));
  }
  expect((await stack.coordinate("consensus", vote(["a0", "a1"]))).outcome?.decision).toBe("rejected");
  expect((await stack.coordinate("consensus", vote(["a0", "a1"], { ties: "accept" }))).outcome?.decision).toBe("accepted");
  expect((await stack.coordinate("consensus", vote(["a0", "a2"], { abstentions: "ignore" }))).outcome?.decision).toBe("accepted");
});

it("of a top-k: the largest", async () => {
  const top = async (more: object) => {
    const reduce = { kind: "topk", k: 2, ...more };
    return (await stack.coordinate("gather", { goal: { operation: "work", reduce }, agents: { all: true } })).outcome as {
      value?: unknown;
    };
  };
  const { order } = defaultsOf("reduce");
  expect((await top({})).value).toEqual([13, 12]);
  expect((await top({})).value).toEqual((await top({ order })).value);
  expect((await top({ order: "ascending" })).value).toEqual([0, 1]);
});

it("of a request: its time, its mode, its explanation", async () => {
  const { timeoutMs, explain, mode, dryRun, degrade, idempotent, priority, ...others } = defaultsOf("request");
  expect(others).toEqual({});
  const body = { goal: { operation: "work" }, agents: { all: true } };
  const accepted = (await stack.coordinate("gather", { ...body, mode: "accept" })) as unknown as { remainingMs: number };
  expect([accepted.remainingMs, timeoutMs]).toEqual([limits.timeoutMsDefault, limits.timeoutMsDefault]);
  const left = await stack.coordinate("gather", body);
  const said = await stack.coordinate("gather", { ...body, timeoutMs, explain, mode, dryRun, degrade, idempotent, priority });
  expect(comparable(left)).toEqual(comparable(said));
  expect([left.status, left.decision?.attempts.length]).toEqual(["completed", 1]);
});
