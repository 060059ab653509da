import { connectRedis } from "@nexus/adapter-redis";
import { type RedisServer, startRedisServer } from "@nexus/adapter-servers";
import { decode, encode, resultSchema } from "@nexus/contracts";
import type { Bus, StateStore } from "@nexus/ports";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { Router } from "../src/index.ts";
import { type Stack, startStack, until } from "./stack.ts";

/**
 * Proves, over a real nats-server and redis-server: a shared memory that was away, or came back empty, is not believed that
 * an id is new. What was executed without it is not executed again by the router that did not hear of it.
 */

const ID = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
const COMMAND_TIMEOUT_MS = 1_000;
let redis: RedisServer;
let stack: Stack;
let client: Bus;
let stores: StateStore[];
let ran: number;

beforeEach(async () => {
  stack = await startStack();
  redis = await startRedisServer();
  stores = [];
  ran = 0;
  const routers: Router[] = [];
  for (let index = 0; index < 2; index++) {
    const store = await connectRedis({ url: redis.url, commandTimeoutMs: COMMAND_TIMEOUT_MS, keyPrefix: "t:" });
    stores.push(store);
    routers.push((await stack.addRouter(store)).router);
  }
  // Executed once at the agent by the operation id; a second execution shows at another agent, which does not know that id.
  for (const id of ["a", "b"]) await stack.addAgents([{ id, handlers: { work: () => ++ran } }]);
  client = await stack.connect("client");
  await until("both know the agents", () => routers.every((router) => router.agentsKnown() === 2));
  await until("they know each other", async () => (await send("01ARZ3NDEKTSV4RRFFQ69G5FAW")).idempotency === "claimed");
  ran = 0;
});
afterEach(async () => {
  await stack.stop();
  await redis.stop();
});

async function send(id = ID) {
  const body = { id, goal: { operation: "work" }, agents: { all: true }, timeoutMs: 5_000 };
  return resultSchema.parse(decode((await client.request("nexus.coordinate.balance", encode(body), { timeoutMs: 9_000 })).data));
}

/** As many as it takes until both routers were asked: the queue group chooses. */
async function sendToBoth() {
  const results = [];
  for (let index = 0; index < 12; index++) results.push(await send());
  return results;
}

it("executes nothing again that was executed while the store was away", async () => {
  const { port } = redis;
  redis.kill("SIGKILL");
  await until("the loss is noticed", () => stores.every((store) => !store.available));
  expect(await send()).toMatchObject({ status: "completed", idempotency: "best-effort", repeated: false });
  await redis.stop();
  redis = await startRedisServer({ port });
  await until("it is back", () => stores.every((store) => store.available));
  for (const result of await sendToBoth()) expect(result).toMatchObject({ status: "completed", repeated: true });
  expect(ran).toBe(1);
});

it("executes nothing again that the store forgot", async () => {
  expect(await send()).toMatchObject({ status: "completed", idempotency: "claimed", repeated: false });
  const { port } = redis;
  await redis.stop();
  redis = await startRedisServer({ port });
  await until("it is back, empty", () => stores.every((store) => store.available));
  for (const result of await sendToBoth()) expect(result).toMatchObject({ status: "completed", repeated: true });
  expect(ran).toBe(1);
});
