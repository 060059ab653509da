import { spawn } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { resolve } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";

/**
 * Proves by the program itself, as a user starts it: one gather over 24 agents is one connected trace, from the client to
 * 24 handlers, without an orphan. The receiver reads OTLP's protobuf with a few lines of its own.
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
  const spans = bodies.flatMap(spansOf).filter((span) => span.traceId === result.traceId);
  const ids = new Set(spans.map((span) => span.spanId));
  const roots = spans.filter((span) => span.parentId === "");
  expect(roots.map((span) => span.name)).toEqual(["publish nexus.coordinate.gather"]);
  expect(spans.filter((span) => span.parentId !== "" && !ids.has(span.parentId))).toEqual([]);
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

interface SpanIds {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string;
  readonly name: string;
}

/** ExportTraceServiceRequest.resource_spans(1).scope_spans(2).spans(2); a span's fields 1, 2, 4 and 5. */
function spansOf(body: Buffer): SpanIds[] {
  return fields(body, 1)
    .flatMap((resourceSpans) => fields(resourceSpans, 2))
    .flatMap((scopeSpans) => fields(scopeSpans, 2))
    .map((span) => ({
      traceId: fields(span, 1)[0]?.toString("hex") ?? "",
      spanId: fields(span, 2)[0]?.toString("hex") ?? "",
      parentId: fields(span, 4)[0]?.toString("hex") ?? "",
      name: fields(span, 5)[0]?.toString("utf8") ?? "",
    }));
}

/** The length-delimited fields of a protobuf message that have the given number. */
function fields(message: Buffer, wanted: number): Buffer[] {
  const found: Buffer[] = [];
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = message[at++] ?? 0;
      value += (byte & 0x7f) * shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const key = varint();
    const type = key % 8;
    if (type === 0) varint();
    else if (type === 1) at += 8;
    else if (type === 5) at += 4;
    else {
      const length = varint();
      if (Math.floor(key / 8) === wanted) found.push(message.subarray(at, at + length));
      at += length;
    }
  }
  return found;
}
