/** A trace in Jaeger's JSON, by OpenTelemetry's rules for it. */
import { traceSchema } from "@nexus/contracts";
import { expect, test } from "vitest";
import { jaegerTrace } from "../src/jaeger-trace.ts";
import { spanIdOf, spanOf, traceIdOf } from "./span-of.ts";

test("kinds, status, events, links, processes and what was not kept", () => {
  const child = spanOf(1, 2, {
    parentSpanId: spanIdOf(1),
    name: "process echo",
    kind: "consumer",
    attributes: [
      { key: "text", value: "t" },
      { key: "whole", value: 3 },
      { key: "real", value: 0.5 },
      { key: "flag", value: false },
    ],
    events: [{ atUs: 7, name: "began", attributes: [{ key: "step", value: 1 }] }],
    links: [{ traceId: traceIdOf(9), spanId: spanIdOf(9) }],
    status: "error",
    statusMessage: "handler-failed",
    resource: { service: "agents", attributes: [] },
    cut: 2,
  });
  const root = spanOf(1, 1);
  const again = spanOf(1, 3, { resource: { ...root.resource } });
  const spans = new Map([root, child, again].map((span) => [span.spanId, span]));
  const trace = jaegerTrace({ traceId: traceIdOf(1), spans, dropped: 4 });
  expect(traceSchema.parse(trace)).toEqual(trace);
  expect(trace.processes).toEqual({
    p1: { serviceName: "nexus-router", tags: [{ key: "service.version", type: "string", value: "1.2.3" }] },
    p2: { serviceName: "agents", tags: [] },
  });
  expect(trace.spans.map(({ processID }) => processID)).toEqual(["p1", "p2", "p1"]);
  expect(trace.warnings).toEqual(["4 more spans of this trace were above the bounds and are not kept"]);
  expect(trace.spans[1]).toEqual({
    traceID: traceIdOf(1),
    spanID: spanIdOf(2),
    operationName: "process echo",
    references: [
      { refType: "CHILD_OF", traceID: traceIdOf(1), spanID: spanIdOf(1) },
      { refType: "FOLLOWS_FROM", traceID: traceIdOf(9), spanID: spanIdOf(9) },
    ],
    startTime: 1_000_000,
    duration: 5,
    tags: [
      { key: "text", type: "string", value: "t" },
      { key: "whole", type: "int64", value: 3 },
      { key: "real", type: "float64", value: 0.5 },
      { key: "flag", type: "bool", value: false },
      { key: "otel.scope.name", type: "string", value: "nexus" },
      { key: "span.kind", type: "string", value: "consumer" },
      { key: "otel.status_code", type: "string", value: "ERROR" },
      { key: "error", type: "bool", value: true },
      { key: "otel.status_description", type: "string", value: "handler-failed" },
    ],
    logs: [
      {
        timestamp: 7,
        fields: [
          { key: "event", type: "string", value: "began" },
          { key: "step", type: "int64", value: 1 },
        ],
      },
    ],
    processID: "p2",
    warnings: ["2 attributes, events or links were above the bounds and are not kept"],
  });
});
