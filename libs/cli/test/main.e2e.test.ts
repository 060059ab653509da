import { spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { resolve } from "node:path";
import { expect, it } from "vitest";

/** The command as a process. */

it("ends when it is done, though a server that says nothing keeps a socket open", { timeout: 30_000 }, async () => {
  const silent = createServer((socket) => socket.on("error", () => {}));
  await new Promise<void>((listening) => silent.listen(0, "127.0.0.1", listening));
  const server = `nats://127.0.0.1:${(silent.address() as AddressInfo).port}`;
  const main = resolve(import.meta.dirname, "../src/main.ts");
  const child = spawn(process.execPath, [main, "agents", "--server", server], { stdio: ["ignore", "ignore", "pipe"] });
  const ended = once(child, "close", { signal: AbortSignal.timeout(20_000) });
  let complaint = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaint += text;
  });
  try {
    expect((await ended)[0]).toBe(1);
    expect(complaint).toMatch(/^error disconnected: [^\n]+\n$/);
  } finally {
    child.kill("SIGKILL");
    silent.close();
  }
});

it("ends quietly when nobody reads on", async () => {
  const main = resolve(import.meta.dirname, "../src/main.ts");
  const child = spawn(process.execPath, [main, "--help"], { stdio: ["ignore", "pipe", "pipe"] });
  child.stdout.destroy(); // long before it has anything to say
  let complaint = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaint += text;
  });
  const [code] = await once(child, "close");
  expect(complaint).toBe("");
  expect(code).toBe(141);
});
