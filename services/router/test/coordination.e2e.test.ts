import { createMemoryStore } from "@nexus/adapter-memory";
import { systemClock } from "@nexus/adapter-node";
import { connectRedis } from "@nexus/adapter-redis";
import { startRedisServer } from "@nexus/adapter-servers";
import type { AgentOptions, Handler } from "@nexus/agent";
import {
  type CoordinationResult,
  decode,
  encode,
  fromErrorBody,
  type JsonValue,
  refusalSchema,
  requestReportSchema,
  resultSchema,
} from "@nexus/contracts";
import type { Bus } from "@nexus/ports";
import { connect as plainConnect } from "nats";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Router } from "../src/index.ts";
import { type Stack, startStack, until } from "./stack.ts";

/**
 * Proves the whole path over a real nats-server: clients that know nothing of Nexus but its subjects, routers, and
 * agents of the SDK and without it.
 */

const ulid = (end: string) => `01ARZ3NDEKTSV4RRFFQ69G5${end}`;

describe("coordination over NATS", () => {
  let stack: Stack;
  let client: Bus;
  let router: Router;
  const ran = new Map<string, number>();

  const agents: AgentOptions[] = Array.from({ length: 6 }, (_, index) => ({
    id: `a${index}`,
    groups: ["fleet"],
    labels: { zone: index < 3 ? "eu" : "us" },
    capacity: 2,
    handlers: {
      number: () => ({ n: index }),
      count: (_payload, context) => {
        ran.set(context.operationId, (ran.get(context.operationId) ?? 0) + 1);
        return index;
      },
      vote: () => (index < 4 ? "for" : "against"),
      fail: () => {
        throw new Error("broken on purpose");
      },
      silent: (_payload, context) => new Promise((resolve) => context.signal.addEventListener("abort", () => resolve(null))),
      echo: (payload) => payload ?? null,
    },
  }));

  beforeAll(async () => {
    stack = await startStack();
    ({ router } = await stack.addRouter(createMemoryStore(systemClock, { entriesMax: 1_000, bytesMax: 1e7 })));
    await stack.addAgents(agents);
    client = await stack.connect("client");
    await until("all agents known", () => router.agentsKnown() === agents.length);
  });
  afterAll(() => stack.stop());

  async function raw(type: string, body: object, headers?: Record<string, string>): Promise<JsonValue> {
    const codec = headers === undefined ? "json" : "msgpack";
    const reply = await client.request(`nexus.coordinate.${type}`, encode(body, codec), {
      timeoutMs: 10_000,
      ...(headers === undefined ? {} : { headers }),
    });
    return decode(reply.data, codec);
  }
  async function coordinate(type: string, body: object): Promise<CoordinationResult> {
    const answer = await raw(type, body);
    const refusal = refusalSchema.safeParse(answer);
    const result = resultSchema.safeParse(answer);
    if (result.success) return result.data;
    throw refusal.success ? fromErrorBody(refusal.data.error) : new Error(JSON.stringify(answer));
  }

  it("gathers and reduces", async () => {
    const result = await coordinate("gather", {
      goal: { operation: "number", reduce: { kind: "sum", field: "n" } },
      agents: { group: "fleet" },
    });
    expect(result).toMatchObject({ status: "completed", executed: "all", outcome: { value: 15, contributors: 6 } });
    expect(result.agents).toMatchObject({ targeted: 6, responded: 6, missingTotal: 0 });
    expect(result.decision).toMatchObject({ layer: "foundation", attempts: [{ messages: 6, answers: 6 }] });
  });

  it("broadcasts with a receipt from each, chosen by labels", async () => {
    const result = await coordinate("broadcast", { goal: { operation: "echo" }, agents: { labels: { zone: "eu" } } });
    expect(result.outcome).toMatchObject({ acknowledged: 3, wanted: 3 });
  });

  it("balances pieces within the agents' capacity", async () => {
    const pieces = Array.from({ length: 50 }, (_, index) => index);
    const result = await coordinate("balance", { goal: { operation: "echo", pieces }, agents: { all: true } });
    expect(result.outcome).toMatchObject({ pieces: 50, done: 50 });
    expect(result.outcome?.rows.map((row) => row.value)).toEqual(pieces);
  });

  it("decides by vote, and refuses a commit that nothing could keep", async () => {
    const goal = { operation: "vote", vote: { rule: "majority" } };
    expect((await coordinate("consensus", { goal, agents: { all: true } })).outcome).toMatchObject({ decision: "accepted" });
    await expect(
      coordinate("consensus", { goal: { operation: "vote", commit: true }, agents: { all: true } }),
    ).rejects.toMatchObject({
      code: "not-implemented",
      executed: "none",
    });
  });

  it("runs causal operations in the order of their dependencies", async () => {
    const operations = [
      { type: "broadcast", operation: "number" },
      { type: "targeted", operation: "echo", agents: { ids: ["a1"] } },
      { type: "coordinated", operation: "number", coordinator: "a2" },
    ];
    const result = await coordinate("causal", { goal: { operations }, agents: { group: "fleet" } });
    expect(result.outcome).toMatchObject({
      operations: [{ status: "completed" }, { responded: 1 }, { after: [1], responded: 6 }],
    });
  });

  it("runs no operation whose dependency failed", async () => {
    const operations = [
      { type: "broadcast", operation: "fail" },
      { type: "broadcast", operation: "number" },
    ];
    const result = await coordinate("causal", { goal: { operations }, agents: { all: true } });
    expect(result).toMatchObject({ status: "failed", outcome: { operations: [{ status: "failed" }, { status: "not-run" }] } });
  });

  it("names every missing agent with its reason", async () => {
    const ids = ["a0", "nobody"];
    const body = { goal: { operation: "silent" }, agents: { ids }, timeoutMs: 300 };
    const { agents: report, status } = await coordinate("gather", body);
    expect(status).toBe("failed");
    expect(report.missing).toEqual([
      { agent: "a0", reason: "slow" },
      { agent: "nobody", reason: "not-sent", message: "no agent of this id is known" },
    ]);
    const failed = await coordinate("gather", { goal: { operation: "fail" }, agents: { ids: ["a1"] } });
    expect(failed.agents.missing).toEqual([{ agent: "a1", reason: "error", message: "broken on purpose" }]);
  });

  it("calls a goal that was reached in part what it is", async () => {
    const body = { goal: { operation: "number" }, agents: { ids: ["a0", "nobody"] } };
    expect(await coordinate("gather", body)).toMatchObject({ status: "partial", error: { code: "incomplete" } });
    const allowed = await coordinate("gather", { ...body, degrade: ["partial"] });
    expect(allowed.status).toBe("partial");
    expect(allowed.error).toBeUndefined();
  });

  it("refuses bad input with its field, and reaches no agent", async () => {
    const answer = await raw("gather", { goal: { operation: "number", untill: "all" }, agents: { all: true } });
    expect(answer).toMatchObject({ status: "failed", executed: "none", error: { code: "unknown-field", field: "goal.untill" } });
    await expect(coordinate("gather", { goal: { operation: "number" }, agents: { group: "none" } })).rejects.toMatchObject({
      code: "no-targets",
    });
    await expect(
      coordinate("gather", { goal: { operation: "number" }, agents: { all: true }, deadline: 1 }),
    ).rejects.toMatchObject({
      code: "deadline-past",
      field: "deadline",
    });
  });

  it("answers in MessagePack what came in MessagePack", async () => {
    const body = { goal: { operation: "number", reduce: { kind: "max", field: "n" } }, agents: { all: true } };
    const result = resultSchema.parse(await raw("gather", body, { "Content-Type": "application/msgpack" }));
    expect(result.outcome).toMatchObject({ value: 5 });
  });

  it("executes a request without a reply subject; its result is fetched by id", async () => {
    const id = ulid("FAA");
    client.publish("nexus.coordinate.gather", encode({ id, goal: { operation: "number" }, agents: { all: true } }));
    await client.flush();
    const reply = await client.request(`nexus.requests.${id}.get`, encode({ waitMs: 3_000 }), { timeoutMs: 5_000 });
    expect(requestReportSchema.parse(decode(reply.data))).toMatchObject({ state: "done", result: { id, status: "completed" } });
    const page = await client.request(`nexus.requests.${id}.get`, encode({ part: "rows", offset: 4, limit: 10 }), {
      timeoutMs: 5_000,
    });
    expect(requestReportSchema.parse(decode(page.data))).toMatchObject({ total: 6, rows: [{ agent: "a4" }, { agent: "a5" }] });
  });

  it("repeats a result under its id and executes nothing twice", async () => {
    const body = { id: ulid("FAB"), goal: { operation: "count" }, agents: { ids: ["a3"] } };
    const [first, joined] = await Promise.all([coordinate("gather", body), coordinate("gather", body)]);
    const again = await coordinate("gather", { ...body, timeoutMs: 777 });
    expect([first.repeated, joined.repeated, again.repeated].sort()).toEqual([false, true, true]);
    expect(again.outcome).toEqual(first.outcome);
    expect(ran.get(`${body.id}/0`)).toBe(1);
    await expect(coordinate("gather", { ...body, goal: { operation: "number" } })).rejects.toMatchObject({
      code: "id-reused",
      field: "id",
    });
  });

  it("plans and explains a dry run, and executes nothing", async () => {
    const result = await coordinate("gather", { goal: { operation: "number" }, agents: { all: true }, dryRun: true });
    expect(result).toMatchObject({ dryRun: true, executed: "none", decision: { layer: "foundation", attempts: [] } });
  });

  it("accepts long work at once, tells its progress, and cancels it", async () => {
    const id = ulid("FAC");
    const seen: JsonValue[] = [];
    client.subscribe(`nexus.requests.${id}.events`, (message) => {
      seen.push(decode(message.data));
    });
    await client.flush();
    const body = { id, goal: { operation: "silent" }, agents: { ids: ["a4"] }, mode: "accept", timeoutMs: 20_000 };
    expect(await raw("gather", body)).toMatchObject({ status: "accepted", id });
    const cancelled = await client.request(`nexus.requests.${id}.cancel`, new Uint8Array(), { timeoutMs: 5_000 });
    expect(decode(cancelled.data)).toMatchObject({ result: { status: "failed", error: { code: "cancelled" } } });
    await until("the last event", () => seen.some((event) => (event as { event: string }).event === "finished"));
    expect(seen.map((event) => (event as { seq: number }).seq)).toEqual(seen.map((_, index) => index));
  });

  it("neither executes nor answers a request whose reply subject is no inbox", async () => {
    const id = ulid("FAD");
    const stolen: JsonValue[] = [];
    client.subscribe("nexus.agents.a5.out.hello", (message) => {
      stolen.push(decode(message.data));
    });
    client.publish("nexus.coordinate.gather", encode({ id, goal: { operation: "count" }, agents: { ids: ["a5"] } }), {
      reply: "nexus.agents.a5.out.hello",
    });
    await client.flush();
    await coordinate("gather", { goal: { operation: "number" }, agents: { all: true } });
    expect(ran.has(`${id}/0`)).toBe(false);
    expect(stolen).toEqual([]);
  });

  it("registers as nats micro reads it", async () => {
    const reply = await client.request("$SRV.STATS.nexus-router", new Uint8Array(), { timeoutMs: 2_000 });
    const stats = decode(reply.data) as { type: string; endpoints: { name: string; num_requests: number; num_errors: number }[] };
    expect(stats.type).toBe("io.nats.micro.v1.stats_response");
    const gather = stats.endpoints.find((endpoint) => endpoint.name === "coordinate-gather");
    expect(gather?.num_requests).toBeGreaterThan(0);
    expect(gather?.num_errors).toBeGreaterThan(0);
  });

  it("takes in an agent that was written without the SDK, for all five goals", async () => {
    const bare = await plainConnect({ servers: stack.url });
    const frames: { operation: string; type: string }[] = [];
    const subscription = bare.subscribe("nexus.agents.bare.in");
    (async () => {
      for await (const message of subscription) {
        const frame = JSON.parse(message.string());
        if (frame.kind !== "operation") continue;
        frames.push(frame);
        const answer = {
          v: 1,
          kind: "reply",
          operationId: frame.operationId,
          status: "ok",
          value: "for",
          inFlight: 0,
          queueDepth: 0,
        };
        bare.publish(`nexus.agents.bare.out.reply.${frame.router}`, JSON.stringify(answer));
      }
    })();
    await bare.flush();
    const hello = {
      v: 1,
      wire: { min: 1, max: 1 },
      connId: "bare-conn",
      boot: "b1",
      incarnation: 0,
      groups: [],
      labels: {},
      capacity: 1,
      operations: ["ask"],
    };
    bare.publish("nexus.agents.bare.out.hello", JSON.stringify(hello));
    await until("the bare agent known", () => router.agentsKnown() === agents.length + 1);
    const to = { agents: { ids: ["bare"] } };
    const ended = [
      await coordinate("broadcast", { goal: { operation: "ask" }, ...to }),
      await coordinate("gather", { goal: { operation: "ask" }, ...to }),
      await coordinate("balance", { goal: { operation: "ask", pieces: [1, 2] }, ...to }),
      await coordinate("consensus", { goal: { operation: "ask", vote: { rule: "unanimous" } }, ...to }),
      await coordinate("causal", { goal: { operations: [{ type: "broadcast", operation: "ask" }] }, ...to }),
    ];
    expect(ended.map((result) => result.status)).toEqual(Array.from({ length: 5 }, () => "completed"));
    expect(new Set(frames.map((frame) => frame.type)).size).toBe(5);
    bare.publish("nexus.agents.bare.out.bye", JSON.stringify({ v: 1, boot: "b1" }));
    await bare.drain();
  });

  it("holds nothing for anybody when nothing runs", async () => {
    await until("in-flight counts at zero", () => router.heldTotal() === 0);
  });
});

/** An agent whose work takes a while; tells which operations ran. */
async function addWorker(stack: Stack): Promise<string[]> {
  const runs: string[] = [];
  const handler: Handler = async (_payload, context) => {
    runs.push(context.operationId);
    await new Promise((resolve) => setTimeout(resolve, 150));
    return context.operationId;
  };
  await stack.addAgents([{ id: "worker", handlers: { work: handler } }]);
  return runs;
}

const ownMemory = async () => createMemoryStore(systemClock, { entriesMax: 1_000, bytesMax: 1e7 });
const work = (id: string, more: object = {}) => ({ id, goal: { operation: "work" }, agents: { ids: ["worker"] }, ...more });

describe.each(["own memory", "Redis"])("two routers with %s", (kind) => {
  let redis: Awaited<ReturnType<typeof startRedisServer>> | undefined;
  beforeAll(async () => {
    if (kind === "Redis") redis = await startRedisServer();
  });
  afterAll(() => redis?.stop());
  const store = () =>
    redis === undefined ? ownMemory() : connectRedis({ url: redis.url, commandTimeoutMs: 500, keyPrefix: "test:" });

  it("execute a repeated id once, whichever takes it", async () => {
    const stack = await startStack();
    try {
      const one = await stack.addRouter(await store());
      const two = await stack.addRouter(await store());
      const runs = await addWorker(stack);
      const client = await stack.connect("client");
      await until("both know the agent", () => one.router.agentsKnown() === 1 && two.router.agentsKnown() === 1);
      const ask = async (body: object) =>
        decode((await client.request("nexus.coordinate.gather", encode(body), { timeoutMs: 8_000 })).data);
      for (let round = 0; round < 6; round++) {
        const answers = await Promise.all(Array.from({ length: 6 }, () => ask(work(ulid(`FB${round}`)))));
        expect(answers.map((answer) => (answer as { status: string }).status)).toEqual(
          Array.from({ length: 6 }, () => "completed"),
        );
        expect(runs).toHaveLength(round + 1);
      }
      const again = (await ask(work(ulid("FB0")))) as { idempotency: string; repeated: boolean };
      expect(again).toMatchObject({ repeated: true, idempotency: kind === "Redis" ? "claimed" : "best-effort" });
    } finally {
      await stack.stop();
    }
  });
});

/** Without shared memory nobody can know of a dead owner; the agents' windows are what is left then. */
describe("a router that died, with Redis", () => {
  let redis: Awaited<ReturnType<typeof startRedisServer>>;
  beforeAll(async () => {
    redis = await startRedisServer();
  });
  afterAll(() => redis.stop());
  const store = () => connectRedis({ url: redis.url, commandTimeoutMs: 500, keyPrefix: "test:" });

  it.each([
    ["is told that the outcome is unknown", {}, { status: "failed", executed: "unknown", error: { code: "unknown-outcome" } }],
    ["is executed anew where that does no harm", { idempotent: true }, { status: "completed", idempotency: "claimed" }],
  ])("a request whose router died %s", async (_, more, expected) => {
    const stack = await startStack();
    try {
      const one = await stack.addRouter(await store());
      const runs = await addWorker(stack);
      const client = await stack.connect("client");
      await until("the first router knows the agent", () => one.router.agentsKnown() === 1);
      const body = work(ulid(more === undefined || !("idempotent" in more) ? "FC0" : "FC1"), more);
      client.publish("nexus.coordinate.gather", encode(body));
      await until("the work began", () => runs.length === 1);
      await one.bus.close();
      const two = await stack.addRouter(await store());
      await until("the second router knows the agent", () => two.router.agentsKnown() === 1);
      const answer = await client.request("nexus.coordinate.gather", encode(body), { timeoutMs: 8_000 });
      expect(decode(answer.data)).toMatchObject(expected);
      // The operation keeps its id, so that even the takeover runs nothing twice at a living agent.
      expect(runs).toHaveLength(1);
    } finally {
      await stack.stop();
    }
  });
});
