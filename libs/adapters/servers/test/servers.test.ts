/** The launchers of private servers: they tell failures apart, start what was asked for, and leave nothing behind. */
import { spawn } from "node:child_process";
import { afterAll, describe, expect, test, vi } from "vitest";
import { ServerStartError, startNatsServer, startRedisServer } from "../src/index.ts";

const started: { stop(): Promise<void> }[] = [];
async function keep<T extends { stop(): Promise<void> }>(starting: Promise<T>): Promise<T> {
  const server = await starting;
  started.push(server);
  return server;
}
afterAll(async () => {
  for (const server of started) await server.stop();
});

async function reasonOf(starting: Promise<{ stop(): Promise<void> }>): Promise<string> {
  try {
    await keep(starting);
  } catch (error) {
    if (error instanceof ServerStartError) return error.reason;
    throw error;
  }
  return "it started";
}

describe("startNatsServer", () => {
  test("tells a taken port, a missing binary and a wrong configuration apart", async () => {
    const server = await keep(startNatsServer());
    expect(await reasonOf(startNatsServer({ port: server.port }))).toBe("port-taken");
    expect(await reasonOf(startNatsServer({ binary: "/nonexistent/nats-server" }))).toBe("not-found");
    expect(await reasonOf(startNatsServer({ config: "no_such_option: 1" }))).toBe("exited");
    expect(await reasonOf(startNatsServer({ binary: "sleep", startTimeoutMs: 100 }))).toBe("exited");
  });

  test("runs JetStream when asked, with a name of its own", async () => {
    const one = await keep(startNatsServer({ jetstream: true }));
    const two = await keep(startNatsServer());
    expect(one.serverName).not.toBe(two.serverName);
    expect(one.logTail()).toMatch(/Starting JetStream/);
    expect(two.logTail()).not.toMatch(/Starting JetStream/);
  });

  test("the server ends with the process that started it", async () => {
    const module = new URL("../src/index.ts", import.meta.url).href;
    const script = `const { startNatsServer } = await import(${JSON.stringify(module)});
      const server = await startNatsServer(); process.stdout.write(String(server.pid), () => process.exit(3));`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    child.stdout.on("data", (chunk) => {
      output += chunk;
    });
    const code = await new Promise((resolve) => child.once("close", resolve));
    expect(code).toBe(3);
    const pid = Number(output);
    expect(pid).toBeGreaterThan(1);
    await vi.waitFor(() => expect(isAlive(pid)).toBe(false), { timeout: 5_000, interval: 10 });
  });
});

describe("startRedisServer", () => {
  test("tells a taken port and a missing binary apart", async () => {
    const server = await keep(startRedisServer());
    expect(await reasonOf(startRedisServer({ port: server.port }))).toBe("port-taken");
    expect(await reasonOf(startRedisServer({ binary: "/nonexistent/redis-server" }))).toBe("not-found");
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
