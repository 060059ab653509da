import { createMemoryStore } from "@nexus/adapter-memory";
import { systemClock } from "@nexus/adapter-node";
import { decode, encode, type JsonValue, requestReportSchema } from "@nexus/contracts";
import type { Bus } from "@nexus/ports";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Router } from "../src/index.ts";
import { type Stack, startStack, until } from "./stack.ts";

/**
 * Proves, over a real nats-server: what cannot be carried out is refused before it is accepted and leaves no event; a router
 * that stops cancels what it cannot finish, and tells its client.
 */

let stack: Stack;
let client: Bus;
let router: Router;
let held = 0;
const events: string[] = [];

beforeAll(async () => {
  stack = await startStack();
  ({ router } = await stack.addRouter(createMemoryStore(systemClock, { entriesMax: 100, bytesMax: 1e6 })));
  await stack.addAgents([
    {
      id: "one",
      groups: ["fleet"],
      handlers: {
        echo: (payload) => payload ?? null,
        hold: (_payload, { signal }) => {
          held++;
          return new Promise((resolve) => signal.addEventListener("abort", () => resolve(null)));
        },
      },
    },
  ]);
  client = await stack.connect("client");
  client.subscribe("nexus.requests.*.events", (message) => void events.push(message.subject));
  await client.flush();
  await until("the agent is known", () => router.agentsKnown() === 1);
});
afterAll(() => stack.stop());

async function ask(subject: string, body: object): Promise<{ [key: string]: JsonValue }> {
  return decode((await client.request(subject, encode(body), { timeoutMs: 10_000 })).data) as { [key: string]: JsonValue };
}

describe("a request in accept mode", () => {
  const echo = { operation: "echo" };
  const causal = { operations: [{ type: "broadcast", operation: "echo" }] };
  it.each([
    ["gather", { goal: echo, agents: { group: "nobody" } }, "no-targets", "agents"],
    ["gather", { goal: { operation: "no-such" }, agents: { all: true } }, "no-targets", "goal.operation"],
    ["consensus", { goal: { ...echo, commit: true }, agents: { all: true } }, "not-implemented", "goal.commit"],
    ["causal", { goal: causal, agents: { all: true }, maxLayer: "emergency" }, "promise-not-kept", "maxLayer"],
    ["causal", { goal: { ...causal, after: "token" }, agents: { all: true } }, "invalid-field", "goal.after"],
    ["balance", { goal: { ...echo, pieces: [{ k: 1 }], key: "k" }, agents: { all: true } }, "not-implemented", "goal.key"],
  ])("%s %j is refused, not accepted", async (type, body, code, field) => {
    const refusal = await ask(`nexus.coordinate.${type}`, { ...body, mode: "accept" });
    expect(refusal).toMatchObject({ status: "failed", executed: "none", error: { code, field } });
    await client.flush();
    expect(events).toEqual([]);
  });

  it("that can be carried out is accepted, and found by its id", async () => {
    const accepted = await ask("nexus.coordinate.gather", { goal: echo, agents: { all: true }, mode: "accept" });
    expect(accepted).toMatchObject({ status: "accepted" });
    const report = await ask(`nexus.requests.${accepted["id"]}.get`, { waitMs: 5_000 });
    expect(requestReportSchema.parse(report).result).toMatchObject({ status: "completed" });
    await until("its events came", () => events.length >= 3);
  });
});

it("a router that stops cancels what it cannot finish, tells its client, and holds nothing", async () => {
  const answer = ask("nexus.coordinate.gather", { goal: { operation: "hold" }, agents: { all: true }, timeoutMs: 60_000 });
  await until("it runs", () => held === 1);
  await router.stop(50);
  expect(await answer).toMatchObject({ status: "failed", error: { code: "cancelled" } });
  expect(router.heldTotal()).toBe(0);
});
