import type { ReceivedSpan } from "@nexus/adapter-otel/receive";

const resource = { service: "nexus-router", attributes: [{ key: "service.version", value: "1.2.3" }] };

export const traceIdOf = (n: number): string => n.toString(16).padStart(32, "0");
export const spanIdOf = (n: number): string => n.toString(16).padStart(16, "0");

/** A span as it is received, for the tests of what is done with it. */
export function spanOf(trace: number, span: number, more: Partial<ReceivedSpan> = {}): ReceivedSpan {
  return {
    traceId: traceIdOf(trace),
    spanId: spanIdOf(span),
    parentSpanId: undefined,
    name: "n",
    kind: "server",
    startUs: 1_000_000,
    durationUs: 5,
    attributes: [],
    events: [],
    links: [],
    status: "unset",
    statusMessage: "",
    resource,
    scope: "nexus",
    cut: 0,
    ...more,
  };
}
