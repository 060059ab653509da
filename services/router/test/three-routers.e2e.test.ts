import { createMemoryStore } from "@nexus/adapter-memory";
import { systemClock } from "@nexus/adapter-node";
import { connectRedis } from "@nexus/adapter-redis";
import { type RedisServer, startRedisServer } from "@nexus/adapter-servers";
import { type CoordinationResult, type RequestReport, requestReportSchema, resultSchema } from "@nexus/contracts";
import { waitUntil } from "@nexus/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { gate, type Stack, type StackRouter, startStack, until } from "./stack.ts";

/**
 * Proves that any router answers for what another one executes: its state, every page of its result, its end, its
 * cancellation, and a repeat of it. Two routers execute, the third is asked, through its own door; agents count what runs.
 * Handlers wait for a gate that the test opens, so that "while it runs" is no matter of time.
 */

const ids = Array.from({ length: 64 }, (_, index) => `01ARZ3NDEKTSV4RRFFQ69G6${String(index).padStart(3, "0")}`);
const AGENTS = 3;
const PIECES = 1_203;

describe.each(["own memory", "Redis"])("three routers with %s", (kind) => {
  let redis: RedisServer | undefined;
  let stack: Stack;
  let executing: StackRouter[];
  let third: StackRouter;
  const runs = new Map<string, string[]>();
  const aborted: string[] = [];
  const gates = new Map<string, ReturnType<typeof gate>>();

  const nextId = (): string => {
    const id = ids.shift();
    if (id === undefined) throw new Error("more ids are needed");
    gates.set(id, gate());
    return id;
  };
  const runsOf = (id: string) => [...runs].filter(([operation]) => operation.startsWith(`${id}/`));
  const begun = (id: string, operations: number) =>
    until(`${operations} operations begun`, () => runsOf(id).length >= operations);
  const open = (id: string) => gates.get(id)?.open();

  const addRouter = async () => {
    const store =
      redis === undefined
        ? createMemoryStore(systemClock, { entriesMax: 1_000, bytesMax: 1e7 })
        : await connectRedis({ url: redis.url, commandTimeoutMs: 1_000, keyPrefix: "test:" });
    return stack.addRouter(store);
  };
  const coordinate = async (at: StackRouter, type: string, body: object): Promise<CoordinationResult> =>
    resultSchema.parse(await at.door.ask(`nexus.coordinate.${type}`, body));
  const get = async (at: StackRouter, id: string, body: object = {}): Promise<RequestReport> =>
    requestReportSchema.parse(await at.door.ask(`nexus.requests.${id}.get`, body));
  const cancel = async (at: StackRouter, id: string): Promise<RequestReport> =>
    requestReportSchema.parse(await at.door.ask(`nexus.requests.${id}.cancel`));
  const held = (id: string, pieces = AGENTS) => ({
    id,
    goal: { operation: "held", pieces: Array.from({ length: pieces }, (_, index) => index) },
    agents: { group: "fleet" },
    timeoutMs: 20_000,
  });
  const knowsPeers = (at: StackRouter, count: number) =>
    waitUntil(async () => ((await at.door.ask("nexus.router.status")) as { peers: string[] }).peers.length === count, {
      what: `a router knows ${count} others`,
    });
  /** Every page from one router, by its own `next`. */
  const pages = async (at: StackRouter, id: string, part: "rows" | "missing", more: object = {}) => {
    const found: RequestReport[] = [];
    for (let offset: number | undefined = 0; offset !== undefined; offset = found.at(-1)?.next) {
      found.push(await get(at, id, { part, offset, ...more }));
    }
    return found;
  };

  beforeAll(async () => {
    if (kind === "Redis") redis = await startRedisServer();
    stack = await startStack();
    const routers = [await addRouter(), await addRouter(), await addRouter()];
    [third, executing] = [routers[2] as StackRouter, routers.slice(0, 2)];
    await stack.addAgents(
      Array.from({ length: AGENTS }, (_, index) => ({
        id: `a${index}`,
        groups: ["fleet"],
        capacity: 500,
        handlers: {
          held: async (payload, { operationId, requestId, signal, agentId }) => {
            runs.set(operationId, [...(runs.get(operationId) ?? []), agentId]);
            signal.addEventListener("abort", () => aborted.push(operationId));
            await gates.get(requestId)?.opened;
            return payload ?? null;
          },
          plain: () => index,
        },
      })),
    );
    await until("every router knows every agent", () => routers.every(({ router }) => router.agentsKnown() === AGENTS));
    for (const router of routers) await knowsPeers(router, routers.length - 1);
  });
  afterAll(async () => {
    for (const { open: release } of gates.values()) release();
    await stack.stop();
    await redis?.stop();
  });

  it("tell the state and the end of what others execute", async () => {
    for (const owner of executing) {
      const id = nextId();
      const result = coordinate(owner, "balance", held(id));
      await begun(id, AGENTS);
      expect(await get(third, id)).toMatchObject({ state: "running", type: "balance", router: owner.router.id });
      const awaited = get(third, id, { waitMs: 10_000 });
      open(id);
      expect(await awaited).toMatchObject({ state: "done", router: owner.router.id, result: await result });
      expect(await get(third, id, { part: "decision" })).toMatchObject({ decision: { layer: "foundation" } });
    }
  });

  it("tell every page of what others executed", async () => {
    for (const owner of executing) {
      const id = nextId();
      open(id);
      const result = await coordinate(owner, "balance", held(id, PIECES));
      expect(result.outcome).toMatchObject({ done: PIECES, rowsTotal: PIECES });
      expect(result.outcome?.rows.length).toBeLessThan(PIECES);
      const found = await pages(third, id, "rows", { limit: 500 });
      expect(found.map(({ total, router }) => [total, router])).toEqual(found.map(() => [PIECES, owner.router.id]));
      expect(found.flatMap(({ rows }) => rows ?? []).map(({ index, value }) => [index, value])).toEqual(
        Array.from({ length: PIECES }, (_, index) => [index, index]),
      );
      expect((await get(third, id, { part: "rows", offset: PIECES })).rows).toEqual([]);
    }
  });

  it("tell the pages of the missing", async () => {
    const id = nextId();
    const strangers = ["x0", "x1", "x2", "x3", "x4"];
    await coordinate(executing[0] as StackRouter, "gather", {
      id,
      goal: { operation: "plain" },
      agents: { ids: ["a0", ...strangers] },
    });
    const found = await pages(third, id, "missing", { limit: 2 });
    expect(found.map(({ missing }) => missing?.length)).toEqual([2, 2, 1]);
    expect(found.flatMap(({ missing }) => missing?.map(({ agent }) => agent))).toEqual(strangers);
  });

  it("cancel what others execute", async () => {
    for (const owner of executing) {
      const id = nextId();
      const result = coordinate(owner, "balance", held(id));
      await begun(id, AGENTS);
      const report = await cancel(third, id);
      expect(report).toMatchObject({ state: "done", router: owner.router.id, result: { error: { code: "cancelled" } } });
      expect(await result).toEqual(report.result);
      await until("the agents are told", () => aborted.filter((operation) => operation.startsWith(id)).length === AGENTS);
      expect(await cancel(third, id)).toEqual(report); // once more changes nothing
    }
  });

  it("await the owner's end of a repeat, and run nothing", async () => {
    for (const owner of executing) {
      const id = nextId();
      const first = coordinate(owner, "balance", held(id));
      await begun(id, AGENTS);
      let answered = false;
      const repeats = [third, ...executing.filter((other) => other !== owner), owner].map((at) =>
        coordinate(at, "balance", held(id)).finally(() => {
          answered = true;
        }),
      );
      await expect(third.door.ask("nexus.coordinate.balance", held(id, 2))).resolves.toMatchObject({
        error: { code: "id-reused", field: "id" },
      });
      expect([answered, third.router.heldTotal()]).toEqual([false, 0]);
      open(id);
      const result = await first;
      expect(result).toMatchObject({
        status: "completed",
        repeated: false,
        router: owner.router.id,
        idempotency: kind === "Redis" ? "claimed" : "best-effort",
      });
      for (const repeat of await Promise.all(repeats)) expect(repeat).toEqual({ ...result, repeated: true });
      expect(await coordinate(third, "balance", held(id))).toEqual({ ...result, repeated: true });
      expect(runsOf(id).map(([, agents]) => agents.length)).toEqual(Array.from({ length: AGENTS }, () => 1));
    }
  });

  it("tell every page while they await the owner's end themselves", async () => {
    const id = nextId();
    const first = coordinate(executing[0] as StackRouter, "balance", held(id, PIECES));
    await begun(id, PIECES);
    const repeat = coordinate(third, "balance", held(id, PIECES));
    expect(await get(third, id, { part: "rows" })).toMatchObject({ state: "running" });
    const page = get(third, id, { part: "rows", offset: 1_000, waitMs: 10_000 });
    const decision = get(third, id, { part: "decision", waitMs: 10_000 });
    open(id);
    expect(await page).toMatchObject({ total: PIECES, rows: Array.from({ length: PIECES - 1_000 }, () => ({ status: "ok" })) });
    expect((await decision).decision).toBeDefined();
    await Promise.all([first, repeat]);
  });

  it("cancel what they await themselves", async () => {
    const id = nextId();
    const first = coordinate(executing[1] as StackRouter, "balance", held(id));
    await begun(id, AGENTS);
    const repeat = coordinate(third, "balance", held(id));
    expect(await cancel(third, id)).toMatchObject({ state: "done", result: { error: { code: "cancelled" } } });
    expect(await first).toMatchObject({ error: { code: "cancelled" }, repeated: false });
    expect(await repeat).toMatchObject({ error: { code: "cancelled" }, repeated: true });
  });

  it("know nothing of an id that nobody was given", async () => {
    for (const ask of [third.door.ask(`nexus.requests.${nextId()}.get`), third.door.ask(`nexus.requests.${nextId()}.cancel`)]) {
      expect(await ask).toMatchObject({ error: { code: "not-found", field: "id" } });
    }
  });

  it("tell of a stopped owner what shared memory holds", async () => {
    const id = nextId();
    const owner = await addRouter();
    await until("the new router knows the agents", () => owner.router.agentsKnown() === AGENTS);
    open(id);
    const result = await coordinate(owner, "balance", held(id, PIECES));
    await owner.router.stop();
    await knowsPeers(third, executing.length);
    const told = await third.door.ask(`nexus.requests.${id}.get`);
    if (kind === "own memory") expect(told).toMatchObject({ error: { code: "not-found" } });
    else {
      expect(told).toMatchObject({ state: "done", result });
      // Shared are the rows that fit the result; the others are said to be gone, not silently left out.
      const page = await get(third, id, { part: "rows", offset: 900 });
      expect(page).toMatchObject({ total: PIECES, next: 1_000 });
      expect(page.rows).toHaveLength(100);
      expect(await third.door.ask(`nexus.requests.${id}.get`, { part: "rows", offset: 1_000 })).toMatchObject({
        error: { code: "not-found" },
      });
    }
  });

  it("hold nothing for anybody in the end", async () => {
    for (const { router } of [...executing, third]) expect(router.heldTotal()).toBe(0);
  });
});
