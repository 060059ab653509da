/** The console over real HTTP: our own exporter sends, Jaeger's API reads; refusals, bounds; and what it tells on the bus. */
import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { gzipSync } from "node:zlib";
import { createMemoryBroker, createMemoryStore } from "@nexus/adapter-memory";
import { createIds, systemClock } from "@nexus/adapter-node";
import { startOtel } from "@nexus/adapter-otel";
import { decode, serviceReportSchema, traceServicesAnswerSchema, tracesAnswerSchema } from "@nexus/contracts";
import { type Bus, type Logger, noTelemetry, silentLogger } from "@nexus/ports";
import { createVirtualClock } from "@nexus/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Console, type ConsoleOptions, startConsole } from "../src/index.ts";

const running: Console[] = [];
let client: Bus;
let bus: Bus;
beforeEach(() => {
  const broker = createMemoryBroker();
  bus = broker.connect();
  client = broker.connect();
});
afterEach(async () => {
  await Promise.allSettled(running.splice(0).map((console) => console.stop())); // a test may have closed the bus
});

async function start(options: Partial<ConsoleOptions> = {}, more: { clock?: typeof systemClock; logger?: Logger } = {}) {
  const store = createMemoryStore(systemClock, { entriesMax: 10, bytesMax: 1_000 });
  const deps = { bus, store, clock: systemClock, ids: createIds(), logger: silentLogger, telemetry: noTelemetry, ...more };
  const console = await startConsole({ prefix: "nexus", version: "1.2.3", instance: "c1", ...options }, deps);
  running.push(console);
  return console;
}

const span = (trace: string, id: string) => ({ traceId: trace.repeat(32), spanId: id.repeat(16), name: "n" });
const body = (...spans: object[]) => JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] });
const post = (url: string, content: string | Uint8Array, headers: Record<string, string> = {}) =>
  fetch(`${url}/v1/traces`, {
    method: "POST",
    body: content as string,
    headers: { "content-type": "application/json", ...headers },
  });
const tracesOf = async (url: string) => tracesAnswerSchema.parse(await (await fetch(url)).json());

test("what our exporter sends is served as Jaeger would", async () => {
  const { url } = await start();
  const otel = startOtel({ serviceName: "nexus-router", serviceVersion: "1", instanceId: "i", endpoint: url, sampleRatio: 1 });
  const root = otel.telemetry.startSpan("routerCoordinate", {
    kind: "server",
    fill: { type: "gather" },
    attributes: { "nexus.request.id": "01J" },
  });
  for (let i = 0; i < 24; i++) {
    otel.telemetry.startSpan("handler", { kind: "consumer", parent: root.context, fill: { operation: "stats" } }).end();
  }
  root.end();
  await otel.shutdown();
  const { data, errors } = await tracesOf(`${url}/api/traces/${root.context.traceId}`);
  expect(errors).toBeNull();
  expect(data?.[0]?.spans).toHaveLength(25);
  const names = data?.[0]?.spans.filter((known) => known.references.length === 0).map(({ operationName }) => operationName);
  expect(names).toEqual(["process nexus.coordinate.gather"]);
  const search = new URLSearchParams({ service: "nexus-router", tags: '{"nexus.request.id":"01J"}', limit: "1" });
  expect((await tracesOf(`${url}/api/traces?${search}`)).data?.map(({ traceID }) => traceID)).toEqual([root.context.traceId]);
  expect(traceServicesAnswerSchema.parse(await (await fetch(`${url}/api/services`)).json()).data).toEqual(["nexus-router"]);
});

describe("POST /v1/traces", () => {
  test("takes JSON, gzip too, and answers in kind", async () => {
    const { url } = await start();
    const plain = await post(url, body(span("a", "1")));
    const packed = await post(url, gzipSync(body(span("a", "2"))), { "content-encoding": "gzip" });
    expect([plain.status, plain.headers.get("content-type"), await plain.json()]).toEqual([200, "application/json", {}]);
    expect([packed.status, await packed.json()]).toEqual([200, {}]);
    expect((await tracesOf(`${url}/api/traces/${"a".repeat(32)}`)).data?.[0]?.spans).toHaveLength(2);
  });

  test("tells how many spans it did not take, and why", async () => {
    const { url } = await start({ spansPerTraceMax: 1 });
    const answer = await post(url, body(span("a", "1"), span("a", "2"), span("0", "1")));
    expect(await answer.json()).toEqual({
      partialSuccess: { rejectedSpans: 2, errorMessage: expect.stringContaining("traceId") },
    });
  });

  const refusals: [string, string | Uint8Array, Record<string, string>, number, RegExp][] = [
    ["broken JSON", "{", {}, 400, /not an OTLP export request/],
    ["another type", "x", { "content-type": "text/plain" }, 415, /Unsupported Media Type/],
    ["no gzip", "x", { "content-encoding": "gzip" }, 400, /not gzip/],
    ["another coding", "x", { "content-encoding": "br" }, 415, /gzip, or be left out/],
    ["a body too large", "x".repeat(2_000), {}, 413, /too large/],
    ["a body that unpacks too large", gzipSync("x".repeat(100_000)), { "content-encoding": "gzip" }, 413, /more than 1500 bytes/],
  ];
  test.each(refusals)("refuses %s", async (_, content, headers, status, message) => {
    const { url } = await start({ bodyBytesMax: 1_500 });
    const answer = await post(url, content, headers);
    expect([answer.status, await answer.text()]).toEqual([status, expect.stringMatching(message)]);
    expect((await post(url, body(span("a", "1")))).status).toBe(200);
  });

  test("metrics are not received, and it says so", async () => {
    const { url } = await start();
    const answer = await fetch(`${url}/v1/metrics`, {
      method: "POST",
      body: "{}",
      headers: { "content-type": "application/json" },
    });
    expect([answer.status, await answer.text()]).toEqual([404, expect.stringContaining("only traces")]);
  });
});

test.each([
  ["/api/traces/xyz", 400, "hexadecimal"],
  [`/api/traces/${"a".repeat(33)}`, 400, "hexadecimal"],
  [`/api/traces/${"a".repeat(32)}`, 404, "trace not found"],
  ["/api/traces", 400, "service"],
  ["/api/traces?service=x&limit=0", 400, "limit"],
  ["/api/traces?service=x&tags=1", 400, "tags"],
  ["/api/traces?service=a&service=b", 400, "service"],
  ["/api/nothing", 404, "GET / lists"],
])("GET %s is refused as Jaeger does: %d", async (path, status, message) => {
  const { url } = await start();
  const answer = await fetch(`${url}${path}`);
  expect([answer.status, await answer.json()]).toEqual([
    status,
    { data: null, total: 0, limit: 0, offset: 0, errors: [{ code: status, msg: expect.stringContaining(message) }] },
  ]);
});

test("health, and readiness that follows the bus; both tell what had no room", async () => {
  const { url } = await start({ tracesMax: 1 });
  await post(url, body(span("a", "1"), span("b", "1"), span("c", "1")));
  const health = await (await fetch(`${url}/readyz`)).json();
  expect(health).toMatchObject({
    status: "ready",
    checks: { traces: { ok: true, detail: "1 traces of 1 spans, 1 KiB; 2 traces and 0 spans had no room" } },
  });
  await bus.close();
  expect([(await fetch(`${url}/readyz`)).status, (await fetch(`${url}/healthz`)).status]).toEqual([503, 200]);
});

test("its registration tells where traces are, and its report the counts", async () => {
  const { url } = await start({ url: "http://console.example:4318/" });
  expect(url).toBe("http://console.example:4318");
  const info = await client.request("$SRV.INFO.nexus-console", new Uint8Array(), { timeoutMs: 2_000 });
  expect(decode(info.data)).toMatchObject({ name: "nexus-console", metadata: { traces_url: url, instance: "c1" } });
  const report = await client.request("nexus.services.report", new Uint8Array(), { timeoutMs: 2_000 });
  expect(serviceReportSchema.parse(decode(report.data))).toMatchObject({ service: "console", counts: { traces: 0 } });
});

test("C1: a request for another name is not answered", async () => {
  const { url } = await start();
  const { port } = new URL(url);
  const status = await new Promise((resolve, reject) => {
    const asked = httpRequest(
      { host: "127.0.0.1", port, path: "/api/services", headers: { host: "rebound.example" } },
      (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      },
    );
    asked.once("error", reject);
    asked.end();
  });
  expect(status).toBe(421);
  expect((await fetch(`http://localhost:${port}/api/services`)).status).toBe(200);
});

test("a port that is taken is told with its variable", async () => {
  const { url } = await start();
  await expect(start({ port: Number(new URL(url).port) })).rejects.toMatchObject({
    code: "invalid-field",
    field: "NEXUS_CONSOLE_PORT",
  });
});

test("what had to go for want of room is logged, not each time", async () => {
  const clock = createVirtualClock();
  const warned: object[] = [];
  const { url } = await start(
    { tracesMax: 1 },
    { clock, logger: { ...silentLogger, warn: (fields) => void warned.push(fields) } },
  );
  await post(url, body(span("a", "1"), span("b", "1"), span("c", "1")));
  clock.advance(30_000);
  expect(warned).toEqual([{ traces: 2 }]);
});

test("what is too old goes though nothing arrives", async () => {
  const clock = createVirtualClock();
  const { url } = await start({ retentionMs: 5_000 }, { clock });
  await post(url, body(span("a", "1")));
  clock.advance(30_000);
  expect((await fetch(`${url}/api/traces/${"a".repeat(32)}`)).status).toBe(404);
});

test("an answer holds whole traces up to a number of spans, and counts the others", async () => {
  const { url } = await start({ spansPerTraceMax: 9_000 });
  const idOf = (index: number) => index.toString(16).padStart(16, "0");
  for (const trace of ["a", "b", "c"]) {
    const spans = Array.from({ length: 9_000 }, (_, index) => ({ ...span(trace, "1"), spanId: idOf(index + 1) }));
    expect((await post(url, body(...spans))).status).toBe(200);
  }
  const { data, total } = await tracesOf(`${url}/api/traces?service=unknown_service`);
  expect([data?.map(({ traceID }) => traceID[0]), total]).toEqual([["c", "b"], 3]);
});

test("C2: connections beyond the bound are closed at once", { timeout: 20_000 }, async () => {
  const { url } = await start();
  const port = Number(new URL(url).port);
  const open = await Promise.all(
    Array.from({ length: 256 }, async () => {
      const socket = connect(port, "127.0.0.1").on("error", () => {});
      await once(socket, "connect");
      return socket;
    }),
  );
  const late = connect(port, "127.0.0.1").on("error", () => {});
  await once(late, "close");
  for (const socket of open) socket.destroy();
  expect(open.every((socket) => socket.bytesRead === 0)).toBe(true);
});
