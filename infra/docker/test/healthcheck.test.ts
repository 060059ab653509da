/** The healthcheck as a container runs it, against a server that answers one way or the other. */
import { execFile } from "node:child_process";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

async function serve(status: number): Promise<number> {
  const server = createServer((request, response) => {
    response.writeHead(request.url === "/readyz" ? status : 404).end('{"status":"told"}');
  });
  servers.push(server);
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return (server.address() as AddressInfo).port;
}

function check(port: number | undefined): Promise<{ code: number; output: string }> {
  const { NEXUS_HEALTH_PORT: _, ...rest } = process.env;
  const env = port === undefined ? rest : { ...rest, NEXUS_HEALTH_PORT: String(port) };
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [join(import.meta.dirname, "../healthcheck.mjs")],
      { env },
      (_error, stdout, stderr) => resolve({ code: child.exitCode ?? -1, output: stdout + stderr }),
    );
  });
}

test("ready: 0, with what was answered", async () => {
  expect(await check(await serve(200))).toEqual({ code: 0, output: '{"status":"told"}' });
});

test("unready: 1, with what was answered", async () => {
  expect(await check(await serve(503))).toEqual({ code: 1, output: '{"status":"told"}' });
});

test("nobody listens: 1, with the reason", async () => {
  const port = await serve(200);
  servers.pop()?.close();
  expect(await check(port)).toMatchObject({ code: 1, output: expect.stringContaining("ECONNREFUSED") });
});

test("no port is set: 1, and the variable is named", async () => {
  expect(await check(undefined)).toMatchObject({ code: 1, output: expect.stringContaining("NEXUS_HEALTH_PORT") });
});
