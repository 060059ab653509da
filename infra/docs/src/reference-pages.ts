import {
  type AttributeName,
  attributeMeanings,
  attributes,
  errorCodes,
  limitMeanings,
  limits,
  metrics,
  type SpanName,
  spanNames,
  spans,
} from "@nexus/contracts";
import { code, number, table } from "./markdown.ts";
import { GENERATED } from "./message-pages.ts";
import { unitOf } from "./schemas.ts";

/** The pages of error codes, telemetry and limits, and the index of them all. */

export function indexPage(): string {
  return `${GENERATED}

# Reference

What is on the wire, field by field. [How it is used](../protocol.md) is told elsewhere.

- [subjects.md](subjects.md): who speaks to whom, and with which messages
- [clients.md](clients.md): what clients send and get
- [agents.md](agents.md): what agents send and get
- [routers.md](routers.md): what routers say to each other
- [types.md](types.md): what several messages have in common
- [errors.md](errors.md): every error code, and what to do
- [limits.md](limits.md): every bound
- [telemetry.md](telemetry.md): spans, metrics and their attributes
- [asyncapi.json](asyncapi.json): the same as an AsyncAPI 3.0 document
- [schemas](schemas): a JSON Schema (draft 2020-12) for each message

The schemas say everything but three rules: the bounds of a histogram ascend, a causal operation depends on earlier ones
alone, and ${code("wire.min")} is not above ${code("wire.max")}. Units are in ${code("x-unit")}.
`;
}

export function errorsPage(): string {
  const rows = Object.entries(errorCodes).map(([name, { family, retryable, natsCode, meaning, remedy }]) => [
    code(name),
    family,
    retryable ? "yes" : "no",
    String(natsCode),
    meaning,
    remedy,
  ]);
  return `${GENERATED}

# Errors

An [error](types.md#error) has one of these codes. The family says what to do: ${code("rejected")} is the caller's fault and final,
${code("unavailable")} may pass, ${code("defect")} is a fault of Nexus. *Retryable* says whether the very same request may succeed later; \`executed\`
of the error says whether anything was done. *NATS* is the number in the header ${code("Nats-Service-Error-Code")}. Codes are added,
never renamed: treat one that you do not know by its ${code("retryable")}.

${table(["code", "family", "retryable", "NATS", "meaning", "what to do"], rows)}
`;
}

export function telemetryPage(): string {
  const named = (names: readonly AttributeName[]) => names.map((name) => code(attributes[name])).join(", ");
  const spanRows = (Object.keys(spanNames) as SpanName[]).map((name) => [
    code(spanNames[name]),
    spans[name].kind,
    spans[name].meaning,
    named(spans[name].attributes),
  ]);
  const metricRows = Object.values(metrics).map((metric) => [
    code(metric.name),
    metric.kind,
    code(metric.unit),
    metric.description,
    named(metric.attributes),
  ]);
  const used = new Set<AttributeName>([...Object.values(spans), ...Object.values(metrics)].flatMap((one) => [...one.attributes]));
  const attributeRows = [...used].map((name) => [code(attributes[name]), attributeMeanings[name]]);
  return `${GENERATED}

# Telemetry

Traces and metrics go to ${code("OTEL_EXPORTER_OTLP_ENDPOINT")} over OTLP/HTTP. A coordination is one trace: the W3C headers
${code("traceparent")} and ${code("tracestate")} travel with requests and operations. Heartbeats and frames between routers have no spans.

## Spans

${table(["span", "kind", "what it covers", "attributes"], spanRows)}

## Metrics

${table(["metric", "kind", "unit", "meaning", "attributes"], metricRows)}

## Attributes

${table(["attribute", "meaning"], attributeRows)}
`;
}

export function limitsPage(): string {
  const rows = Object.entries(limits).map(([name, value]) => [
    code(name),
    number(value),
    unitOf(name) ?? "",
    limitMeanings[name as keyof typeof limits],
  ]);
  return `${GENERATED}

# Limits

Bounds of the wire. Whatever is beyond one of them is refused, and the error names the field. The bounds of a service are its
[configuration](../configuration.md).

${table(["limit", "value", "unit", "of"], rows)}
`;
}
