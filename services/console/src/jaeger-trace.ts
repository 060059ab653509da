import type { ReceivedAttribute, ReceivedResource, ReceivedSpan } from "@nexus/adapter-otel/receive";
import { jaegerTags, type Trace, type TraceSpan, type TraceTag } from "@nexus/contracts";
import type { StoredTrace } from "./trace-store.ts";

/**
 * A stored trace in the JSON of Jaeger's query API, by OpenTelemetry's rules for Jaeger's model.
 * https://opentelemetry.io/docs/specs/otel/trace/sdk_exporters/jaeger/
 */
export function jaegerTrace(trace: StoredTrace): Trace {
  const processes = new Map<string, { readonly id: string; readonly resource: ReceivedResource }>();
  const processOf = (resource: ReceivedResource): string => {
    const key = JSON.stringify(resource);
    const known = processes.get(key);
    if (known !== undefined) return known.id;
    const id = `p${processes.size + 1}`;
    processes.set(key, { id, resource });
    return id;
  };
  const spans = [...trace.spans.values()].map((span) => jaegerSpan(span, processOf(span.resource)));
  return {
    traceID: trace.traceId,
    spans,
    processes: Object.fromEntries(
      [...processes.values()].map(({ id, resource }) => [
        id,
        { serviceName: resource.service, tags: resource.attributes.map(tagOf) },
      ]),
    ),
    warnings: trace.dropped === 0 ? null : [`${trace.dropped} more spans of this trace were above the bounds and are not kept`],
  };
}

function jaegerSpan(span: ReceivedSpan, processID: string): TraceSpan {
  const { traceId: traceID, spanId: spanID, parentSpanId } = span;
  const parent = parentSpanId === undefined ? [] : [{ refType: "CHILD_OF" as const, traceID, spanID: parentSpanId }];
  const links = span.links.map((link) => ({ refType: "FOLLOWS_FROM" as const, traceID: link.traceId, spanID: link.spanId }));
  return {
    traceID,
    spanID,
    operationName: span.name,
    references: [...parent, ...links],
    startTime: span.startUs,
    duration: span.durationUs,
    tags: [...span.attributes.map(tagOf), ...ownTags(span)],
    logs: span.events.map((event) => ({
      timestamp: event.atUs,
      fields: [{ key: "event", type: "string", value: event.name }, ...event.attributes.map(tagOf)],
    })),
    processID,
    warnings: span.cut === 0 ? null : [`${span.cut} attributes, events or links were above the bounds and are not kept`],
  };
}

function ownTags(span: ReceivedSpan): TraceTag[] {
  const text = (key: string, value: string): TraceTag => ({ key, type: "string", value });
  return [
    ...(span.scope === "" ? [] : [text(jaegerTags.scopeName, span.scope)]),
    ...(span.kind === "unspecified" ? [] : [text("span.kind", span.kind)]),
    ...(span.status === "unset" ? [] : [text(jaegerTags.statusCode, span.status.toUpperCase())]),
    ...(span.status === "error" ? [{ key: "error", type: "bool", value: true }] : []),
    ...(span.statusMessage === "" ? [] : [text(jaegerTags.statusDescription, span.statusMessage)]),
  ];
}

function tagOf({ key, value }: ReceivedAttribute): TraceTag {
  if (typeof value === "boolean") return { key, type: "bool", value };
  if (typeof value === "string") return { key, type: "string", value };
  return { key, type: Number.isInteger(value) ? "int64" : "float64", value };
}
