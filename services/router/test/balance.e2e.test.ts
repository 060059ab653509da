import { createMemoryStore } from "@nexus/adapter-memory";
import { systemClock } from "@nexus/adapter-node";
import { type CoordinationResult, decode, encode, resultSchema } from "@nexus/contracts";
import type { Bus } from "@nexus/ports";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { Router } from "../src/index.ts";
import { type Stack, startStack, until } from "./stack.ts";

/**
 * Proves, over a real nats-server: work waits for agents that are busy instead of failing, room goes to who waits longest,
 * nobody but the agent that was given a piece can answer for it, and what may have run is not given to another agent.
 */

let stack: Stack;
let client: Bus;
let router: Router;

beforeEach(async () => {
  stack = await startStack();
  ({ router } = await stack.addRouter(createMemoryStore(systemClock, { entriesMax: 100, bytesMax: 1e6 })));
  client = await stack.connect("client");
});
afterEach(() => stack.stop());

const balance = async (goal: object, more: object = {}): Promise<CoordinationResult> => {
  const request = { goal, agents: { all: true }, timeoutMs: 5_000, ...more };
  return resultSchema.parse(
    decode((await client.request("nexus.coordinate.balance", encode(request), { timeoutMs: 9_000 })).data),
  );
};

const active = async (): Promise<unknown> => {
  const answer = await client.request("nexus.router.status", new Uint8Array(0), { timeoutMs: 2_000 });
  return (decode(answer.data) as { active: number }).active;
};

it("waits for room at a busy agent, first come, first served", async () => {
  const releases: (() => void)[] = [];
  const order: unknown[] = [];
  const work = (payload: unknown) => {
    order.push(payload);
    return new Promise<null>((resolve) => releases.push(() => resolve(null)));
  };
  await stack.addAgents([{ id: "one", capacity: 1, handlers: { work } }]);
  await until("the agent is known", () => router.agentsKnown() === 1);
  const first = balance({ operation: "work", payload: "first" });
  await until("the first runs", () => releases.length === 1);
  const second = balance({ operation: "work", pieces: ["second", "fourth"] });
  await until("the second waits", async () => (await active()) === 2);
  const third = balance({ operation: "work", payload: "third" });
  await until("the third waits", async () => (await active()) === 3);
  for (let running = 1; running <= 4; running++) {
    await until(`work ${running} runs`, () => releases.length === running);
    releases[running - 1]?.();
  }
  for (const result of await Promise.all([first, second, third])) expect(result).toMatchObject({ status: "completed" });
  expect(order).toEqual(["first", "second", "third", "fourth"]);
  expect(router.heldTotal()).toBe(0);
});

it("comes back to an agent that said it was full", async () => {
  // Capacity as announced to routers is not all that an agent has to say.
  let refusals = 0;
  const bus = await stack.connect("bare");
  await bareAgent(bus, "full", (operationId) => {
    if (refusals++ < 2) return refusal(operationId, "overloaded", "none");
    return { v: 1, kind: "reply", operationId, status: "ok", value: "done", inFlight: 0, queueDepth: 0 };
  });
  await until("the agent is known", () => router.agentsKnown() === 1);
  const result = await balance({ operation: "work" });
  expect(result).toMatchObject({ status: "completed", outcome: { rows: [{ agent: "full", value: "done" }] } });
  expect(refusals).toBe(3);
});

it("takes no answer from an agent that the piece was not given to", async () => {
  const bus = await stack.connect("bare");
  await bareAgent(bus, "honest", (operationId, routerId) => {
    const forged = { v: 1, kind: "reply", operationId, status: "ok", value: "forged", inFlight: 0, queueDepth: 0 };
    bus.publish(`nexus.agents.liar.out.reply.${routerId}`, encode(forged));
    return { ...forged, value: "true" };
  });
  await until("the agent is known", () => router.agentsKnown() === 1);
  const result = await balance({ operation: "work" });
  expect(result).toMatchObject({ outcome: { rows: [{ agent: "honest", value: "true" }] }, agents: { extra: 1 } });
});

it("gives work to no second agent when the first came back as another life", async () => {
  const bus = await stack.connect("bare");
  const asked: string[] = [];
  for (const id of ["p1", "p2"]) {
    await bareAgent(bus, id, (operationId) => {
      asked.push(id);
      // The first sending is run and never answered; the life that gets the repeat knows nothing of it.
      return asked.length === 1 ? undefined : refusal(operationId, "other-boot", "unknown");
    });
  }
  await until("the agents are known", () => router.agentsKnown() === 2);
  const result = await balance({ operation: "work" });
  expect(new Set(asked).size).toBe(1);
  expect(result).toMatchObject({ status: "failed", executed: "unknown", outcome: { rows: [{ status: "unknown" }] } });
});

it("says why nobody could be given the work", async () => {
  const agents = await stack.addAgents([{ id: "leaver", handlers: { work: () => null } }]);
  await until("the agent is known", () => router.agentsKnown() === 1);
  await agents.drain();
  await until("it has left", () => router.agentsKnown() === 0);
  const result = await balance({ operation: "work" }, { agents: { ids: ["leaver"] } });
  expect(result).toMatchObject({
    status: "failed",
    executed: "none",
    agents: { missing: [{ agent: "leaver", reason: "left" }] },
  });
});

function refusal(operationId: string, code: string, executed: string): object {
  const error = { code, message: "no", retryable: true, executed, retryAfterMs: 30 };
  return { v: 1, kind: "reply", operationId, status: "refused", error, inFlight: 0, queueDepth: 0 };
}

/** An agent by the protocol's letter, which says whatever the test wants. */
async function bareAgent(
  bus: Bus,
  id: string,
  answer: (operationId: string, router: string) => object | undefined,
): Promise<void> {
  bus.subscribe(`nexus.agents.${id}.in`, (message) => {
    const frame = decode(message.data) as { kind: string; operationId: string; router: string };
    if (frame.kind !== "operation") return;
    const said = answer(frame.operationId, frame.router);
    if (said !== undefined) bus.publish(`nexus.agents.${id}.out.reply.${frame.router}`, encode(said));
  });
  await bus.flush();
  const hello = { v: 1, wire: { min: 1, max: 1 }, connId: "bare", boot: "b1", incarnation: 0, groups: [], labels: {} };
  bus.publish(`nexus.agents.${id}.out.hello`, encode({ ...hello, capacity: 4, operations: ["work"] }));
}
