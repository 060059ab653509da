import { createMemoryStore } from "@nexus/adapter-memory";
import { systemClock } from "@nexus/adapter-node";
import { decode, encode, requestReportSchema, resultSchema } from "@nexus/contracts";
import type { Bus } from "@nexus/ports";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Stack, startStack, until } from "./stack.ts";

/**
 * Proves, over a real nats-server: a request that failed without having executed anything, for a reason that may pass, can
 * be read under its id, and is tried anew when the id is sent again (coordinator Q4); one that executed something is not.
 */

const body = (end: string) => ({
  id: `01ARZ3NDEKTSV4RRFFQ69G5${end}`,
  goal: { operation: "work" },
  agents: { ids: ["busy"] },
  timeoutMs: 1_000,
});

let stack: Stack;
let client: Bus;
let release = () => {};
let broken = false;
let ran = 0;

beforeAll(async () => {
  stack = await startStack();
  const { router } = await stack.addRouter(createMemoryStore(systemClock, { entriesMax: 100, bytesMax: 1e6 }));
  const handlers = {
    hold: () =>
      new Promise<null>((resolve) => {
        release = () => resolve(null);
      }),
    work: () => {
      if (broken) throw new Error("broken on purpose");
      return ++ran;
    },
  };
  await stack.addAgents([{ id: "busy", capacity: 1, queueMax: 0, handlers }]);
  client = await stack.connect("client");
  await until("the agent is known", () => router.agentsKnown() === 1);
});
afterAll(() => stack.stop());

const gather = async (request: object) =>
  resultSchema.parse(decode((await client.request("nexus.coordinate.gather", encode(request), { timeoutMs: 5_000 })).data));

it("tries a request anew that was refused by every agent", async () => {
  const holding = gather({ ...body("FAX"), id: undefined, goal: { operation: "hold" }, timeoutMs: 10_000 });
  await client.flush();
  const refused = await gather(body("FAV"));
  expect(refused).toMatchObject({ status: "failed", executed: "none", error: { code: "no-answer", retryable: true } });
  const kept = await client.request(`nexus.requests.${refused.id}.get`, new Uint8Array(0), { timeoutMs: 2_000 });
  expect(requestReportSchema.parse(decode(kept.data)).result).toMatchObject({ status: "failed" });
  release();
  await holding;
  expect(await gather(body("FAV"))).toMatchObject({ status: "completed", repeated: false });
  expect(await gather(body("FAV"))).toMatchObject({ status: "completed", repeated: true });
  expect(ran).toBe(1);
});

it("repeats the result of one that ran and failed", async () => {
  broken = true;
  expect(await gather(body("FAW"))).toMatchObject({ status: "failed", executed: "all", repeated: false });
  broken = false;
  expect(await gather(body("FAW"))).toMatchObject({ status: "failed", executed: "all", repeated: true });
});
