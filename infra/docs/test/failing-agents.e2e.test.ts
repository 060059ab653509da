/**
 * What docs/failure-modes.md says of agents and routers is so: each row is brought about at a real router, and what the row
 * says is seen, is.
 */
import { attributes, encode } from "@nexus/contracts";
import type { Router } from "@nexus/router";
import { waitUntil } from "@nexus/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type FailingStack, seenOf, startFailingStack } from "./failing-stack.ts";

let stack: FailingStack;
let router: Router;

beforeAll(async () => {
  stack = await startFailingStack();
  router = await stack.addRouter();
  await stack.addRouter({ prefix: "small", agentsMax: 1 });
});
afterAll(() => stack.stop());

const known = (count: number) => waitUntil(() => router.agentsKnown() === count, { what: `${count} agents are known` });
const reasonOf = async (type: string, body: object) => (await stack.coordinate(type, body)).agents.missing[0]?.reason;

describe("an agent", () => {
  it("that is silent", async () => {
    await stack.addMute("mute", "b1");
    await known(1);
    const { agents, decision } = await stack.coordinate("gather", {
      goal: { operation: "work" },
      agents: { ids: ["mute"] },
      timeoutMs: 1_000,
    });
    expect(decision?.attempts[0]?.messages).toBe(3); // asked, and again twice
    expect(seenOf("an agent is silent")).toContain(`\`agents.missing\`: \`${agents.missing[0]?.reason}\``);
    expect(stack.told.get("operationsSent")?.length).toBeGreaterThanOrEqual(3);
  });

  it("that restarts", async () => {
    const operations = await stack.addMute("restarting", "b1");
    await known(2);
    const asked = reasonOf("gather", { goal: { operation: "work" }, agents: { ids: ["restarting"] }, timeoutMs: 10_000 });
    await waitUntil(() => operations.length > 0, { what: "it is asked" });
    await stack.addMute("restarting", "b2");
    expect(seenOf("an agent restarts")).toContain(`\`agents.missing\`: \`${await asked}\``);
  });

  it("that dies", async () => {
    // Nobody has heard of these two since their hello; the interval is one second.
    const reason = await reasonOf("gather", { goal: { operation: "work" }, agents: { ids: ["mute"] }, timeoutMs: 14_000 });
    expect(seenOf("an agent dies")).toContain(`\`agents.missing\`: \`${reason}\``);
    await stack.logged("agent is taken for dead");
    expect(seenOf("an agent dies")).toContain("agent is taken for dead");
    await known(0);
  });

  it("that disappears with a piece of work", async () => {
    const operations = await stack.addMute("lost", "b1");
    await known(1);
    const goal = { operation: "work", pieces: [1] };
    const ended = stack.coordinate("balance", { goal, agents: { ids: ["lost"] }, timeoutMs: 10_000 });
    await waitUntil(() => operations.length > 0, { what: "it is given the piece" });
    await stack.addMute("lost", "b2");
    expect((await ended).outcome?.rows[0]?.status).toBe("unknown");
    expect(seenOf("an agent disappears with a piece of work")).toContain('"unknown"');

    await stack.addAgents([{ id: "helper", handlers: { work: () => "done" } }]);
    await known(2);
    // Round robin begins anywhere, so as many pieces as agents: one of them is with the one that is lost.
    const again = { goal: { ...goal, pieces: [1, 2] }, agents: { ids: ["lost", "helper"] }, timeoutMs: 10_000, idempotent: true };
    const given = operations.length;
    const saved = stack.coordinate("balance", again);
    await waitUntil(() => operations.length > given, { what: "it is given a piece" });
    await stack.addMute("lost", "b3");
    expect(await saved).toMatchObject({ status: "completed", outcome: { rows: [{ agent: "helper" }, { agent: "helper" }] } });
  });

  it("that leaves", async () => {
    const connection = await stack.addAgents([]);
    const agent = await connection.addAgent({ id: "leaving", handlers: { work: () => 1 } });
    await waitUntil(() => router.agentsKnown() >= 1, { what: "it is known" });
    await agent.leave();
    const body = { goal: { operation: "work" }, agents: { ids: ["leaving", "helper"] }, timeoutMs: 2_000 };
    expect(seenOf("an agent leaves")).toContain(`\`agents.missing\`: \`${await reasonOf("gather", body)}\``);
  });

  it("whose handler fails, or answers with too much", async () => {
    const handlers = {
      fail: () => {
        throw new Error("broken on purpose");
      },
      large: () => "x".repeat(2_000_000),
    };
    await stack.addAgents([{ id: "failing", handlers }]);
    const ask = (operation: string) =>
      stack.coordinate("gather", { goal: { operation }, agents: { ids: ["failing"] }, timeoutMs: 2_000 });
    await waitUntil(async () => (await ask("fail")).status === "failed", { what: "it is known" });
    const failed = await ask("fail");
    expect(failed.agents.missing).toEqual([{ agent: "failing", reason: "error", message: "broken on purpose" }]);
    expect(failed.decision?.attempts[0]?.messages).toBe(1); // and is not asked again
    await stack.logged("a handler failed");
    expect(stack.told.get("operationDuration")).toContainEqual({ [attributes.operation]: "fail", [attributes.status]: "error" });
    expect(seenOf("a handler fails")).toMatch(
      /`agents\.missing`: `error`.*"a handler failed".*`nexus\.operation\.duration` with `nexus\.status` `error`/,
    );
    const tooLarge = await ask("large");
    expect(tooLarge.outcome?.rows[0]?.error?.code).toBe("too-large");
    expect(seenOf("an agent's answer is too large")).toMatch(/`agents\.missing`: `error`; `too-large` in its row/);
  });

  it("that has no room", async () => {
    const releases: (() => void)[] = [];
    const hold = () => new Promise<null>((resolve) => releases.push(() => resolve(null)));
    await stack.addAgents([{ id: "busy", groups: ["busy"], capacity: 1, queueMax: 0, handlers: { hold, work: () => 1 } }]);
    await waitUntil(
      async () => (await stack.coordinate("gather", { goal: { operation: "work" }, agents: { group: "busy" } })).agents,
      { what: "it is known" },
    );
    const holding = stack.coordinate("gather", { goal: { operation: "hold" }, agents: { group: "busy" } });
    await waitUntil(() => releases.length === 1, { what: "it is busy" });
    const refused = await reasonOf("gather", { goal: { operation: "work" }, agents: { group: "busy" } });
    expect(seenOf("an agent refuses work that it has no room for")).toContain(`\`agents.missing\`: \`${refused}\``);
    expect(stack.told.get("boundsReached")).toContainEqual({ [attributes.reason]: "agent-queue" });
    for (const release of releases) release();
    expect((await holding).status).toBe("completed");
  });

  it("that sends what is not understood", async () => {
    stack.client.publish("nexus.agents.odd.out.hello", encode({ v: 1, boot: "*" }));
    await stack.logged("frame dropped");
    expect(stack.told.get("framesDropped")).toContainEqual({ [attributes.reason]: "invalid-field" });
    expect(seenOf("an agent sends what is not understood")).toMatch(/"frame dropped"; metric `nexus\.frames\.dropped`/);
  });

  it("for which the routing table has no room", async () => {
    await stack.addAgents(
      [
        { id: "one", handlers: {} },
        { id: "two", handlers: {} },
      ],
      "small",
    );
    const full = () => stack.told.get("boundsReached")?.some((values) => values[attributes.reason] === "routing-table");
    await waitUntil(() => full() === true, { what: "the table is full" });
    expect(stack.told.get("framesDropped")).toContainEqual({ [attributes.reason]: "overloaded" });
    expect(seenOf("the routing table is full")).toMatch(/"frame dropped" with `overloaded`.*`routing-table`/);
  });
});

describe("a router", () => {
  it("that starts anew learns of every agent within about a second", async () => {
    const beganMs = performance.now();
    const late = await stack.addRouter();
    expect(late.agentsKnown()).toBe(0);
    await waitUntil(() => late.agentsKnown() >= 3, { what: "hellos" });
    expect(performance.now() - beganMs).toBeLessThan(2_500);
    expect(seenOf("a router starts anew")).toContain("`no-targets`");
  });

  it("that stops refuses what comes, and tells when to repeat", async () => {
    const stopping = await stack.addRouter({ prefix: "stopping" });
    await stack.addAgents(
      [{ id: "slow", handlers: { slow: () => new Promise((resolve) => setTimeout(resolve, 400, 1)) } }],
      "stopping",
    );
    await waitUntil(() => stopping.agentsKnown() === 1, { what: "the agent is known" });
    const body = { goal: { operation: "slow" }, agents: { all: true } };
    const running = stack.coordinate("gather", body, "stopping");
    await stack.client.flush();
    await waitUntil(() => stopping.heldTotal() === 1, { what: "it runs" });
    const stopped = stopping.stop(3_000);
    const { error } = await stack.coordinate("gather", body, "stopping");
    expect(seenOf("a router stops (SIGTERM)")).toContain(`\`${error?.code}\`, with \`retryAfterMs\``);
    expect(error?.retryAfterMs).toBeGreaterThan(0);
    expect((await running).status).toBe("completed");
    await stopped;
  });

  it("whose mechanism fails goes on with the next lower one, and says so", async () => {
    const cutOff = await stack.addRouter({ prefix: "cut-off" }, 1);
    await stack.addAgents([{ id: "helper", handlers: { work: () => 1 } }], "cut-off");
    await waitUntil(() => cutOff.agentsKnown() === 1, { what: "the agent is known" });
    const body = { goal: { operation: "work" }, agents: { all: true }, timeoutMs: 2_000 };
    const { decision, status } = await stack.coordinate("gather", body, "cut-off");
    expect([status, decision?.layer]).toEqual(["completed", "emergency"]);
    expect(decision?.attempts.map(({ layer, error }) => [layer, error !== undefined])).toEqual([
      ["foundation", true],
      ["emergency", false],
    ]);
    await stack.logged("attempt failed");
    expect(seenOf("a mechanism fails")).toMatch(/`decision\.layer`, `decision\.attempts\[\]\.error`; log "attempt failed"/);
  });
});
