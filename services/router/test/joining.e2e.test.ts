import { connectRedis } from "@nexus/adapter-redis";
import { type RedisServer, startRedisServer } from "@nexus/adapter-servers";
import { decode, encode, type JsonValue } from "@nexus/contracts";
import type { Bus } from "@nexus/ports";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type Stack, startStack, until } from "./stack.ts";

/**
 * Proves, over a real nats-server and redis-server: a repeated id joins the running request at whatever router it
 * comes to; a joiner can cancel, keeps its own time, and learns that the owner died; different bodies are told apart.
 */

const ID = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
let redis: RedisServer;
let stack: Stack;
let client: Bus;
let routers: Awaited<ReturnType<Stack["addRouter"]>>[];
let started: number;
let aborted: number;
let release: () => void;

beforeEach(async () => {
  stack = await startStack();
  started = 0;
  aborted = 0;
  routers = [];
  redis = await startRedisServer();
  for (let index = 0; index < 2; index++) {
    routers.push(await stack.addRouter(await connectRedis({ url: redis.url, commandTimeoutMs: 2_000, keyPrefix: "t:" })));
  }
  const hold = (_payload: unknown, { signal }: { signal: AbortSignal }) => {
    started++;
    return new Promise<null>((resolve) => {
      release = () => resolve(null);
      signal.addEventListener("abort", () => {
        aborted++;
        resolve(null);
      });
    });
  };
  await stack.addAgents([{ id: "one", handlers: { hold, echo: (payload) => payload ?? null } }]);
  client = await stack.connect("client");
  await until("both know the agent", () => routers.every(({ router }) => router.agentsKnown() === 1));
  await until("they know each other", async () => (await peersOf()).every((peers) => peers === 1));
});
afterEach(async () => {
  await stack.stop();
  await redis.stop();
});

/** Asked often enough that each of the two has answered. */
async function peersOf(): Promise<number[]> {
  const seen = new Map<JsonValue, number>();
  for (let asked = 0; asked < 50 && seen.size < 2; asked++) {
    const status = (await ask("nexus.router.status", {})) as { router: string; peers: string[] };
    seen.set(status.router, status.peers.length);
  }
  return [...seen.values()];
}

async function ask(subject: string, body: object, timeoutMs = 15_000): Promise<{ [key: string]: JsonValue }> {
  return decode((await client.request(subject, encode(body), { timeoutMs })).data) as { [key: string]: JsonValue };
}

const held = (more: object = {}) => ({
  id: ID,
  goal: { operation: "hold" },
  agents: { all: true },
  timeoutMs: 10_000,
  ...more,
});
const many = (count: number, more: object = {}, timeoutMs?: number) =>
  Array.from({ length: count }, () => ask("nexus.coordinate.gather", held(more), timeoutMs));

it("joins at both routers, runs once, and gives everybody the same result", async () => {
  const answers = many(8);
  await until("it runs", () => started === 1);
  release();
  const results = await Promise.all(answers);
  expect(results.map((result) => result["status"])).toEqual(new Array(8).fill("completed"));
  expect(results.filter((result) => result["repeated"] === false)).toHaveLength(1);
  expect(started).toBe(1);
});

it("cancels at the router that executes, whichever is asked", async () => {
  const answers = many(8);
  await until("it runs", () => started === 1);
  // As many as it takes until both routers were asked: the queue group chooses.
  const reports = await Promise.all(Array.from({ length: 8 }, () => ask(`nexus.requests.${ID}.cancel`, {})));
  for (const report of reports) expect(report).toMatchObject({ state: "done", result: { status: "failed" } });
  for (const result of await Promise.all(answers)) expect(result).toMatchObject({ error: { code: "cancelled" } });
  await until("the agent was told", () => aborted === 1);
});

it("a joiner waits no longer than its own time, and the request goes on", async () => {
  const first = ask("nexus.coordinate.gather", held());
  await until("it runs", () => started === 1);
  for (const joined of await Promise.all(many(6, { timeoutMs: 200 }))) {
    expect(joined).toMatchObject({ status: "failed", executed: "unknown", error: { code: "timeout" } });
  }
  release();
  expect(await first).toMatchObject({ status: "completed" });
});

it("a joiner learns that the owner died", async () => {
  const answers = many(8, {}, 5_000).map((answer) =>
    answer.catch((error: { code: string }) => ({ error: { code: error.code } })),
  );
  await until("it runs", () => started === 1);
  const owner = routers.find(({ router }) => router.heldTotal() === 1);
  await owner?.bus.close();
  const codes = (await Promise.all(answers)).map((answer) => (answer["error"] as { code: string }).code);
  // Those that were sent to the owner itself are lost with it; the others are told within a second or two.
  expect(new Set(codes)).toEqual(new Set(["unknown-outcome", "timeout"]));
});

it.each([
  [{}, []],
  [{ a: 1 }, [["a", 1]]],
  [null, "null"],
])("%j and %j are two bodies", async (one, other) => {
  const echo = (payload: unknown) => ask("nexus.coordinate.gather", held({ goal: { operation: "echo", payload } }));
  expect(await echo(one)).toMatchObject({ status: "completed" });
  for (const answer of await Promise.all([echo(other), echo(other), echo(other)])) {
    expect(answer).toMatchObject({ error: { code: "id-reused", field: "id" } });
  }
});

it("a dry run leaves the id free, and says who would be asked", async () => {
  const request = { ...held({ goal: { operation: "echo" } }), dryRun: true };
  expect(await ask("nexus.coordinate.gather", request)).toMatchObject({
    dryRun: true,
    executed: "none",
    agents: { targeted: 1 },
  });
  expect(await ask("nexus.coordinate.gather", held({ goal: { operation: "echo" } }))).toMatchObject({ status: "completed" });
});

it("a result fits a message in MessagePack, too", async () => {
  const payload = Array.from({ length: 60_000 }, () => 0.5);
  await stack.addAgents([
    { id: "two", groups: ["large"], handlers: { many: () => payload } },
    { id: "three", groups: ["large"], handlers: { many: () => payload } },
  ]);
  await until("they are known", () => routers.every(({ router }) => router.agentsKnown() === 3));
  const headers = { "Content-Type": "application/msgpack" };
  const body = encode({ goal: { operation: "many" }, agents: { group: "large" } }, "msgpack");
  const answer = await client.request("nexus.coordinate.gather", body, { timeoutMs: 10_000, headers });
  expect(decode(answer.data, "msgpack")).toMatchObject({ status: "completed", outcome: { contributors: 2 } });
});
