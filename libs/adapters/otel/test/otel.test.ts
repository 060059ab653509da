/**
 * The Telemetry port over OpenTelemetry: what arrives at a real HTTP receiver, W3C contexts in headers, sampling, and a
 * receiver that is not there. The protobuf is searched for names, which it carries as plain UTF-8.
 */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type Logger, noTelemetry, silentLogger } from "@nexus/ports";
import { parseTraceParent } from "@opentelemetry/core";
import { afterEach, describe, expect, test } from "vitest";
import { type OtelOptions, type RunningOtel, startOtel } from "../src/index.ts";

interface Receiver {
  readonly endpoint: string;
  readonly bodies: { readonly path: string; readonly type: string; readonly text: string }[];
}

const servers: Server[] = [];
const running: RunningOtel[] = [];
afterEach(async () => {
  for (const otel of running.splice(0)) await otel.shutdown();
  for (const server of servers.splice(0)) await new Promise((closed) => server.close(closed));
});

async function receive(status = 200): Promise<Receiver> {
  const bodies: Receiver["bodies"] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const type = request.headers["content-type"] ?? "";
      bodies.push({ path: request.url ?? "", type, text: Buffer.concat(chunks).toString("latin1") });
      response.writeHead(status, { "content-type": "application/x-protobuf", connection: "close" }).end();
    });
  });
  servers.push(server);
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, bodies };
}

function start(endpoint: string | undefined, more: Partial<OtelOptions> = {}): RunningOtel {
  const options = { serviceName: "nexus-test", serviceVersion: "1.2.3", instanceId: "i-1", endpoint, sampleRatio: 1, ...more };
  const otel = startOtel(options);
  running.push(otel);
  return otel;
}

const countOf = (bodies: Receiver["bodies"], path: string, text: string): number =>
  bodies.filter((body) => body.path === path).reduce((sum, body) => sum + body.text.split(text).length - 1, 0);

describe("export", () => {
  test("every span and metric arrives as protobuf, named by the contract, with the service's identity", async () => {
    const { endpoint, bodies } = await receive();
    const { telemetry, shutdown } = start(`${endpoint}/`);
    const root = telemetry.startSpan("routerCoordinate", { kind: "server", fill: { type: "gather" } });
    for (let i = 0; i < 20; i++) {
      const child = telemetry.startSpan("handler", { kind: "consumer", parent: root.context, fill: { operation: "echo" } });
      child.event("began");
      child.end(i === 0 ? "handler-failed" : undefined);
    }
    root.end();
    telemetry.count("coordinations", 3, { "nexus.status": "completed" });
    telemetry.record("coordinationDuration", 0.25);
    const endGauge = telemetry.gauge("agentsKnown", () => 7);
    telemetry.gauge("coordinationsActive", () => 1)();
    await shutdown();
    endGauge();
    expect(countOf(bodies, "/v1/traces", "process echo")).toBe(20);
    expect(countOf(bodies, "/v1/traces", "process nexus.coordinate.gather")).toBe(1);
    expect(countOf(bodies, "/v1/traces", "error.type")).toBe(1);
    expect(countOf(bodies, "/v1/traces", "nexus-test")).toBe(1);
    expect(countOf(bodies, "/v1/metrics", "nexus.coordination.duration")).toBe(1);
    expect(countOf(bodies, "/v1/metrics", "nexus.agents.known")).toBe(1);
    expect(countOf(bodies, "/v1/metrics", "nexus.coordinations.active")).toBe(0); // its reading ended
    expect(new Set(bodies.map((body) => body.type))).toEqual(new Set(["application/x-protobuf"]));
  });

  test("ratio 0 records nothing that begins here, and all of what a sampled sender began", async () => {
    const { endpoint, bodies } = await receive();
    const { telemetry, shutdown } = start(endpoint, { sampleRatio: 0 });
    telemetry.startSpan("fanOut", { kind: "producer" }).end();
    const parent = telemetry.extract({ traceparent: `00-${"ab".repeat(16)}-${"cd".repeat(8)}-01` });
    if (parent === undefined) throw new Error("a valid traceparent was not understood");
    telemetry.startSpan("handler", { kind: "consumer", parent, fill: { operation: "mine" } }).end();
    await shutdown();
    expect(countOf(bodies, "/v1/traces", "publish agents.in")).toBe(0);
    expect(countOf(bodies, "/v1/traces", "process mine")).toBe(1);
  });

  test("a ratio between records that share of the traces, whole or not at all", async () => {
    const { endpoint, bodies } = await receive();
    const { telemetry, shutdown } = start(endpoint, { sampleRatio: 0.3 });
    const traceIds = new Set<string | undefined>();
    for (let i = 0; i < 1_000; i++) {
      const root = telemetry.startSpan("routerCoordinate", { kind: "server", fill: { type: "gather" } });
      traceIds.add(root.context.traceId);
      const headers: Record<string, string> = {};
      telemetry.inject(telemetry.startSpan("fanOut", { kind: "producer", parent: root.context }).context, headers);
      const parent = telemetry.extract(headers);
      expect(parent?.traceId).toBe(root.context.traceId);
      telemetry.startSpan("handler", { kind: "consumer", ...(parent && { parent }), fill: { operation: "far" } }).end();
      root.end();
    }
    await shutdown();
    expect(traceIds.size).toBe(1_000);
    expect([...traceIds].filter((id) => !/^(?!0{32})[0-9a-f]{32}$/.test(id ?? ""))).toEqual([]);
    const [roots, handlers] = ["process nexus.coordinate.gather", "process far"].map((name) =>
      countOf(bodies, "/v1/traces", name),
    );
    expect(roots).toBe(handlers);
    expect(roots).toBeGreaterThan(200);
    expect(roots).toBeLessThan(400);
  });

  test("a receiver that refuses is told once per signal, and stops nothing", async () => {
    const { endpoint } = await receive(400);
    const warned: object[] = [];
    const logger: Logger = { ...silentLogger, warn: (fields) => void warned.push(fields) };
    const { telemetry, shutdown } = start(endpoint, { logger });
    telemetry.startSpan("fanOut", { kind: "producer" }).end();
    telemetry.count("coordinations", 1);
    await shutdown();
    expect(warned.map((fields) => (fields as { url: string }).url).sort()).toEqual([
      `${endpoint}/v1/metrics`,
      `${endpoint}/v1/traces`,
    ]);
  });

  test("nobody listens: shutdown ends within seconds", async () => {
    const { telemetry, shutdown } = start("http://127.0.0.1:1");
    telemetry.startSpan("fanOut", { kind: "producer" }).end();
    const beganMs = performance.now();
    await shutdown();
    expect(performance.now() - beganMs).toBeLessThan(6_000);
  });

  test("a URL for traces goes before the base URL, and alone it is for traces alone", async () => {
    const [base, own] = [await receive(), await receive()];
    for (const endpoint of [base.endpoint, undefined]) {
      const { telemetry, shutdown } = start(endpoint, { tracesUrl: `${own.endpoint}/v1/traces` });
      telemetry.startSpan("fanOut", { kind: "producer" }).end();
      telemetry.count("coordinations", 1);
      await shutdown();
    }
    expect(own.bodies.map(({ path }) => path)).toEqual(["/v1/traces", "/v1/traces"]);
    expect(base.bodies.map(({ path }) => path)).toEqual(["/v1/metrics"]);
  });

  test("without an endpoint nothing is recorded", () => {
    expect(start(undefined).telemetry).toBe(noTelemetry);
  });
});

describe("contexts in headers", () => {
  test("what is injected is extracted, with the same trace and the sampled flag", async () => {
    const { telemetry } = start((await receive()).endpoint);
    const span = telemetry.startSpan("clientCoordinate", { kind: "client", fill: { type: "gather" } });
    const headers: Record<string, string> = { other: "stays" };
    telemetry.inject(span.context, headers);
    expect(headers["traceparent"]).toMatch(new RegExp(`^00-${span.context.traceId}-[0-9a-f]{16}-01$`));
    expect(headers["other"]).toBe("stays");
    expect(telemetry.extract(headers)?.traceId).toBe(span.context.traceId);
  });

  test("record: false goes on in the trace with the sampled flag cleared, so that the receiver records no span", async () => {
    const { endpoint, bodies } = await receive();
    const { telemetry, shutdown } = start(endpoint);
    const span = telemetry.startSpan("fanOut", { kind: "producer" });
    const headers: Record<string, string> = {};
    telemetry.inject(span.context, headers, false);
    expect(headers["traceparent"]).toMatch(new RegExp(`^00-${span.context.traceId}-[0-9a-f]{16}-00$`));
    const parent = telemetry.extract(headers);
    if (parent === undefined) throw new Error("the context was not extracted");
    const handler = telemetry.startSpan("handler", { kind: "consumer", parent, fill: { operation: "silent" } });
    expect(handler.context.traceId).toBe(span.context.traceId);
    handler.end();
    span.end();
    await shutdown();
    expect(countOf(bodies, "/v1/traces", "publish agents.in")).toBe(1);
    expect(countOf(bodies, "/v1/traces", "process silent")).toBe(0);
  });

  test.each<Record<string, string>>([
    {},
    { traceparent: "" },
    { traceparent: "00-zz-11-01" },
    { traceparent: `00-${"0".repeat(32)}-${"0".repeat(16)}-01` },
  ])("%j is no context", async (headers) => {
    expect(start((await receive()).endpoint).telemetry.extract(headers)).toBeUndefined();
  });

  test.each([
    [`00-${"ab".repeat(16)}-${"cd".repeat(8)}-00`],
    [` 00-${"ab".repeat(16)}-${"cd".repeat(8)}-00 `],
    [`00-${"ab".repeat(16)}-${"cd".repeat(8)}-02`],
    [`00-${"AB".repeat(16)}-${"cd".repeat(8)}-00`],
    [`01-${"ab".repeat(16)}-${"cd".repeat(8)}-00`],
    [`01-${"ab".repeat(16)}-${"cd".repeat(8)}-00-more`],
    [`ff-${"ab".repeat(16)}-${"cd".repeat(8)}-00`],
    [`00-${"ab".repeat(16)}-${"00".repeat(8)}-00`],
    [`00-${"00".repeat(16)}-${"cd".repeat(8)}-00`],
    [`00-${"ab".repeat(16)}-${"cd".repeat(8)}-000`],
  ])("%j is read as OpenTelemetry reads it, and told as this version writes it", async (traceparent) => {
    const { telemetry } = start((await receive()).endpoint);
    const read = parseTraceParent(traceparent);
    const context = telemetry.extract({ traceparent });
    expect(context?.traceId).toBe(read?.traceId);
    const headers: Record<string, string> = {};
    if (context !== undefined) telemetry.inject(context, headers);
    expect(headers["traceparent"]).toBe(read === null ? undefined : `00-${read.traceId}-${read.spanId}-00`);
  });

  test.each(["00", "01"])("the sender's tracestate is kept, flags %s", async (flags) => {
    const { telemetry } = start((await receive()).endpoint);
    const context = telemetry.extract({
      traceparent: `00-${"ab".repeat(16)}-${"cd".repeat(8)}-${flags}`,
      tracestate: "vendor=1",
    });
    const headers: Record<string, string> = {};
    telemetry.inject(context ?? { traceId: undefined }, headers);
    expect(headers["tracestate"]).toBe("vendor=1");
  });
});
