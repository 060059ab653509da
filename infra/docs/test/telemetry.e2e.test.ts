/**
 * The telemetry page is so: a router, agents and a client that do everything once leave exactly the spans, metrics and
 * attributes that the tables name, of the kinds that they name.
 */
import { createIds, systemClock } from "@nexus/adapter-node";
import { createClient } from "@nexus/client";
import { type AttributeName, encode, type MetricName, metrics, type SpanName, spans } from "@nexus/contracts";
import { waitUntil } from "@nexus/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type FailingStack, startFailingStack } from "./failing-stack.ts";
import { named } from "./recorder.ts";

/** One more than the handler spans that a coordination may have. */
const AGENTS = 201;
let stack: FailingStack;

beforeAll(async () => {
  stack = await startFailingStack();
  const router = await stack.addRouter();
  const handlers = {
    work: () => 1,
    fail: () => {
      throw new Error("broken on purpose");
    },
  };
  await stack.addAgents(Array.from({ length: AGENTS }, (_, n) => ({ id: `a${n}`, handlers })));
  await stack.addAgents([
    { id: "full", capacity: 1, queueMax: 0, handlers: { hold: () => new Promise((resolve) => setTimeout(resolve, 300, 1)) } },
  ]);
  await waitUntil(() => router.agentsKnown() === AGENTS + 1, { what: "all agents are known" });
  const deps = { bus: stack.client, clock: systemClock, ids: createIds(), telemetry: stack.telemetry };
  const client = createClient({ retries: 0 }, deps);
  await client.coordinate({ goal: { type: "gather", operation: "work", class: "work.all" }, agents: { all: true } });
  await client.coordinate({ goal: { type: "gather", operation: "fail" }, agents: { ids: ["a1"] } });
  await client.coordinate({ goal: { type: "balance", operation: "work" }, agents: { ids: ["a1"] } });
  const nobody = client.coordinate({ goal: { type: "gather", operation: "work" }, agents: { group: "none" } });
  await expect(nobody).rejects.toMatchObject({ code: "no-targets" });
  // As large as a request may be: in the frame for an agent it is larger than a message, so the attempts fail.
  const payload = "x".repeat(1_048_576 - 130);
  await stack.coordinate("gather", { goal: { operation: "work", payload }, agents: { ids: ["a1"] } });
  await stack.client.request("nexus.router.agents", encode({ limit: "all" }), { timeoutMs: 2_000 });
  const frame = { v: 1, kind: "operation", router: "r1", type: "gather", remainingMs: 5_000 };
  const send = (id: string, operation: string, index: number) =>
    stack.client.publish(
      `nexus.agents.${id}.in`,
      encode({ ...frame, operation, operationId: `01ARZ3NDEKTSV4RRFFQ69G5FAV/${index}` }),
    );
  send("a1", "work", 0);
  send("a1", "work", 0);
  send("full", "hold", 1);
  send("full", "hold", 2);
  // Behind an operation of a router that is not there: the agent asks for it, and gives it up.
  const goal = { operations: [{ type: "broadcast", operation: "work" }], after: "c1||gone//1/a1|." };
  await stack.coordinate("causal", { goal, agents: { ids: ["a1"] }, timeoutMs: 10_000 });
  stack.client.publish("nexus.agents.a1.in", encode({ v: 9, kind: "operation" }));
  const seen: MetricName[] = ["operationsRepeated", "boundsReached", "framesDropped", "causalQuestions", "causalGaps"];
  await waitUntil(() => seen.every((metric) => stack.told.has(metric)), { what: "the rarer metrics" });
});
afterAll(() => stack.stop());

it.each(Object.keys(spans) as SpanName[])("span %s has the kind and the attributes that the page names", (name) => {
  const seen = stack.spans.get(name);
  expect([...(seen?.kinds ?? [])]).toEqual([spans[name].kind]);
  expect(new Set(seen?.attributes)).toEqual(named(spans[name].attributes));
});

it.each(Object.keys(metrics) as MetricName[])("metric %s has the attributes that the page names", (name) => {
  const told = stack.told.get(name);
  expect(told).toBeDefined();
  const declared: readonly AttributeName[] = metrics[name].attributes;
  expect(new Set(told?.flatMap((values) => Object.keys(values)))).toEqual(named(declared));
});
