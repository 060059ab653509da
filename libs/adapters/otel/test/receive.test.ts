/**
 * Reading OTLP: what our own exporter sends comes out as it went in; the specification's JSON example; bounds (D2); and
 * bodies that are broken or hostile (D1).
 */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import protobuf from "protobufjs/light.js";
import { afterEach, describe, expect, test, vi } from "vitest";
import { startOtel } from "../src/index.ts";
import { decodeTraces, exportAnswer, exportFailure, receiveLimits } from "../src/receive/index.ts";
import { otlpTypes } from "../src/receive/otlp-types.ts";

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise((closed) => server.close(closed));
});

async function exported(record: (telemetry: ReturnType<typeof startOtel>["telemetry"]) => void): Promise<Uint8Array[]> {
  const bodies: Uint8Array[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      if (request.url === "/v1/traces") bodies.push(Buffer.concat(chunks));
      response.writeHead(200, { connection: "close" }).end();
    });
  });
  servers.push(server);
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const otel = startOtel({ serviceName: "s", serviceVersion: "1.2.3", instanceId: "i-1", endpoint, sampleRatio: 1 });
  record(otel.telemetry);
  await otel.shutdown();
  return bodies;
}

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

const id = (digits: number, fill = "a") => fill.repeat(digits);
const json = (value: unknown) => new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
const request = (...spans: unknown[]) => json({ resourceSpans: [{ scopeSpans: [{ spans }] }] });
const span = (more: object = {}) => ({ traceId: id(32), spanId: id(16), name: "n", ...more });

test("what our exporter sends comes out as it went in", async () => {
  const before = Date.now() * 1_000;
  const [body] = await exported((telemetry) => {
    const root = telemetry.startSpan("routerCoordinate", { kind: "server", fill: { type: "gather" } });
    const child = telemetry.startSpan("handler", {
      kind: "consumer",
      parent: root.context,
      fill: { operation: "echo" },
      attributes: { "nexus.agent.id": "a1", "nexus.agents.targeted": 24, "nexus.repeated": true, ratio: 0.5 },
    });
    child.event("began", { step: 1 });
    child.end("handler-failed");
    root.end();
  });
  const { spans, rejected } = decodeTraces(body ?? new Uint8Array(), "protobuf");
  const [child, root] = spans;
  expect(rejected).toBe(0);
  expect(root).toMatchObject({
    name: "process nexus.coordinate.gather",
    kind: "server",
    status: "unset",
    parentSpanId: undefined,
  });
  expect(root?.resource).toEqual({
    service: "s",
    attributes: [
      { key: "service.version", value: "1.2.3" },
      { key: "service.instance.id", value: "i-1" },
    ],
  });
  expect(child).toMatchObject({ kind: "consumer", scope: "nexus", status: "error", statusMessage: "handler-failed", cut: 0 });
  expect([child?.traceId, child?.parentSpanId]).toEqual([root?.traceId, root?.spanId]);
  expect(child?.traceId).toMatch(/^[0-9a-f]{32}$/);
  expect(Object.fromEntries((child?.attributes ?? []).map(({ key, value }) => [key, value]))).toEqual({
    ...{ "nexus.agent.id": "a1", "nexus.agents.targeted": 24, "nexus.repeated": true, ratio: 0.5 },
    "error.type": "handler-failed",
  });
  expect(child?.events).toMatchObject([{ name: "began", attributes: [{ key: "step", value: 1 }] }]);
  expect(child?.startUs).toBeGreaterThanOrEqual(before);
  expect(child?.startUs).toBeLessThan(before + 60e6);
  expect(root?.durationUs).toBeGreaterThan(0);
});

test("the JSON encoding, as the specification's example has it", () => {
  const body = json({
    resourceSpans: [
      {
        resource: { attributes: [{ key: "service.name", value: { stringValue: "my.service" } }] },
        scopeSpans: [
          {
            scope: { name: "my.library", version: "1.0.0", attributes: [] },
            spans: [
              {
                traceId: "5B8EFFF798038103D269B633813FC60C",
                spanId: "EEE19B7EC3C1B174",
                parentSpanId: "EEE19B7EC3C1B173",
                name: "I'm a server span",
                startTimeUnixNano: "1544712660000000000",
                endTimeUnixNano: "1544712661000000000",
                kind: 2,
                attributes: [{ key: "my.span.attr", value: { stringValue: "some value" } }],
                links: [{ traceId: id(32), spanId: id(16, "b"), attributes: [] }],
                status: { code: 1 },
                futureField: 1,
              },
            ],
          },
        ],
      },
    ],
  });
  expect(decodeTraces(body, "json").spans).toEqual([
    {
      traceId: "5b8efff798038103d269b633813fc60c",
      spanId: "eee19b7ec3c1b174",
      parentSpanId: "eee19b7ec3c1b173",
      name: "I'm a server span",
      kind: "server",
      startUs: 1_544_712_660_000_000,
      durationUs: 1_000_000,
      attributes: [{ key: "my.span.attr", value: "some value" }],
      events: [],
      links: [{ traceId: id(32), spanId: id(16, "b") }],
      status: "ok",
      statusMessage: "",
      resource: { service: "my.service", attributes: [] },
      scope: "my.library",
      cut: 0,
    },
  ]);
});

test.each([
  [{ intValue: "42" }, 42],
  [{ intValue: 42 }, 42],
  [{ intValue: "9223372036854775807" }, "9223372036854775807"],
  [{ doubleValue: "NaN" }, "NaN"],
  [{ boolValue: false }, false],
  [{ bytesValue: "AAE=" }, "AAE="],
  [{ arrayValue: { values: [{ intValue: "1" }, { stringValue: "x" }] } }, '[1,"x"]'],
  [{ kvlistValue: { values: [{ key: "k", value: { boolValue: true } }, 7] } }, '{"k":true}'],
  [{}, ""],
  [null, ""],
])("the value %j becomes %j", (value, expected) => {
  const { spans } = decodeTraces(request(span({ attributes: [{ key: "k", value }] })), "json");
  expect(spans[0]?.attributes).toEqual([{ key: "k", value: expected }]);
});

describe("D1: one bad span loses itself alone", () => {
  test.each([
    [{ traceId: id(32, "0") }, "traceId: must not be all zeros"],
    [{ spanId: "xyz" }, "spanId: "],
    [{ parentSpanId: "12" }, "parentSpanId: "],
    [{ startTimeUnixNano: "-1" }, "startTimeUnixNano: "],
    [{ attributes: [1] }, "attributes.0: "],
    [{ kind: 77 }, "kind: "],
  ])("%j", (wrong, reason) => {
    const { spans, rejected, reason: told } = decodeTraces(request(span(), span(wrong), span()), "json");
    expect([spans.length, rejected]).toEqual([2, 1]);
    expect(told).toContain(reason);
  });
});

describe("a broken envelope is refused whole", () => {
  test.each([
    ["json", "{", /not an OTLP export request in json/],
    ["json", "[]", /in json/],
    ["json", '{"resourceSpans":[{"scopeSpans":7}]}', /scopeSpans/],
    ["protobuf", "\u000a\u00ff", /in protobuf/],
    ["protobuf", "no protobuf at all", /in protobuf/],
  ] as const)("%s %j", (encoding, text, message) => {
    const body = Uint8Array.from(text, (character) => character.charCodeAt(0));
    expect(() => decodeTraces(body, encoding)).toThrow(message);
  });

  test("an empty one holds nothing", () => {
    expect(decodeTraces(new Uint8Array(), "protobuf").spans).toEqual([]);
    expect(decodeTraces(json({}), "json").spans).toEqual([]);
  });
});

describe("D2: bounds", () => {
  /** Wraps a body as the length-delimited field `number` of a message. */
  const field = (number: number, body: Uint8Array) =>
    protobuf.Writer.create()
      .uint32(number * 8 + 2)
      .bytes(body)
      .finish();
  const envelope = (spans: Uint8Array) => field(1, field(2, spans));

  test("spans of a request", () => {
    const body = request(...Array.from({ length: receiveLimits.spansMax + 3 }, () => span()));
    const { spans, rejected, reason } = decodeTraces(body, "json");
    expect([spans.length, rejected]).toEqual([receiveLimits.spansMax, 3]);
    expect(reason).toContain("more than");
  });

  test("a million empty spans are counted and not built", () => {
    const empty = Buffer.alloc(2_000_000, Buffer.from([0x12, 0x00]));
    const beforeMs = performance.now();
    const { spans, rejected } = decodeTraces(envelope(empty), "protobuf");
    expect([spans.length, rejected]).toEqual([0, 1_000_000]);
    expect(performance.now() - beforeMs).toBeLessThan(5_000);
  });

  test("resources and scopes that no span needs are not built", () => {
    const scoped = field(2, field(1, field(1, Buffer.from("s"))));
    const group = field(1, Buffer.concat([field(1, field(1, field(1, Buffer.from("k")))), scoped]));
    const built = [vi.spyOn(otlpTypes.resource, "decode"), vi.spyOn(otlpTypes.scope, "decode")];
    decodeTraces(Buffer.alloc(group.byteLength * 1_000, group), "protobuf");
    expect(built.map(({ mock }) => mock.calls.length)).toEqual([0, 0]);
    const ids = Buffer.concat([field(1, Buffer.alloc(16, 1)), field(2, Buffer.alloc(8, 1))]);
    const two = Buffer.concat([scoped, field(2, Buffer.concat([field(2, ids), field(2, ids)]))]);
    decodeTraces(field(1, Buffer.concat([field(1, Buffer.alloc(0)), two])), "protobuf");
    expect(built.map(({ mock }) => mock.calls.length)).toEqual([1, 0]);
    const broken = field(1, Buffer.concat([field(1, Buffer.from([0x0a, 0x7f])), two]));
    expect(decodeTraces(broken, "protobuf")).toMatchObject({ spans: [], rejected: 2 });
    expect(built.map(({ mock }) => mock.calls.length)).toEqual([2, 0]);
    for (const spy of built) spy.mockRestore();
  });

  test("text that is cut off does not keep what was cut off", () => {
    const heapBytes = () => {
      collectGarbage();
      return process.memoryUsage().heapUsed;
    };
    const long = "x".repeat(2_000_000);
    const beforeBytes = heapBytes();
    const kept = Array.from({ length: 20 }, (_, i) => decodeTraces(request(span({ name: `${i}${long}` })), "json").spans);
    expect((heapBytes() - beforeBytes) / kept.length).toBeLessThan(200_000);
    expect(kept.every(([one]) => one?.name.length === receiveLimits.textCharsMax)).toBe(true);
  });

  test("bytes of a span", () => {
    const big = field(2, field(9, field(1, Buffer.alloc(receiveLimits.spanBytesMax))));
    const { rejected, reason } = decodeTraces(envelope(big), "protobuf");
    expect([rejected, reason]).toEqual([1, expect.stringContaining("at most 131072 are read")]);
  });

  test("attributes, events, links and text of a span", () => {
    const many = <T>(item: T) => Array.from({ length: 200 }, () => item);
    const { spans } = decodeTraces(
      request(
        span({
          name: "x".repeat(10_000),
          attributes: many({ key: "k", value: { stringValue: "y".repeat(10_000) } }),
          events: many({ name: "e" }),
          links: many({ traceId: id(32), spanId: id(16) }),
        }),
      ),
      "json",
    );
    const kept = spans[0];
    expect([kept?.attributes.length, kept?.events.length, kept?.links.length, kept?.cut]).toEqual([128, 128, 128, 216]);
    expect([kept?.name.length, String(kept?.attributes[0]?.value).length]).toEqual([4_096, 4_096]);
  });

  test.each(["json", "protobuf"] as const)("nesting of a value in %s", (encoding) => {
    const deep = 5_000;
    let bytes = field(1, Buffer.from("deep"));
    for (let depth = 0; depth < deep; depth++) bytes = field(5, field(1, bytes));
    const value = `${'{"arrayValue":{"values":['.repeat(deep)}{}${"]}}".repeat(deep)}`;
    const shallow = Buffer.from(request(span({ attributes: [{ key: "k", value: 0 }] }))).toString();
    const body =
      encoding === "json"
        ? json(shallow.replace('"value":0', `"value":${value}`))
        : envelope(field(2, field(9, field(2, bytes))));
    const { spans, rejected } = decodeTraces(body, encoding);
    if (encoding === "json") expect(spans[0]?.attributes[0]?.value).toBe(`${"[".repeat(9)}"…"${"]".repeat(9)}`);
    else expect(rejected).toBe(1);
  });
});

test("the answers are what OTLP's senders read", () => {
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();
  expect(JSON.parse(text(exportAnswer("json", 0, undefined)))).toEqual({});
  expect(JSON.parse(text(exportAnswer("json", 2, "why")))).toEqual({ partialSuccess: { rejectedSpans: 2, errorMessage: "why" } });
  expect(exportAnswer("protobuf", 0, undefined)).toHaveLength(0);
  expect([...exportAnswer("protobuf", 2, "why")]).toEqual([0x0a, 7, 0x08, 2, 0x12, 3, ...Buffer.from("why")]);
  expect([...exportFailure("protobuf", "no")]).toEqual([0x12, 2, ...Buffer.from("no")]);
  expect(JSON.parse(text(exportFailure("json", "no")))).toEqual({ message: "no" });
});
