/**
 * Each fault is planted in a real installation (nats-server, routers, agents, Redis), and doctor must name it and say what
 * to do; and where nothing is wrong it must say so.
 */
import { createMemoryStore } from "@nexus/adapter-memory";
import { createIds, systemClock } from "@nexus/adapter-node";
import { startNatsServer } from "@nexus/adapter-servers";
import { noTelemetry, silentLogger } from "@nexus/ports";
import { startUnbuiltService } from "@nexus/runtime";
import { afterEach, describe, expect, test } from "vitest";
import { skewOf } from "../src/doctor/clock-check.ts";
import { doctor, endAll, endings, fleet } from "./doctor-run.ts";
import { echoAgent } from "./fleet.ts";
import { runNexus } from "./run-nexus.ts";

afterEach(endAll);

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

describe("1: one NATS server of several is away", () => {
  test("it is named, and nothing is skipped for it", async () => {
    const { url, addRouter } = await fleet();
    await addRouter();
    const { code, findings, stateOf } = await doctor(`nats://127.0.0.1:1,${url}`);
    expect(findings.get("nats-server")).toMatchObject({
      state: "warning",
      detail: expect.stringMatching(/^nexus-\S+ 2.*; no NATS server at 127\.0\.0\.1:1: ECONNREFUSED$/),
      remedy: expect.stringContaining("127.0.0.1:1"),
    });
    expect([stateOf("router"), code]).toEqual(["ok", 0]);
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
      detail: expect.stringContaining("gossip (no shared state, and no second view of failures)"),
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
