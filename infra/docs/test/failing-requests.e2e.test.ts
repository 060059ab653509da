/**
 * What docs/failure-modes.md says of requests is so: each row is brought about at a real router, and what the row says is
 * seen, is. The texts of the rows are the tests' own names, and what is observed must be in them.
 */
import { attributes } from "@nexus/contracts";
import { waitUntil } from "@nexus/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type FailingStack, seenOf, startFailingStack } from "./failing-stack.ts";

const ulid = (end: string) => `01ARZ3NDEKTSV4RRFFQ69G5${end}`;
const all = { agents: { group: "fleet" } };
const work = { goal: { operation: "work" }, ...all };
let stack: FailingStack;

beforeAll(async () => {
  stack = await startFailingStack();
  const router = await stack.addRouter();
  await stack.addRouter({ prefix: "small", activeMax: 1 });
  const large = "x".repeat(300_000);
  const handlers = {
    work: () => 1,
    silent: () => new Promise<null>(() => {}),
    fail: () => {
      throw new Error("broken on purpose");
    },
    large: () => large,
    list: () => [large],
  };
  // The first one is silent where the others answer.
  const some = (n: number) => (n === 1 ? handlers.silent : handlers.work);
  const agents = [1, 2, 3, 4, 5].map((n) => ({ id: `a${n}`, groups: ["fleet"], handlers: { ...handlers, some: some(n) } }));
  await stack.addAgents(agents);
  await stack.addAgents([{ id: "a1", groups: ["fleet"], handlers }], "small");
  await waitUntil(() => router.agentsKnown() === 5, { what: "all agents are known" });
});
afterAll(() => stack.stop());

/** A refusal of the code, and field, that the page names. */
async function refused(failure: string, type: string, body: object, prefix?: string) {
  const answer = await stack.coordinate(type, body, prefix);
  const { code, field } = answer.error ?? { code: "none" };
  expect(seenOf(failure)).toContain(`\`${code}\``);
  if (seenOf(failure).includes("the field `")) expect(seenOf(failure)).toContain(`the field \`${field}\``);
  expect(answer).toMatchObject({ status: "failed", executed: "none" });
  expect(answer.agents).toBeUndefined();
  return answer;
}

it("a request is malformed", async () => {
  const answer = await refused("a request is malformed", "gather", { goal: { operation: "work", untill: "all" }, ...all });
  expect(answer.error?.field).toBe("goal.untill");
  expect(stack.told.get("requestsRefused")).toContainEqual({ [attributes.errorType]: "unknown-field" });
});
it("its deadline is past", () => refused("its deadline is past", "gather", { ...work, deadline: 1 }));
it("it is for nobody who is there", () =>
  refused("it is for nobody who is there", "gather", { ...work, agents: { group: "none" } }));
it("nobody offers its operation", () =>
  refused("nobody offers its operation", "gather", { goal: { operation: "none" }, ...all }));
it("no layer that it allows keeps its promise", () => {
  const goal = { operations: [{ type: "broadcast", operation: "work" }] };
  return refused("no layer that it allows keeps its promise", "causal", { goal, ...all, maxLayer: "emergency" });
});
it("it asks for what is not built", async () => {
  const { error } = await refused("it asks for what is not built", "consensus", {
    goal: { operation: "work", commit: true },
    ...all,
  });
  expect(error?.field).toBe("goal.commit");
});
it("a vote needs more votes than agents are asked", () => {
  const goal = { operation: "work", vote: { rule: "quorum", quorum: 6 } };
  return refused("a vote needs more votes than agents are asked", "consensus", { goal, ...all });
});
it("its id has another body", async () => {
  const id = ulid("FAV");
  await stack.coordinate("gather", { ...work, id });
  await refused("its id has another body", "gather", { ...work, id, goal: { operation: "silent" } });
});

it("one of the agents that it names is not known", async () => {
  const { agents, status } = await stack.coordinate("gather", { ...work, agents: { ids: ["a1", "nobody"] } });
  expect([status, ...agents.missing.map(({ reason }) => reason)]).toEqual(["partial", "not-sent"]);
  expect(seenOf("one of the agents that it names is not known")).toContain("`not-sent`");
});

it("it asks for a balancer that is not built", async () => {
  const goal = { operation: "work", strategy: "p2c-peak-ewma" };
  expect((await stack.coordinate("balance", { goal, ...all })).decision?.balancer?.why).toMatch(/does not have/);
  expect(seenOf("it asks for a balancer that is not built")).toContain("`decision.balancer.why`");
});

it("its reply subject is no inbox", async () => {
  const seen = seenOf("its reply subject is no inbox");
  stack.client.publish("nexus.coordinate.gather", Buffer.from(JSON.stringify(work)), { reply: "elsewhere" });
  await stack.logged("request refused: its reply subject is no inbox");
  expect(seen).toContain("request refused: its reply subject is no inbox");
  expect(stack.told.get("requestsRefused")).toContainEqual({ [attributes.errorType]: "reply-subject" });
  expect(seen).toContain("`reply-subject`");
});

it("too many requests run at the router", async () => {
  const running = stack.coordinate("gather", { goal: { operation: "silent" }, agents: { all: true }, timeoutMs: 1_000 }, "small");
  await stack.client.flush();
  const answer = await refused("too many requests run at the router", "gather", { ...work, agents: { all: true } }, "small");
  expect(answer.error?.retryAfterMs).toBeGreaterThan(0);
  await running;
});

it("no router is there", async () => {
  await expect(stack.coordinate("gather", work, "nowhere")).rejects.toMatchObject({ code: "no-responders" });
  expect(seenOf("no router is there")).toContain("`no-responders`");
});

it("the time is up with a part reached", async () => {
  const body = { goal: { operation: "some" }, agents: { ids: ["a1", "a2", "a3"] }, timeoutMs: 300 };
  const { status, error } = await stack.coordinate("gather", body);
  expect(seenOf("the time is up with a part reached")).toContain(`\`status: "${status}"\`, \`error.code\` \`${error?.code}\``);
});

it("the time is up with nothing reached", async () => {
  const { status, error } = await stack.coordinate("gather", { goal: { operation: "silent" }, ...all, timeoutMs: 300 });
  expect(seenOf("the time is up with nothing reached")).toContain(`\`status: "${status}"\`, \`${error?.code}\``);
});

it("a vote is undecided", async () => {
  const goal = { operation: "silent", vote: { rule: "majority" } };
  const { error, outcome } = await stack.coordinate("consensus", { goal, ...all, timeoutMs: 300 });
  expect(seenOf("a vote is undecided")).toContain(`\`${error?.code}\`, \`outcome.decision: "${outcome?.decision}"\``);
});

it("an operation that a causal one depends on fails", async () => {
  const operations = ["fail", "work"].map((operation) => ({ type: "broadcast", operation }));
  const { outcome } = await stack.coordinate("causal", { goal: { operations }, ...all });
  expect(outcome?.operations?.map(({ status }) => status)).toEqual(["failed", "not-run"]);
  expect(seenOf("an operation that a causal one depends on fails")).toContain('"not-run"');
});

const reload = { operations: [{ type: "broadcast", operation: "work" }] };

it("its causal token is none, or claims what its router has not done", () =>
  refused("its causal token is none, or claims what its router has not done", "causal", {
    goal: { ...reload, after: "?" },
    ...all,
  }));

it("what a causal request is after never ran at an agent", async () => {
  const body = { goal: { ...reload, after: "c1||gone/fleet/1/a2|." }, ...all, timeoutMs: 10_000 };
  const { outcome } = await stack.coordinate("causal", body);
  const row = outcome?.rows.find(({ agent }) => agent === "a2");
  const seen = seenOf("what a causal request is after never ran at an agent");
  expect(seen).toContain(`\`${row?.status}\`, \`${row?.error?.code}\`, \`causalMissing\``);
  expect(row?.causalMissing).toHaveLength(1);
  expect(outcome?.rows.filter(({ status }) => status === "ok")).toHaveLength(4);
  expect(stack.told.get("causalGaps")).toHaveLength(1);
});

it("an agent that keeps no order has not answered what comes before", async () => {
  await stack.addMute("mute", "b1");
  const body = { goal: { ...reload, after: "c1||gone//7/mute|." }, agents: { ids: ["mute"] } };
  await waitUntil(async () => (await stack.coordinate("causal", body)).agents !== undefined, { what: "the agent is known" });
  const { agents } = await stack.coordinate("causal", body);
  const [missing] = agents?.missing ?? [];
  const seen = seenOf("an agent that keeps no order has not answered what comes before");
  expect(seen).toContain(`\`${missing?.reason}\``);
  expect(missing?.message).toContain("gone//7");
});

it("more than 256 operations before a causal token were not answered", async () => {
  const after = `c1||${Array.from({ length: 256 }, (_, at) => `gone/none/${(at + 1).toString(36)}`).join(";")}|.`;
  const goal = { operations: [{ type: "broadcast", operation: "silent" }], after };
  const { outcome } = await stack.coordinate("causal", { goal, ...all, timeoutMs: 300 });
  const seen = seenOf("more than 256 operations before a causal token were not answered");
  expect([outcome?.token, seen]).toEqual([undefined, expect.stringContaining("`outcome.token` absent")]);
  expect(stack.told.get("boundsReached")).toContainEqual({ [attributes.reason]: "causal-token" });
});

it("the result is too large for a message", async () => {
  const { outcome, status } = await stack.coordinate("gather", { goal: { operation: "large" }, ...all });
  expect(status).toBe("completed");
  expect(outcome?.rows.length).toBeLessThan(outcome?.rowsTotal ?? 0);
  expect(seenOf("the result is too large for a message")).toContain("`outcome.rowsTotal`");
});

it("the reduced value is too large for a message", async () => {
  const { error, executed, status } = await stack.coordinate("gather", {
    goal: { operation: "list", reduce: { kind: "merge" } },
    ...all,
  });
  expect([status, executed]).toEqual(["failed", "all"]);
  expect(seenOf("the reduced value is too large for a message")).toContain(`\`${error?.code}\``);
});
