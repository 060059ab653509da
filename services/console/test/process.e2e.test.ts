/** The console as a process of its own: found by its registration, takes and gives traces, drains on SIGTERM. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { connectNats } from "@nexus/adapter-nats";
import { startNatsServer } from "@nexus/adapter-servers";
import { decode } from "@nexus/contracts";
import { waitUntil } from "@nexus/testing";
import { expect, test } from "vitest";

function start(environment: Record<string, string>) {
  const child = spawn(process.execPath, [resolve(import.meta.dirname, "../src/main.ts")], {
    env: { PATH: process.env["PATH"] ?? "", ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      log += text;
    });
  }
  return { child, log: () => log, ended: once(child, "close").then(([code]) => code as number | null) };
}

test("starts, tells where it is, keeps a trace, ends with 0; a second one on its port ends with 2", async () => {
  const server = await startNatsServer();
  const bus = await connectNats({ servers: server.url, name: "test" });
  const console = start({ NEXUS_NATS_URL: server.url, NEXUS_CONSOLE_PORT: "0" });
  await waitUntil(() => console.log().includes('"msg":"ready"'), { what: "ready", deadlineMs: 20_000 });
  const info = decode((await bus.request("$SRV.INFO.nexus-console", new Uint8Array(), { timeoutMs: 2_000 })).data);
  const url = (info as { metadata: Record<string, string> }).metadata["traces_url"] ?? "";
  const traceId = "ab".repeat(16);
  const spans = [{ traceId, spanId: "cd".repeat(8), name: "n" }];
  const body = JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] });
  const sent = await fetch(`${url}/v1/traces`, { method: "POST", body, headers: { "content-type": "application/json" } });
  expect([sent.status, (await fetch(`${url}/api/traces/${traceId}`)).status]).toEqual([200, 200]);
  const second = start({ NEXUS_NATS_URL: server.url, NEXUS_CONSOLE_PORT: new URL(url).port });
  expect([await second.ended, second.log()]).toEqual([2, expect.stringContaining("choose another NEXUS_CONSOLE_PORT")]);
  console.child.kill("SIGTERM");
  expect(await console.ended).toBe(0);
  await bus.close();
  await server.stop();
});
