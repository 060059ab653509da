/** The faults of what is around the routers, as doctor.e2e.test.ts has those of NATS and of services. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { connectRedis } from "@nexus/adapter-redis";
import { startRedisServer } from "@nexus/adapter-servers";
import { createSubjects, encode } from "@nexus/contracts";
import { silentLogger } from "@nexus/ports";
import { waitUntil } from "@nexus/testing";
import { afterEach, describe, expect, test } from "vitest";
import { doctor, endAll, endings, fleet } from "./doctor-run.ts";
import { echoAgent } from "./fleet.ts";

afterEach(endAll);

test("7: agents that are stale", async () => {
  const { url, connect, addRouter, addAgents } = await fleet();
  await addRouter();
  await addAgents([echoAgent("a1")]);
  const bus = await connect("raw");
  const subjects = createSubjects();
  const hello = { v: 1, wire: { min: 1, max: 1 }, connId: "c9", boot: "b9", incarnation: 0, groups: [], labels: {}, capacity: 1 };
  const sayHello = () => bus.publish(subjects.agentHello("silent"), encode({ ...hello, operations: ["echo"] }));
  const agentsOf = async () => (await doctor(url)).findings.get("agents");
  /** The agent speaks so rarely that it comes into the state again and again. */
  const comesTo = async (state: string, everyMs: number) => {
    sayHello();
    const timer = setInterval(sayHello, everyMs);
    await waitUntil(async () => (await agentsOf())?.detail.includes(state), { what: state, deadlineMs: 30_000 });
    clearInterval(timer);
  };
  await comesTo("heartbeat late (due every 1000 ms): silent", 2_200);
  await comesTo("suspect: silent", 4_500);
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
