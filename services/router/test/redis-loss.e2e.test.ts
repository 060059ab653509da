import { createIds } from "@nexus/adapter-node";
import { type RedisServer, startRedisServer } from "@nexus/adapter-servers";
import { type CoordinationResult, decode, encode, resultSchema } from "@nexus/contracts";
import { silentLogger } from "@nexus/ports";
import { baseConfigSchema, connectStore, loadConfig } from "@nexus/runtime";
import { waitUntil } from "@nexus/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Stack, type StackRouter, startStack, until } from "./stack.ts";

/**
 * Proves what becomes of requests with ids when Redis is lost in the middle of their claims, killed or silent: they go on
 * as `best-effort`, within a bound, nothing runs twice at one router, and claims are back when Redis is. Two routers, each
 * asked through its own door and given each id twice at once; agents count what runs, by operation id.
 */

/** A call of the store at most, as services configure it. */
const STORE_TIMEOUT_MS = 250;
/** What a router waits for the word of its peers where Redis gives none. */
const PEERS_ANSWER_MS = 20;
/** The claim, the peers, the sharing of the result: nothing else of a request touches the store. */
const ADDED_MS_MAX = STORE_TIMEOUT_MS + PEERS_ANSWER_MS + STORE_TIMEOUT_MS;
/** For a busy machine: still less than one call without a bound would take. */
const SLACK_MS = 400;
const FLOWS_PER_ROUTER = 4;

interface Told {
  readonly router: string;
  readonly id: string;
  readonly begunMs: number;
  readonly tookMs: number;
  readonly results: readonly CoordinationResult[];
}

describe.each(["killed", "silent"] as const)("Redis is %s while requests with ids flow", (how) => {
  const ids = createIds();
  const runs = new Map<string, number>();
  const told: Told[] = [];
  let redis: RedisServer;
  let stack: Stack;
  let routers: StackRouter[];
  let flowing = true;
  let flow: Promise<unknown>;
  let lostMs = Number.POSITIVE_INFINITY;
  let backMs = Number.POSITIVE_INFINITY;

  const sendOn = async ({ door, router }: StackRouter): Promise<void> => {
    while (flowing) {
      const id = ids.requestId();
      const body = { id, goal: { operation: "work", pieces: [1, 2] }, agents: { all: true } };
      const begunMs = performance.now();
      const answers = await Promise.all([0, 1].map(() => door.ask("nexus.coordinate.balance", body)));
      const results = answers.map((answer) => resultSchema.parse(answer));
      told.push({ router: router.id, id, begunMs, tookMs: performance.now() - begunMs, results });
    }
  };
  const since = (ms: number) => told.filter(({ begunMs }) => begunMs >= ms);
  const marked = (rows: readonly Told[], idempotency: string) =>
    rows.filter(({ results }) => results.every((result) => result.idempotency === idempotency));

  beforeAll(async () => {
    redis = await startRedisServer();
    stack = await startStack();
    const config = loadConfig(baseConfigSchema, { REDIS_URL: redis.url });
    const addRouter = async () => stack.addRouter(await connectStore(config, silentLogger));
    routers = [await addRouter(), await addRouter()];
    const work = (_payload: unknown, { operationId }: { operationId: string }) => {
      runs.set(operationId, (runs.get(operationId) ?? 0) + 1);
      return null;
    };
    await stack.addAgents(["a0", "a1", "a2"].map((id) => ({ id, capacity: 32, handlers: { work } })));
    await until("both routers know the agents", () => routers.every(({ router }) => router.agentsKnown() === 3));
    flow = Promise.all(routers.flatMap((router) => Array.from({ length: FLOWS_PER_ROUTER }, () => sendOn(router))));
  });
  afterAll(async () => {
    flowing = false;
    await flow;
    await stack.stop();
    await redis.stop();
  });

  it("claims while it is there", async () => {
    await until("requests flow", () => told.length >= 50);
    expect(marked(told, "claimed")).toHaveLength(told.length);
  });

  it("goes on without claims", async () => {
    lostMs = performance.now();
    redis.kill("SIGSTOP");
    // Claims are under way now, and will not be answered.
    await until("some requests wait for it", () => since(lostMs - 100).length > 0);
    if (how === "killed") redis.kill("SIGKILL");
    await until("requests flow without it", () => marked(since(lostMs), "best-effort").length >= 50, 20_000);
  });

  it("claims again when it is back", async () => {
    if (how === "killed") {
      await redis.stop();
      redis = await startRedisServer({ port: redis.port });
    } else redis.kill("SIGCONT");
    const lastOf = ({ router }: StackRouter) => told.filter((row) => row.router === router.id).slice(-10);
    await until("both routers claim", () => routers.every((router) => marked(lastOf(router), "claimed").length === 10), 15_000);
    backMs = performance.now();
    await until("requests flow", () => since(backMs).length >= 50);
    expect(marked(since(backMs), "claimed")).toHaveLength(since(backMs).length);
  });

  it("ran everything once, told the repeats, and kept its bound", async () => {
    flowing = false;
    await flow;
    for (const { id, results } of told) {
      expect(results.map(({ status, repeated }) => [status, repeated])).toEqual([
        ["completed", false],
        ["completed", true],
      ]);
      expect([runs.get(`${id}/0`), runs.get(`${id}/1`)]).toEqual([1, 1]);
    }
    expect(runs.size).toBe(2 * told.length);
    const usualMs = Math.max(...told.filter(({ begunMs, tookMs }) => begunMs + tookMs < lostMs).map(({ tookMs }) => tookMs));
    const slowestMs = Math.max(...told.map(({ tookMs }) => tookMs));
    expect(slowestMs).toBeLessThan(usualMs + ADDED_MS_MAX + SLACK_MS);
    for (const { router } of routers) expect(router.heldTotal()).toBe(0);
  });
});

describe("a claim that outlives what its router remembers of the request", () => {
  const RETENTION_MS = 1_500;
  let redis: RedisServer;
  let stack: Stack;
  beforeAll(async () => {
    redis = await startRedisServer();
    stack = await startStack();
  });
  afterAll(async () => {
    await stack.stop();
    await redis.stop();
  });

  it.each([
    ["is told that the outcome is unknown", {}, { executed: "unknown", error: { code: "unknown-outcome" } }],
    ["is executed anew where that does no harm", { idempotent: true }, { status: "completed", repeated: false }],
  ])("a repeat %s, and does not wait for itself", async (what, more, expected) => {
    const store = await connectStore(loadConfig(baseConfigSchema, { REDIS_URL: redis.url }), silentLogger);
    const { router, door } = await stack.addRouter(store, { retentionMs: RETENTION_MS });
    const agent = `a${what.length}`;
    await stack.addAgents([{ id: agent, handlers: { work: () => 1 } }]);
    await until("the router knows the agent", () => router.agentsKnown() > 0);
    const id = createIds().requestId();
    const body = { id, goal: { operation: "work" }, agents: { ids: [agent] }, timeoutMs: 20_000, ...more };
    expect(await door.ask("nexus.coordinate.gather", body)).toMatchObject({ status: "completed", idempotency: "claimed" });
    // As if the router had been cut off from the store when it was to say that the request has ended.
    const key = `claim:${id}`;
    const record = await waitUntil(
      async () => {
        const held = await store.get(key);
        return held !== undefined && (decode(held) as { ended: boolean }).ended ? (decode(held) as object) : undefined;
      },
      { what: "the end is kept" },
    );
    await store.put(key, encode({ ...record, ended: false }), 60_000);
    await store.delete(`result:${id}`);
    const beganMs = performance.now();
    const later = await waitUntil(
      async () => {
        const answer = (await door.ask("nexus.coordinate.gather", body)) as { repeated?: boolean };
        return answer.repeated === true ? undefined : answer; // as long as the first result is kept
      },
      { what: "the first result is forgotten", deadlineMs: 10_000 },
    );
    expect(later).toMatchObject(expected);
    expect(performance.now() - beganMs).toBeLessThan(5_000);
  });
});
