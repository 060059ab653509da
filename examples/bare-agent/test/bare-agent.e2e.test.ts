import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createMemoryStore } from "@nexus/adapter-memory";
import { connectNats } from "@nexus/adapter-nats";
import { createIds, systemClock } from "@nexus/adapter-node";
import { type NatsServer, startNatsServer } from "@nexus/adapter-servers";
import { decode, encode, type JsonValue, limits } from "@nexus/contracts";
import { type Bus, noTelemetry, silentLogger } from "@nexus/ports";
import { type Router, startRouter } from "@nexus/router";
import { waitUntil } from "@nexus/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BareAgent, type Handler } from "../src/bare-agent.ts";

/**
 * Proves that docs/protocol.md is enough: an agent that knows nothing but sockets serves all five goals of a real router
 * over a real nats-server, and keeps what an agent has to keep. Clients here speak plain JSON, too.
 */

const ulid = (end: string) => `01ARZ3NDEKTSV4RRFFQ69G5${end}`;

describe("the bare agent", () => {
  let server: NatsServer;
  let client: Bus;
  let router: Router;
  let agent: BareAgent;
  const runs: string[] = [];
  const endings: (() => Promise<unknown>)[] = [];

  const slow: Handler = async (payload, { signal, progress }) => {
    runs.push("slow");
    progress(0.5);
    await new Promise<void>((resolve, reject) => {
      const stop = () => {
        clearTimeout(timer);
        runs.push("stopped");
        reject(new Error("stopped"));
      };
      const timer = setTimeout(() => {
        signal.removeEventListener("abort", stop); // its time is up some day
        resolve();
      }, Number(payload));
      signal.addEventListener("abort", stop);
    });
    return "slept";
  };
  const handlers: Record<string, Handler> = {
    count: (payload) => {
      runs.push("count");
      return (payload as { n?: number } | undefined)?.n ?? 1;
    },
    vote: () => "for",
    fail: () => {
      throw new Error("broken on purpose");
    },
    slow,
  };

  async function startAgent(id: string): Promise<BareAgent> {
    const labels = { zone: "eu" };
    const options = {
      host: "127.0.0.1",
      port: server.port,
      prefix: "nexus",
      id,
      groups: ["bare"],
      labels,
      capacity: 2,
      handlers,
    };
    const started = new BareAgent(options);
    await started.start();
    endings.push(() => started.leave());
    return started;
  }

  beforeAll(async () => {
    server = await startNatsServer();
    endings.push(() => server.stop());
    const bus = await connectNats({ servers: server.url, name: "router" });
    const store = createMemoryStore(systemClock, { entriesMax: 1_000, bytesMax: 1e7 });
    const deps = { bus, store, clock: systemClock, ids: createIds(), logger: silentLogger, telemetry: noTelemetry };
    router = await startRouter({}, deps);
    client = await connectNats({ servers: server.url, name: "client" });
    endings.push(
      () => bus.close(),
      () => router.stop(500),
      () => client.close(),
    );
    agent = await startAgent("bare-1");
    await waitUntil(() => router.agentsKnown() === 1, { what: "the agent is known" });
  });
  afterAll(async () => {
    for (const end of endings.reverse()) await end();
  });

  async function ask(subject: string, body: object): Promise<Record<string, JsonValue>> {
    const reply = await client.request(subject, encode(body), { timeoutMs: 10_000 });
    return decode(reply.data) as Record<string, JsonValue>;
  }
  const coordinate = (type: string, goal: object, more: object = {}) =>
    ask(`nexus.coordinate.${type}`, { goal, agents: { group: "bare" }, ...more });

  it("imports nothing but built-ins of Node", () => {
    const folder = join(import.meta.dirname, "../src");
    const imports = readdirSync(folder).flatMap((file) => [
      ...readFileSync(join(folder, file), "utf8").matchAll(/(?:from|import\(?)\s*"([^"]+)"/g),
    ]);
    expect(imports.length).toBeGreaterThan(0);
    expect(imports.map(([, name]) => name).filter((name) => !/^(?:node:|\.\/)/.test(name ?? ""))).toEqual([]);
  });

  it.each([
    ["broadcast", { operation: "count" }, { acknowledged: 1 }],
    ["gather", { operation: "count", payload: { n: 7 }, reduce: { kind: "sum" } }, { value: 7, contributors: 1 }],
    ["balance", { operation: "count", pieces: [{ n: 1 }, { n: 2 }, { n: 3 }] }, { pieces: 3, done: 3 }],
    ["consensus", { operation: "vote", vote: { rule: "unanimous" } }, { decision: "accepted", for: 1 }],
    ["causal", { operations: [1, 2].map((n) => ({ type: "broadcast", operation: "count", payload: { n } })) }, { rowsTotal: 2 }],
  ])("serves a %s", async (type, goal, outcome) => {
    expect(await coordinate(type, goal)).toMatchObject({ status: "completed", executed: "all", outcome });
  });

  it("runs what wants no reply, and sends none", async () => {
    runs.length = 0;
    const answers: string[] = [];
    client.subscribe("nexus.agents.bare-1.out.reply.*", (message) => {
      answers.push(message.subject);
    });
    await client.flush();
    expect(await coordinate("broadcast", { operation: "count", ack: "none" })).toMatchObject({ status: "completed" });
    await waitUntil(() => runs.length === 1, { what: "it is run" });
    await coordinate("gather", { operation: "count" });
    await waitUntil(() => answers.length > 0, { what: "the answer to the second request" });
    expect(answers).toHaveLength(1);
  });

  it("tells errors, and refuses what it does not offer", async () => {
    const { agents } = await coordinate("gather", { operation: "fail" });
    expect(agents).toMatchObject({ missing: [{ agent: "bare-1", reason: "error", message: "broken on purpose" }] });
    const told: JsonValue[] = [];
    client.subscribe("nexus.agents.bare-1.out.reply.zero", (message) => {
      told.push(decode(message.data));
    });
    await client.flush();
    const frame = { v: 1, kind: "operation", router: "zero", type: "gather", remainingMs: 5_000 };
    const operationId = `${ulid("FAT")}/0`;
    client.publish("nexus.agents.bare-1.in", encode({ ...frame, operationId, operation: "nothing" }));
    await waitUntil(() => told.length === 1, { what: "a refusal" });
    expect(told[0]).toMatchObject({ operationId, status: "refused", error: { code: "unknown-operation", retryable: false } });
  });

  it("runs a repeated operation once, and answers every router that asks", async () => {
    runs.length = 0;
    const answers: Record<string, JsonValue>[] = [];
    client.subscribe("nexus.agents.bare-1.out.reply.*", (message) => {
      if (!message.subject.endsWith(router.id)) answers.push(decode(message.data) as Record<string, JsonValue>);
    });
    const operationId = `${ulid("FAV")}/0`;
    const frame = {
      v: 1,
      kind: "operation",
      operationId,
      operation: "slow",
      payload: 200,
      type: "gather",
      remainingMs: 5_000,
      digest: "d1",
    };
    const send = (more: object) => client.publish("nexus.agents.bare-1.in", encode({ ...frame, ...more }));
    send({ router: "one" });
    send({ router: "two" });
    send({ router: "one", digest: "d2" });
    send({ router: "one", boot: "another-life" });
    const replies = () => answers.filter(({ kind }) => kind === "reply");
    await waitUntil(() => replies().length === 4, { what: "two answers and two refusals" });
    send({ router: "three" });
    await waitUntil(() => replies().length === 5, { what: "the stored answer" });
    expect(runs).toEqual(["slow"]);
    expect(replies().map((reply) => [reply["status"], (reply["error"] as { code?: string } | undefined)?.code])).toEqual([
      ["refused", "id-reused"],
      ["refused", "other-boot"],
      ["ok", undefined],
      ["ok", undefined],
      ["ok", undefined],
    ]);
    send({ router: "one", operationId: `${ulid("FAW")}/0`, remainingMs: 0 });
    await waitUntil(() => replies().at(-1)?.["status"] === "expired", { what: "late work is dropped" });
    expect(runs).toEqual(["slow"]);
  });

  it("refuses beyond its capacity", async () => {
    const pieces = [300, 300, 300];
    const { outcome } = await coordinate("balance", { operation: "slow", pieces }, { agents: { all: true } });
    expect(outcome).toMatchObject({ done: 3 }); // the router keeps to the capacity that hello told
    const frames = [0, 1, 2].map((index) => ({
      v: 1,
      kind: "operation",
      operationId: `${ulid("FAX")}/${index}`,
      router: "four",
      operation: "slow",
      payload: 200,
      type: "balance",
      remainingMs: 5_000,
    }));
    const codes: JsonValue[] = [];
    client.subscribe("nexus.agents.bare-1.out.reply.four", (message) => {
      const { status, error } = decode(message.data) as Record<string, JsonValue>;
      if (status !== undefined) codes.push((error as { code?: string } | undefined)?.code ?? status);
    });
    await client.flush();
    for (const frame of frames) client.publish("nexus.agents.bare-1.in", encode(frame));
    await waitUntil(() => codes.length === 3, { what: "three answers" });
    expect(codes).toEqual(["overloaded", "ok", "ok"]);
  });

  it("tells progress and stops when it is cancelled", async () => {
    const id = ulid("FAY");
    const events: JsonValue[] = [];
    client.subscribe(`nexus.requests.${id}.events`, (message) => {
      events.push(decode(message.data));
    });
    await client.flush();
    const request = { id, mode: "accept", timeoutMs: 20_000 };
    expect(await coordinate("gather", { operation: "slow", payload: 15_000 }, request)).toMatchObject({ status: "accepted" });
    await waitUntil(() => events.some((event) => (event as { event: string }).event === "progress"), { what: "progress" });
    expect(await ask(`nexus.requests.${id}.cancel`, {})).toMatchObject({ result: { error: { code: "cancelled" } } });
    await waitUntil(() => runs.at(-1) === "stopped", { what: "the handler is told" });
  });

  it("sends heartbeats that keep it alive, with the fields that they should have", async () => {
    const beats: JsonValue[] = [];
    client.subscribe("nexus.agents.bare-1.out.heartbeat", (message) => {
      beats.push(decode(message.data));
    });
    await waitUntil(() => beats.length >= 2, { what: "two heartbeats" });
    expect(beats[0]).toMatchObject({ v: 1, boot: agent.boot, queueDepth: 0 });
  });

  it("says hello when a router asks, and not after its bye", async () => {
    const other = await startAgent("bare-2");
    await waitUntil(() => router.agentsKnown() === 2, { what: "the second agent is known" });
    const hellos: JsonValue[] = [];
    client.subscribe("nexus.agents.bare-2.out.hello", (message) => {
      hellos.push(decode(message.data));
    });
    await client.flush();
    client.publish("nexus.agents.bare-2.in", encode({ v: 1, kind: "hello-wanted" }));
    await waitUntil(() => hellos.length === 1, { what: "a hello" });
    await other.leave();
    expect(await other.closed).toMatch(/closed/);
    const states = async () => {
      const { agents } = await ask("nexus.router.agents", {});
      return (agents as { agent: string; state: string }[]).map(({ agent: id, state }) => `${id} ${state}`);
    };
    await waitUntil(() => router.agentsKnown() === 1, { what: "the second agent is gone" });
    expect(await states()).toEqual(["bare-1 alive", "bare-2 left"]);
  });

  it("remembers operations for longer than the longest timeout", () => {
    const source = readFileSync(join(import.meta.dirname, "../src/bare-agent.ts"), "utf8");
    const rememberedMs = Number(/REMEMBERED_MS = ([\d_]+)/.exec(source)?.[1]?.replaceAll("_", ""));
    expect(rememberedMs).toBeGreaterThan(limits.timeoutMsMax);
  });
});
