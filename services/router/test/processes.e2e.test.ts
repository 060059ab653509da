import { type ChildProcess, spawn } from "node:child_process";
import { resolve } from "node:path";
import { connectNats } from "@nexus/adapter-nats";
import { startNatsServer } from "@nexus/adapter-servers";
import { decode } from "@nexus/contracts";
import { afterAll, expect, it } from "vitest";
import { until } from "./stack.ts";

/** Proves: each service runs as a process of its own, is seen by `nats micro`, says what it cannot do yet, and drains on SIGTERM. */

const root = resolve(import.meta.dirname, "../../..");
const services = ["router", "consensus", "gossip", "predictor", "adaptive"];
const children: ChildProcess[] = [];
afterAll(() => {
  for (const child of children) child.kill("SIGKILL");
});

function start(service: string, url: string): { child: ChildProcess; log: () => string } {
  const child = spawn(process.execPath, [resolve(root, `services/${service}/src/main.ts`)], {
    env: { PATH: process.env["PATH"], NEXUS_NATS_URL: url },
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.push(child);
  let log = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      log += text;
    });
  }
  return { child, log: () => log };
}

it("runs every service as a process", async () => {
  const server = await startNatsServer();
  const client = await connectNats({ servers: server.url, name: "test" });
  const running = services.map((service) => start(service, server.url));
  await until("all are ready", () => running.every(({ log }) => log().includes('"msg":"ready"')), 20_000);
  for (const service of services) {
    const info = await client.request(`$SRV.INFO.nexus-${service}`, new Uint8Array(), { timeoutMs: 2_000 });
    expect(decode(info.data)).toMatchObject({ name: `nexus-${service}`, metadata: { wire_max: "1" } });
  }
  const answer = await client.request("nexus.consensus.propose", new Uint8Array(), { timeoutMs: 2_000 });
  expect(decode(answer.data)).toMatchObject({ error: { code: "not-implemented" } });
  const ended = running.map(({ child }) => new Promise((done) => child.once("exit", done)));
  for (const { child } of running) child.kill("SIGTERM");
  expect(await Promise.all(ended)).toEqual([0, 0, 0, 0, 0]);
  await client.close();
  await server.stop();
});

it("ends with one clear line where NATS is not there", async () => {
  const away = start("router", "nats://127.0.0.1:1");
  await new Promise((done) => away.child.once("exit", done));
  expect(away.child.exitCode).toBe(1);
  expect(away.log()).toMatch(/error disconnected: .*127\.0\.0\.1:1/);
});
