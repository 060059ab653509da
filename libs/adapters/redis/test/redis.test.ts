/** The state store over a real redis-server: the port's promises, and S3 while the server is dead, silent or back. */
import { type RedisServer, startRedisServer } from "@nexus/adapter-servers";
import type { StateStore } from "@nexus/ports";
import { bytes, codeOf, stateStoreConformance, until } from "@nexus/ports/conformance";
import { afterAll, describe, expect, test } from "vitest";
import { connectRedis } from "../src/index.ts";

const COMMAND_TIMEOUT_MS = 200;
const connect = (url: string, keyPrefix = "test:"): Promise<StateStore> =>
  connectRedis({ url, commandTimeoutMs: COMMAND_TIMEOUT_MS, keyPrefix, connectTimeoutMs: 300 });

stateStoreConformance("the Redis adapter", async () => {
  const server = await startRedisServer();
  const stores: StateStore[] = [];
  return {
    async connect() {
      const store = await connect(server.url);
      stores.push(store);
      return store;
    },
    pass: (durationMs) => new Promise((resolve) => setTimeout(resolve, durationMs)),
    async stop() {
      for (const store of stores) await store.close();
      await server.stop();
    },
  };
});

const servers: RedisServer[] = [];
const start: typeof startRedisServer = async (options) => {
  const server = await startRedisServer(options);
  servers.push(server);
  return server;
};
afterAll(async () => {
  for (const server of servers) await server.stop();
});

/** S3: every call fails with store-unavailable, within the deadline and some scheduling. */
async function expectUnavailable(store: StateStore): Promise<void> {
  const calls = [
    () => store.get("k"),
    () => store.put("k", bytes("x"), 1_000),
    () => store.putIfAbsent("k", bytes("x"), 1_000),
    () => store.compareAndSet("k", bytes("x"), bytes("y"), 1_000),
    () => store.delete("k"),
    () => store.ping(),
  ];
  const startMs = performance.now();
  expect(await Promise.all(calls.map((call) => codeOf(call)))).toEqual(calls.map(() => "store-unavailable"));
  expect(performance.now() - startMs).toBeLessThan(COMMAND_TIMEOUT_MS + 400);
  expect(store.available).toBe(false);
}

describe("S3", () => {
  test("the server is killed and restarted: unavailable in time, then back", async () => {
    const server = await start();
    const store = await connect(server.url);
    await store.put("k", bytes("x"), 60_000);
    expect(store.available).toBe(true);
    server.kill("SIGKILL");
    await until("the loss is noticed", () => !store.available);
    await expectUnavailable(store);
    await server.stop();
    await start({ port: server.port });
    await until("it is back", () => store.available);
    expect(await store.get("k")).toBeUndefined();
    expect(await store.putIfAbsent("k", bytes("new"), 60_000)).toBeUndefined();
    await store.close();
  });

  test("the server stops answering: unavailable in time, and back when it answers", async () => {
    const server = await start();
    const store = await connect(server.url);
    server.kill("SIGSTOP");
    await expectUnavailable(store);
    server.kill("SIGCONT");
    await until("it is back", () => store.available);
    expect(await store.ping()).toBeGreaterThan(0);
    await store.close();
  });

  test("it starts without a server and finds it later", async () => {
    const server = await start();
    await server.stop();
    const store = await connect(server.url);
    await expectUnavailable(store);
    await start({ port: server.port });
    await until("it is there", () => store.available);
    await store.close();
  });

  test("it starts with a server that says nothing", async () => {
    const server = await start();
    server.kill("SIGSTOP");
    const startMs = performance.now();
    const store = await connect(server.url);
    expect(performance.now() - startMs).toBeLessThan(2_000);
    await expectUnavailable(store);
    server.kill("SIGCONT");
    await until("it is there", () => store.available);
    await store.close();
  });

  test("scripts work after the server forgot them, and prefixes keep stores apart", async () => {
    const server = await start();
    const [one, two] = [await connect(server.url, "one:"), await connect(server.url, "two:")];
    expect(await one.putIfAbsent("k", bytes("1"), 60_000)).toBeUndefined();
    expect(await two.putIfAbsent("k", bytes("2"), 60_000)).toBeUndefined();
    await server.stop();
    await start({ port: server.port });
    await until("both are back", () => one.available && two.available);
    expect(await one.putIfAbsent("k", bytes("1"), 60_000)).toBeUndefined();
    await one.close();
    await two.close();
  });

  test("a full server refuses a put as store-unavailable and serves on", async () => {
    const server = await start({ args: ["--maxmemory", "2mb", "--maxmemory-policy", "noeviction"] });
    const store = await connect(server.url);
    let refused = "";
    for (let index = 0; index < 64 && refused !== "store-unavailable"; index++) {
      refused = await codeOf(() => store.put(`k${index}`, new Uint8Array(65_536), 60_000));
    }
    expect(refused).toBe("store-unavailable");
    expect(await store.get("k0")).toHaveLength(65_536);
    expect(store.available).toBe(true);
    await store.close();
  });
});
