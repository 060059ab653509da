/**
 * The four service processes as an operator starts them: `main.ts` with an environment, a real nats-server, HTTP health,
 * SIGTERM; and the ways in which a start fails.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { resolve } from "node:path";
import { connectNats } from "@nexus/adapter-nats";
import { type NatsServer, startNatsServer } from "@nexus/adapter-servers";
import { decode, failureSchema } from "@nexus/contracts";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";

const root = resolve(import.meta.dirname, "../../..");
const services = ["consensus", "gossip", "predictor", "adaptive"] as const;
const children: ChildProcess[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill("SIGKILL");
    await once(child, "close");
  }
});

function run(service: string, environment: Record<string, string>) {
  const child = spawn(process.execPath, [resolve(root, `services/${service}/src/main.ts`)], {
    env: { PATH: process.env["PATH"] ?? "", ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.push(child);
  let output = "";
  const ended = once(child, "close").then(([code]) => code as number | null);
  const said = (text: string) =>
    new Promise<void>((found, fail) => {
      const look = () => output.includes(text) && found();
      child.stdout.on("data", look);
      look();
      void ended.then(() => fail(new Error(`ended without "${text}": ${output}`)));
    });
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  return { child, ended, said, output: () => output };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const address = server.address();
  await new Promise((closed) => server.close(closed));
  return address !== null && typeof address === "object" ? address.port : 0;
}

test("a configuration that is not valid: every fault in one line, exit code 2", async () => {
  const { ended, output } = run("gossip", { NEXUS_HEALTH_PORT: "x", NEXUS_PREFIX: "*" });
  expect(await ended).toBe(2);
  expect(output().trim().split("\n")).toHaveLength(1);
  expect(output()).toMatch(/NEXUS_PREFIX.*NEXUS_HEALTH_PORT/);
});

test("no NATS: what to do, exit code 1; the password is not shown", async () => {
  const { ended, output } = run("gossip", { NEXUS_NATS_URL: "nats://me:geheim@127.0.0.1:1" });
  expect(await ended).toBe(1);
  expect(output()).toContain("error disconnected: no NATS server answers at nats://127.0.0.1:1");
  expect(output()).not.toContain("geheim");
});

describe.skipIf(!existsSync("/usr/sbin/nats-server"))("with a nats-server", () => {
  let server: NatsServer;
  beforeAll(async () => {
    server = await startNatsServer();
  });
  afterAll(() => server.stop());

  test.each(services)("%s becomes ready, refuses what it does not do, and ends cleanly on SIGTERM", async (service) => {
    const port = await freePort();
    const { child, said, ended, output } = run(service, {
      NEXUS_NATS_URL: server.url,
      NEXUS_HEALTH_PORT: String(port),
      NEXUS_HEALTH_HOST: "127.0.0.1",
      NEXUS_INSTANCE: "one",
      NEXUS_PREFX: "misspelt",
    });
    await said('"msg":"ready"');
    expect(output()).toContain("did you mean NEXUS_PREFIX?");
    expect(output()).toContain("REDIS_URL is not set");
    const readiness = await fetch(`http://127.0.0.1:${port}/readyz`);
    expect([readiness.status, await readiness.json()]).toEqual([
      200,
      { status: "ready", checks: { nats: expect.anything(), store: { ok: true, detail: "memory of this process" } } },
    ]);
    const bus = await connectNats({ servers: server.url, name: "test" });
    try {
      const ping = await bus.request(`$SRV.PING.nexus-${service}`, new Uint8Array(0), { timeoutMs: 2_000 });
      expect(decode(ping.data)).toMatchObject({ metadata: { instance: "one" } });
      const verb = { consensus: "propose", gossip: "watch", predictor: "predict", adaptive: "policy" }[service];
      const reply = await bus.request(`nexus.${service}.${verb}`, new Uint8Array(0), { timeoutMs: 2_000 });
      expect(failureSchema.parse(decode(reply.data)).error.code).toBe("not-implemented");
      child.kill("SIGTERM");
      expect(await ended).toBe(0);
      await expect(bus.request(`nexus.${service}.health`, new Uint8Array(0), { timeoutMs: 2_000 })).rejects.toMatchObject({
        code: "no-responders",
      });
    } finally {
      await bus.close();
    }
  });

  test("a health port that is taken: the variable is named, exit code 2", async () => {
    const { ended, output } = run("gossip", {
      NEXUS_NATS_URL: server.url,
      NEXUS_HEALTH_PORT: String(server.port),
      NEXUS_HEALTH_HOST: "127.0.0.1",
    });
    expect(await ended).toBe(2);
    expect(output()).toContain("NEXUS_HEALTH_PORT");
  });
});

describe.skipIf(!existsSync("/usr/sbin/nats-server"))("a nats-server that goes away", () => {
  test("takes the service out of rotation, and it still ends cleanly", async () => {
    const server = await startNatsServer();
    const port = await freePort();
    const { child, said, ended } = run("gossip", {
      NEXUS_NATS_URL: server.url,
      NEXUS_HEALTH_PORT: String(port),
      NEXUS_HEALTH_HOST: "127.0.0.1",
    });
    await said('"msg":"ready"');
    await server.stop();
    const statusOf = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).status;
    const deadlineMs = performance.now() + 10_000;
    let status = await statusOf("/readyz");
    while (status !== 503 && performance.now() < deadlineMs) status = await statusOf("/readyz");
    expect(status).toBe(503);
    expect(await statusOf("/healthz")).toBe(200);
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
  });
});
