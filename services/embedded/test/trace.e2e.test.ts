import { spawn } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { resolve } from "node:path";
import { decodeTraces } from "@nexus/adapter-otel/receive";
import { afterAll, beforeAll, expect, it } from "vitest";

/**
 * Proves by the program itself, as a user starts it: one gather over 24 agents is one connected trace, from the client to
 * 24 handlers, without an orphan.
 */

const root = resolve(import.meta.dirname, "../../..");
const bodies: Buffer[] = [];
const receiver = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    if (request.url === "/v1/traces") bodies.push(Buffer.concat(chunks));
    response.writeHead(200, { "content-type": "application/x-protobuf" }).end();
  });
});

beforeAll(() => new Promise<void>((done) => receiver.listen(0, "127.0.0.1", done)));
afterAll(() => new Promise<void>((done) => void receiver.close(() => done())));

it("is one connected trace, client to 24 handlers", async () => {
  const { port } = receiver.address() as AddressInfo;
  const { code, stdout } = await run(["--once", "examples/requests/stats.json"], {
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
  });
  expect(code).toBe(0);
  const result = JSON.parse(stdout) as { traceId: string; status: string };
  expect(result.status).toBe("completed");
  const received = bodies.flatMap((body) => decodeTraces(body, "protobuf").spans);
  const spans = received.filter((span) => span.traceId === result.traceId);
  const ids = new Set(spans.map((span) => span.spanId));
  const roots = spans.filter((span) => span.parentSpanId === undefined);
  expect(roots.map((span) => span.name)).toEqual(["publish nexus.coordinate.gather"]);
  expect(spans.filter(({ parentSpanId }) => parentSpanId !== undefined && !ids.has(parentSpanId))).toEqual([]);
  expect(spans.filter((span) => span.name === "process stats")).toHaveLength(24);
});

function run(args: string[], environment: Record<string, string>): Promise<{ code: number | null; stdout: string }> {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, [resolve(root, "services/embedded/src/main.ts"), ...args], {
      cwd: root,
      env: { ...process.env, ...environment },
      stdio: ["ignore", "pipe", "inherit"],
    });
    let stdout = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.once("error", fail);
    child.once("exit", (code) => done({ code, stdout }));
  });
}
