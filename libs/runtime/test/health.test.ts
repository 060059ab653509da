/** Health: what makes a service unready and what only degrades it, and the HTTP endpoints that tell it. */
import { createServer } from "node:net";
import { afterEach, expect, test } from "vitest";
import { createHealth, type HealthServer, startHealthServer } from "../src/index.ts";

const servers: HealthServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
});

test("H1: a required check makes it unready, another one degraded; H2: a check that throws has failed", () => {
  const health = createHealth();
  let nats = true;
  let store = true;
  health.add("nats", true, () => ({ ok: nats, detail: "" }));
  health.add("store", false, () => {
    if (!store) throw new Error("away");
    return { ok: true, detail: "" };
  });
  expect(health.report().status).toBe("ready");
  store = false;
  expect(health.report()).toEqual({
    status: "degraded",
    checks: { nats: { ok: true, detail: "" }, store: { ok: false, detail: "away" } },
  });
  nats = false;
  expect(health.report().status).toBe("unready");
  nats = true;
  store = true;
  health.stopping();
  expect(health.report()).toMatchObject({ status: "unready", checks: { lifecycle: { ok: false } } });
});

test("/healthz is 200 while the process runs, /readyz 503 while it cannot work; nothing else is there", async () => {
  const health = createHealth();
  let ok = true;
  health.add("nats", true, () => ({ ok, detail: "x" }));
  const server = await startHealthServer({ port: 0, host: "127.0.0.1" }, health);
  servers.push(server);
  const get = (path: string, method = "GET") => fetch(`http://127.0.0.1:${server.port}${path}`, { method });
  expect((await get("/readyz?x=1")).status).toBe(200);
  ok = false;
  const unready = await get("/readyz");
  expect(unready.status).toBe(503);
  expect(await unready.json()).toEqual({ status: "unready", checks: { nats: { ok: false, detail: "x" } } });
  expect((await get("/healthz")).status).toBe(200);
  expect((await get("/healthz", "HEAD")).status).toBe(200);
  expect((await get("/healthz", "POST")).status).toBe(405);
  expect((await get("/")).status).toBe(404);
});

test("a port that is taken is told by its variable's name", async () => {
  const taken = createServer();
  await new Promise<void>((listening) => taken.listen(0, "127.0.0.1", listening));
  const address = taken.address();
  const port = address !== null && typeof address === "object" ? address.port : 0;
  await expect(startHealthServer({ port, host: "127.0.0.1" }, createHealth())).rejects.toThrow(/NEXUS_HEALTH_PORT/);
  await new Promise((closed) => taken.close(closed));
});
