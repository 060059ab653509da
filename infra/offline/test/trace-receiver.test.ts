/**
 * The receiver that stands in for Jaeger, against the exporter that the services use: what arrives is told by trace, in
 * Jaeger's form; what is no export is refused and breaks nothing.
 */
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startOtel } from "../../../libs/adapters/otel/src/index.ts";
import { MalformedExportError, spansOf } from "../otlp-spans.mjs";
import { SpanStore } from "../span-store.mjs";
import { startTraceReceiver } from "../trace-receiver.mjs";

let receiver: Awaited<ReturnType<typeof startTraceReceiver>>;
beforeEach(async () => {
  receiver = await startTraceReceiver({ otlp: 0, query: 0, health: 0 }, "127.0.0.1");
});
afterEach(() => receiver.stop());

const otlp = () => `http://127.0.0.1:${receiver.ports.otlp}`;
const query = (traceId: string) => fetch(`http://127.0.0.1:${receiver.ports.query}/api/v3/traces/${traceId}`);
const post = (body: Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) =>
  fetch(`${otlp()}/v1/traces`, { method: "POST", body, headers: { "content-type": "application/x-protobuf", ...headers } });

/** A protobuf message of length-delimited fields. */
const message = (...fields: [number, Buffer | string][]): Buffer<ArrayBuffer> =>
  Buffer.concat(
    fields.map(([number, value]) => {
      const bytes = Buffer.from(value);
      return Buffer.concat([Buffer.from([number * 8 + 2, bytes.length]), bytes]);
    }),
  );
const span = (traceByte: string, name: string) =>
  message([1, Buffer.from(traceByte.repeat(16), "hex")], [2, Buffer.from("07".repeat(8), "hex")], [5, name]);
const exported = (...spans: Buffer[]) => message([1, message([2, message(...spans.map((one): [number, Buffer] => [2, one]))])]);

describe("what the services export", () => {
  test("is told by its trace, with parents, names and the service", async () => {
    const otel = startOtel({ serviceName: "s-1", serviceVersion: "1", instanceId: "i", endpoint: otlp(), sampleRatio: 1 });
    const root = otel.telemetry.startSpan("clientCoordinate", { kind: "client", fill: { type: "gather" } });
    otel.telemetry.startSpan("handler", { kind: "consumer", parent: root.context, fill: { operation: "stats" } }).end();
    root.end();
    await otel.shutdown();
    const response = await query(root.context.traceId ?? "");
    expect(response.status).toBe(200);
    const { result } = (await response.json()) as { result: { resourceSpans: { scopeSpans: { spans: object[] }[] }[] } };
    expect(result.resourceSpans).toHaveLength(1);
    expect(result.resourceSpans[0]).toMatchObject({
      resource: { attributes: [{ key: "service.name", value: { stringValue: "s-1" } }] },
    });
    const spans = result.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans));
    const byName = Object.fromEntries((spans as { name: string; spanId: string }[]).map((one) => [one.name, one]));
    expect(Object.keys(byName).sort()).toEqual(["process stats", "publish nexus.coordinate.gather"]);
    expect(byName["publish nexus.coordinate.gather"]).not.toHaveProperty("parentSpanId");
    expect(byName["process stats"]).toMatchObject({ parentSpanId: byName["publish nexus.coordinate.gather"]?.spanId, kind: 5 });
  });

  test("may be compressed", async () => {
    const body = Buffer.from(gzipSync(exported(span("ab", "packed"))));
    expect((await post(body, { "content-encoding": "gzip" })).status).toBe(200);
    expect((await query("ab".repeat(16))).status).toBe(200);
  });

  test("is no metric: Jaeger takes none", async () => {
    expect((await fetch(`${otlp()}/v1/metrics`, { method: "POST", body: "x" })).status).toBe(404);
  });
});

describe("what is no export", () => {
  test.each([
    ["cut short", exported(span("ab", "whole")).subarray(0, 30)],
    ["longer than it says", Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f])],
    ["an endless number", Buffer.from(Array(20).fill(0xff))],
    ["a wire type that is none", Buffer.from([0x0f])],
    ["a span without ids", exported(message([5, "nameless"]))],
  ])("%s is refused with 400", async (_what, body) => {
    expect(() => spansOf(body)).toThrow(MalformedExportError);
    expect((await post(Buffer.from(body))).status).toBe(400);
  });

  test("any bytes end in spans or in a refusal, and in time", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => {
        try {
          for (const { traceId } of spansOf(Buffer.from(bytes))) expect(traceId).toHaveLength(32);
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedExportError);
        }
      }),
    );
  });

  test("a body that is too large, another content type, a bomb and a wrong door are refused, and the next is taken", async () => {
    expect((await post(Buffer.alloc(8 * 1_048_576 + 1))).status).toBe(413);
    expect((await post(Buffer.from("{}"), { "content-type": "application/json" })).status).toBe(415);
    const bomb = Buffer.from(gzipSync(Buffer.alloc(64 * 1_048_576)));
    expect((await post(bomb, { "content-encoding": "gzip" })).status).toBe(400);
    expect((await query("not-an-id")).status).toBe(404);
    expect((await query("00".repeat(16))).status).toBe(404);
    expect((await post(exported(span("cd", "fine")))).status).toBe(200);
  });
});

test("health is told on a door of its own", async () => {
  expect((await fetch(`http://127.0.0.1:${receiver.ports.health}/status`)).status).toBe(200);
});

describe("the store", () => {
  const record = (trace: number, spanId = "1") => ({
    traceId: String(trace),
    spanId,
    parentSpanId: "",
    name: "n",
    kind: 1,
    service: "s",
  });

  test("lets the oldest trace go, and counts spans beyond the bound of a trace", () => {
    const store = new SpanStore({ tracesMax: 2, spansMax: 3 });
    for (const trace of [1, 2, 3]) store.add(record(trace));
    expect([1, 2, 3].map((trace) => store.trace(String(trace)) !== undefined)).toEqual([false, true, true]);
    for (let i = 0; i < 5; i++) store.add(record(3, String(i)));
    expect(JSON.stringify(store.trace("3")).split('"spanId"')).toHaveLength(4);
    expect(store.dropped).toBe(3);
  });
});
