/** A process of the fleet tells that it is ready once its agents can be reached, and that it is not while NATS is away. */
import { type ChildProcess, spawn } from "node:child_process";
import { type AddressInfo, createServer } from "node:net";
import { join, resolve } from "node:path";
import { type NatsServer, startNatsServer } from "@nexus/adapter-servers";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = resolve(import.meta.dirname, "../../..");
let nats: NatsServer;
let child: ChildProcess;
let port = 0;

beforeAll(async () => {
  nats = await startNatsServer();
  port = await freePort();
  child = spawn(process.execPath, [join(root, "examples/code-search/src/main.ts")], {
    env: {
      ...process.env,
      NEXUS_NATS_URL: nats.url,
      NEXUS_HEALTH_PORT: String(port),
      NEXUS_LOG_LEVEL: "error",
      CODE_SEARCH_ROOT: join(root, "examples"),
      CODE_SEARCH_SHARDS: "2",
      CODE_SEARCH_COUNT: "2",
    },
    stdio: ["ignore", "ignore", "inherit"],
  });
});
afterAll(async () => {
  const ended = new Promise((resolve) => child.once("exit", resolve));
  if (child.exitCode === null && child.kill("SIGTERM")) await ended;
  await nats.stop();
});

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port: free } = server.address() as AddressInfo;
      server.close(() => resolve(free));
    });
  });
}

const ready = () =>
  fetch(`http://127.0.0.1:${port}/readyz`).then(
    async (response) => ({ status: response.status, body: await response.json() }),
    () => undefined,
  );

test("ready with its agents, unready without NATS", async () => {
  await expect.poll(ready, { timeout: 20_000 }).toMatchObject({
    status: 200,
    body: { status: "ready", checks: { agents: { ok: true, detail: "2 of 2" }, nats: { ok: true } } },
  });
  await nats.stop();
  await expect.poll(ready, { timeout: 20_000 }).toMatchObject({ status: 503, body: { checks: { nats: { ok: false } } } });
});
