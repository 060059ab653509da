import type { MetricName, SpanName } from "@nexus/contracts";
import type { BusHeaders } from "./bus.ts";

/** What a span is to the rest of the system, as OpenTelemetry names it. */
export type SpanKind = "client" | "server" | "producer" | "consumer" | "internal";
export type AttributeValue = string | number | boolean;
export type Attributes = Readonly<Record<string, AttributeValue>>;
/** Attributes, or what makes them, which is called only where they are recorded: of most spans nothing is. */
export type LazyAttributes = Attributes | (() => Attributes);

export function attributesOf(lazy: LazyAttributes): Attributes {
  return typeof lazy === "function" ? lazy() : lazy;
}

/** An opaque trace context; made by a span or extracted from headers. */
export interface TraceContext {
  /** 32 hexadecimal digits, or undefined where nothing is traced. */
  readonly traceId: string | undefined;
}

export interface SpanOptions {
  readonly kind: SpanKind;
  readonly parent?: TraceContext | undefined;
  readonly attributes?: LazyAttributes;
  /** Fills the `{…}` of the span's name. */
  readonly fill?: Readonly<Record<string, string>>;
}

export interface Span {
  readonly context: TraceContext;
  set(attributes: LazyAttributes): void;
  event(name: string, attributes?: Attributes): void;
  /** @param errorType a NexusError code; marks the span as failed */
  end(errorType?: string): void;
}

/** Traces and metrics. The names come from contracts/telemetry alone. */
export interface Telemetry {
  startSpan(name: SpanName, options: SpanOptions): Span;
  /** W3C `traceparent` and `tracestate`. @param record false: the receiver shall not record its own span */
  inject(context: TraceContext, headers: Record<string, string>, record?: boolean): void;
  extract(headers: BusHeaders): TraceContext | undefined;
  count(metric: MetricName, amount: number, attributes?: Attributes): void;
  /** A histogram's value, in the metric's unit. */
  record(metric: MetricName, value: number, attributes?: Attributes): void;
  /** Reads the value when metrics are collected; the returned function ends that. */
  gauge(metric: MetricName, read: () => number): () => void;
}

const noContext: TraceContext = { traceId: undefined };
const noSpan: Span = { context: noContext, set() {}, event() {}, end() {} };

/** Records nothing. */
export const noTelemetry: Telemetry = {
  startSpan: () => noSpan,
  inject() {},
  extract: () => undefined,
  count() {},
  record() {},
  gauge: () => () => {},
};
