/**
 * Each fault is planted in a real installation (nats-server, routers, agents, Redis), and doctor must name it and say what
 * to do; and where nothing is wrong it must say so.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createMemoryStore } from "@nexus/adapter-memory";
import { createIds, systemClock } from "@nexus/adapter-node";
import { connectRedis } from "@nexus/adapter-redis";
import { startNatsServer, startRedisServer } from "@nexus/adapter-servers";
import { createSubjects, encode } from "@nexus/contracts";
import { noTelemetry, silentLogger } from "@nexus/ports";
import { startUnbuiltService } from "@nexus/runtime";
import { waitUntil } from "@nexus/testing";
import { afterEach, describe, expect, test } from "vitest";
import { skewOf } from "../src/doctor/clock-check.ts";
import { echoAgent, type Fleet, startFleet } from "./fleet.ts";
import { runNexus } from "./run-nexus.ts";

interface Finding {
  readonly check: string;
  readonly state: string;
  readonly detail: string;
  readonly remedy?: string;
}

const endings: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

async function fleet(...options: Parameters<typeof startFleet>): Promise<Fleet> {
  const started = await startFleet(...options);
  endings.push(() => started.stop());
  return started;
}

async function doctor(url: string, environment: Record<string, string> = {}, args: string[] = []) {
  const { code, out, err } = await runNexus(["doctor", "--json", ...args], {
    environment: { NEXUS_NATS_URL: url, ...environment },
  });
  expect(err).toBe("");
  const findings = new Map((JSON.parse(out) as Finding[]).map((finding) => [finding.check, finding]));
  const stateOf = (check: string) => findings.get(check)?.state;
  return { code, findings, stateOf };
}

test("nothing is wrong: every check that was asked for is ok, and it says so", async () => {
  const { url, connect, addRouter, addAgents } = await fleet();
  await addRouter();
  const bus = await connect("services");
  const store = createMemoryStore(systemClock, { entriesMax: 10, bytesMax: 1_000 });
  const deps = { bus, store, clock: systemClock, ids: createIds(), logger: silentLogger, telemetry: noTelemetry };
  for (const service of ["consensus", "gossip", "predictor", "adaptive"] as const) {
    await startUnbuiltService(service, "d", { prefix: "nexus", version: "0.1.0" }, deps);
  }
  await addAgents([echoAgent("a1"), echoAgent("a2")]);
  const { code, findings } = await doctor(url);
  expect(Object.fromEntries([...findings.values()].map(({ check, state }) => [check, state]))).toEqual({
    ...{ node: "ok", "nats-server": "ok", "nats connection": "ok", "nats monitoring": "skipped", inbox: "ok", permissions: "ok" },
    ...{ router: "ok", services: "ok", health: "ok", clocks: "ok", "shared memory": "ok", redis: "skipped", agents: "ok" },
  });
  expect(code).toBe(0);
  const { out } = await runNexus(["doctor"], { environment: { NEXUS_NATS_URL: url } });
  expect(out).toMatch(/\nnothing is wrong\n$/);
});

describe("1: NATS is away", () => {
  test("it says where it looked, and everything that stands on it is skipped", async () => {
    const { code, findings, stateOf } = await doctor("nats://127.0.0.1:1");
    expect(findings.get("nats-server")).toMatchObject({
      state: "failed",
      detail: "no NATS server at 127.0.0.1:1: ECONNREFUSED",
      remedy: expect.stringContaining("nexus up"),
    });
    expect(["nats connection", "inbox", "permissions", "router", "services", "agents"].map(stateOf)).toEqual(
      Array(6).fill("skipped"),
    );
    expect(code).toBe(1);
  });
});

describe("2: NATS refuses the credentials", () => {
  const config = 'authorization { users = [{ user: ops, password: "right" }] }';
  test.each([
    ["wrong ones", { NEXUS_NATS_USER: "ops", NEXUS_NATS_PASSWORD: "wrong" }],
    ["none", {}],
  ])("%s", async (_, environment) => {
    const server = await startNatsServer({ config });
    endings.push(() => server.stop());
    const { code, findings, stateOf } = await doctor(server.url, environment);
    expect(stateOf("nats-server")).toBe("ok");
    expect(findings.get("nats connection")).toMatchObject({
      state: "failed",
      detail: expect.stringContaining("refuses the credentials"),
      remedy: expect.stringContaining("NEXUS_NATS_PASSWORD"),
    });
    expect(code).toBe(1);
  });
});

describe("3: a permission is missing", () => {
  const users = (publish: string, subscribe: string) => `authorization { users = [
    { user: service, password: s }
    { user: client, password: c, permissions: { publish: ${publish}, subscribe: ${subscribe} } }
  ] }`;
  const asClient = { NEXUS_NATS_USER: "client", NEXUS_NATS_PASSWORD: "c" };
  async function withUser(publish: string, subscribe: string) {
    const started = await fleet({ config: users(publish, subscribe), credentials: { user: "service", pass: "s" } });
    await started.addRouter();
    return await doctor(started.url, asClient);
  }

  test("to send requests", async () => {
    const { code, findings, stateOf } = await withUser('["nexus.router.>", "nexus.services.>", "$SRV.>"]', '">"');
    expect(findings.get("permissions")).toMatchObject({
      state: "failed",
      detail: "this user may not use nexus.coordinate.>, nexus.requests.*.get, nexus.requests.*.cancel",
      remedy: expect.stringContaining("allow them in the server's configuration"),
    });
    expect([stateOf("inbox"), stateOf("router"), code]).toEqual(["ok", "ok", 1]);
  });

  test("to hear answers", async () => {
    const { code, findings, stateOf } = await withUser('">"', '"nexus.>"');
    expect(findings.get("inbox")).toMatchObject({
      state: "failed",
      detail: "this user may not subscribe to _INBOX.>, where answers come",
      remedy: expect.stringContaining("NEXUS_NATS_INBOX_PREFIX"),
    });
    expect([stateOf("permissions"), stateOf("router"), code]).toEqual(["ok", "skipped", 1]);
  });

  test("to hear answers, but for an inbox of its own, which is named", async () => {
    const started = await fleet({
      config: users('">"', '["nexus.>", "_INBOX_client.>"]'),
      credentials: { user: "service", pass: "s" },
    });
    const { stateOf } = await doctor(started.url, { ...asClient, NEXUS_NATS_INBOX_PREFIX: "_INBOX_client" });
    expect(stateOf("inbox")).toBe("ok");
  });

  test("to watch: only operators need it", async () => {
    const publish = '["nexus.coordinate.>", "nexus.requests.>", "nexus.router.agents", "nexus.services.>", "$SRV.>"]';
    const { findings } = await withUser(publish, '["_INBOX.>", "nexus.requests.*.events"]');
    expect(findings.get("permissions")).toMatchObject({
      state: "warning",
      detail: "this user may not use nexus.router.watch, nexus.router.events, which watch, top and doctor need",
    });
  });
});

describe("4: nobody is there", () => {
  test("no router, nothing else either", async () => {
    const { code, findings } = await doctor((await fleet()).url);
    expect(findings.get("router")).toMatchObject({
      state: "failed",
      detail: "nobody listens on nexus.router.agents",
      remedy: expect.stringMatching(/start a router .*"nexus" is the routers' own --prefix/),
    });
    expect(findings.get("services")).toMatchObject({ state: "failed", detail: "no service answers $SRV.INFO" });
    expect(code).toBe(1);
  });

  test("a service is missing: what falls away without it, and a failure where it is required", async () => {
    const { url, addRouter, addAgents } = await fleet();
    await addRouter();
    await addAgents([echoAgent("a1")]);
    const loose = await doctor(url);
    expect(loose.findings.get("services")).toMatchObject({
      state: "warning",
      detail: expect.stringContaining("gossip (no second view of failures)"),
    });
    expect(loose.code).toBe(0);
    const strict = await doctor(url, {}, ["--require", "gossip"]);
    expect(strict.findings.get("services")).toMatchObject({ state: "failed", remedy: expect.stringContaining("start gossip") });
    expect(strict.code).toBe(1);
    expect((await runNexus(["doctor", "--require", "dance"])).code).toBe(2);
  });
});

describe("5: versions that do not fit", () => {
  async function withAnother(version: string, wire: { min: string; max: string }) {
    const { url, connect, addRouter } = await fleet();
    await addRouter();
    const bus = await connect("another");
    const metadata = { instance: "other", wire_min: wire.min, wire_max: wire.max };
    const endpoint = { name: "health", subject: "nexus.gossip.health", handler: () => undefined };
    await bus.serve({ name: "nexus-gossip", version, description: "", metadata, endpoints: [endpoint] });
    return await doctor(url);
  }

  test("another wire", async () => {
    const { code, findings } = await withAnother("0.1.0", { min: "7", max: "9" });
    expect(findings.get("services")).toMatchObject({
      state: "failed",
      remedy: "nexus-gossip 0.1.0 speaks wire versions 7–9 and this command 1: bring them to one release",
    });
    expect(code).toBe(1);
  });

  test("an upgrade half way", async () => {
    const { findings } = await withAnother("0.2.0", { min: "1", max: "1" });
    expect(findings.get("services")).toMatchObject({
      state: "warning",
      detail: "0.1.0 (wire 1–1): router; 0.2.0 (wire 1–1): gossip",
      remedy: "versions 0.1.0, 0.2.0 run side by side; finish the upgrade",
    });
    expect(findings.get("health")).toMatchObject({ state: "warning", detail: "no report from nexus-gossip 0.2.0 other" });
  });
});

describe("6: clocks that differ", () => {
  test.each([
    [90_000, "by this machine's clock router r1 is 90 s ahead"],
    [-90_000, "by this machine's clock router r1 is 90 s behind"],
  ])("by %d ms", async (skewMs, detail) => {
    const { url, addRouter } = await fleet();
    await addRouter({ clock: { ...systemClock, epochMs: () => systemClock.epochMs() + skewMs } });
    const { code, findings } = await doctor(url);
    expect(findings.get("clocks")).toMatchObject({ state: "failed", detail, remedy: expect.stringContaining("NTP") });
    expect(code).toBe(1);
  });

  test("what the way there and back took is doubt, not skew", () => {
    const report = { epochMs: 1_500 } as Parameters<typeof skewOf>[0]["report"];
    expect(skewOf({ report, askedEpochMs: 1_000, heardEpochMs: 1_400 })).toEqual({ skewMs: 300, doubtMs: 200 });
  });
});

test("7: agents that are stale", async () => {
  const { url, connect, addRouter, addAgents } = await fleet();
  await addRouter();
  await addAgents([echoAgent("a1")]);
  const bus = await connect("raw");
  const subjects = createSubjects();
  const hello = { v: 1, wire: { min: 1, max: 1 }, connId: "c9", boot: "b9", incarnation: 0, groups: [], labels: {}, capacity: 1 };
  bus.publish(subjects.agentHello("silent"), encode({ ...hello, operations: ["echo"] }));
  const agentsOf = async () => (await doctor(url)).findings.get("agents");
  await waitUntil(async () => (await agentsOf())?.detail.includes("heartbeat late (due every 1000 ms): silent"), {
    what: "late",
  });
  await waitUntil(async () => (await agentsOf())?.detail.includes("suspect: silent"), { what: "suspect" });
  const dead = await waitUntil(async () => (await agentsOf())?.detail.includes("dead: silent") && (await agentsOf()), {
    what: "dead",
    deadlineMs: 20_000,
  });
  expect(dead).toMatchObject({
    state: "warning",
    detail: "1 alive, 1 dead; dead: silent",
    remedy: expect.stringContaining("nexus top"),
  });
}, 60_000);

describe("8: Redis is away", () => {
  test("as seen from here", async () => {
    const { code, findings } = await doctor((await fleet()).url, { REDIS_URL: "redis://127.0.0.1:1" });
    expect(findings.get("redis")).toMatchObject({
      state: "failed",
      detail: "no Redis at 127.0.0.1:1: ECONNREFUSED",
      remedy: expect.stringContaining("REDIS_URL"),
    });
    expect(code).toBe(1);
  });

  test("as seen by a router, though it is none of this machine's business", async () => {
    const redis = await startRedisServer();
    endings.push(() => redis.stop());
    const { url, addRouter } = await fleet();
    const store = await connectRedis({ url: redis.url, commandTimeoutMs: 250, keyPrefix: "t:", logger: silentLogger });
    endings.push(() => store.close());
    await waitUntil(() => store.available, { what: "Redis is there" });
    await addRouter({ store });
    expect((await doctor(url, { REDIS_URL: redis.url })).findings.get("shared memory")).toMatchObject({
      state: "ok",
      detail: "1 routers share Redis",
    });
    await redis.stop();
    await waitUntil(() => !store.available, { what: "the router noticed" });
    const { code, findings } = await doctor(url);
    expect(findings.get("shared memory")).toMatchObject({
      state: "failed",
      detail: expect.stringContaining("at router r1: away"),
      remedy: expect.stringContaining("start Redis"),
    });
    expect(code).toBe(1);
  });
});

describe("besides", () => {
  test("two routers that share nothing", async () => {
    const { url, addRouter } = await fleet();
    await addRouter();
    await addRouter({ instance: "r2" });
    expect((await doctor(url)).findings.get("shared memory")).toMatchObject({
      state: "warning",
      detail: expect.stringMatching(/^2 of 2/),
    });
  });

  test("a server that takes small messages only", async () => {
    const { url } = await fleet({ config: "max_payload: 65536" });
    expect((await doctor(url)).findings.get("nats-server")).toMatchObject({
      state: "warning",
      remedy: expect.stringMatching(/max_payload/),
    });
  });

  test.each([
    [{ slow_consumers: 3, connections: 1, max_connections: 100 }, "warning", /3 slow consumers/],
    [{ slow_consumers: 0, connections: 95, max_connections: 100 }, "warning", /95 of 100/],
    [{ slow_consumers: 0, connections: 1, max_connections: 100 }, "ok", /0 slow/],
    [[], "failed", /not NATS monitoring/],
  ])("monitoring that tells %j", async (varz, state, detail) => {
    const server = createServer((_, response) => void response.end(JSON.stringify(varz)));
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    endings.push(() => new Promise((closed) => server.close(closed)));
    const monitor = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { findings } = await doctor("nats://127.0.0.1:1", {}, ["--monitor-url", monitor]);
    expect(findings.get("nats monitoring")).toMatchObject({ state, detail: expect.stringMatching(detail) });
  });
});
