import { attributes as attributeNames, type MetricName, metrics as metricNames, type SpanName, spanName } from "@nexus/contracts";
import {
  type Attributes,
  attributesOf,
  type BusHeaders,
  type LazyAttributes,
  type Span,
  type SpanKind,
  type SpanOptions,
  type Telemetry,
  type TraceContext,
} from "@nexus/ports";
import {
  type Context,
  defaultTextMapGetter,
  defaultTextMapSetter,
  type Meter,
  SpanKind as OtelKind,
  type Span as OtelSpan,
  ROOT_CONTEXT,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import { parseTraceParent, W3CTraceContextPropagator } from "@opentelemetry/core";
import { RandomIdGenerator } from "@opentelemetry/sdk-trace";
import type { Aggregates } from "./aggregates.ts";
import { UnrecordedTrace } from "./unrecorded-trace.ts";

/**
 * The `Telemetry` port over a tracer and a meter. No context is kept in the background: parents are passed by hand.
 *
 * Invariants
 * O1. Whether a trace is recorded is decided once, where it begins, and told in its flag; whoever gets it follows.
 * O2. What is not recorded reaches neither tracer nor propagator.
 */

const kinds: Record<SpanKind, OtelKind> = {
  client: OtelKind.CLIENT,
  server: OtelKind.SERVER,
  producer: OtelKind.PRODUCER,
  consumer: OtelKind.CONSUMER,
  internal: OtelKind.INTERNAL,
};

class OtelContext implements TraceContext {
  readonly context: Context;

  constructor(context: Context) {
    this.context = context;
  }

  get traceId(): string | undefined {
    return trace.getSpanContext(this.context)?.traceId;
  }
}

class OtelSpanOfPort implements Span {
  readonly context: OtelContext;
  readonly #span: OtelSpan;

  constructor(span: OtelSpan, parent: Context) {
    this.#span = span;
    this.context = new OtelContext(trace.setSpan(parent, span));
  }

  set(attributes: LazyAttributes): void {
    this.#span.setAttributes(attributesOf(attributes));
  }

  event(name: string, attributes?: Attributes): void {
    this.#span.addEvent(name, attributes);
  }

  end(errorType?: string): void {
    if (errorType !== undefined) {
      this.#span.setAttribute(attributeNames.errorType, errorType);
      this.#span.setStatus({ code: SpanStatusCode.ERROR, message: errorType });
    }
    this.#span.end();
  }
}

export class OtelTelemetry implements Telemetry {
  readonly #tracer: Tracer;
  readonly #meter: Meter;
  readonly #aggregates: Aggregates;
  readonly #sampleRatio: number;
  readonly #ids = new RandomIdGenerator();
  readonly #propagator = new W3CTraceContextPropagator();

  /**
   * @param tracer records every span that it is asked for
   * @param meter of the gauges; the other metrics are summed up in the aggregates
   * @param sampleRatio share in [0, 1] of the traces begun here that are recorded
   */
  constructor(tracer: Tracer, meter: Meter, aggregates: Aggregates, sampleRatio: number) {
    this.#tracer = tracer;
    this.#meter = meter;
    this.#aggregates = aggregates;
    this.#sampleRatio = sampleRatio;
  }

  startSpan(name: SpanName, options: SpanOptions): Span {
    if (options.parent instanceof UnrecordedTrace) return options.parent; // O2
    const parent = contextOf(options.parent);
    if (parent === ROOT_CONTEXT && Math.random() >= this.#sampleRatio) {
      return UnrecordedTrace.of(this.#ids.generateTraceId(), this.#ids.generateSpanId()); // O1
    }
    const span = this.#tracer.startSpan(
      spanName(name, options.fill),
      {
        kind: kinds[options.kind],
        ...(options.attributes === undefined ? {} : { attributes: attributesOf(options.attributes) }),
      },
      parent,
    );
    return new OtelSpanOfPort(span, parent);
  }

  inject(traceContext: TraceContext, headers: Record<string, string>, record = true): void {
    if (traceContext instanceof UnrecordedTrace) return traceContext.inject(headers);
    const context = contextOf(traceContext);
    this.#propagator.inject(record ? context : unsampled(context), headers, defaultTextMapSetter);
  }

  extract(headers: BusHeaders): TraceContext | undefined {
    const { traceparent, tracestate } = headers;
    if (traceparent === undefined) return undefined;
    const unrecorded = UnrecordedTrace.read(traceparent, tracestate);
    if (unrecorded !== undefined) return unrecorded;
    const parsed = parseTraceParent(traceparent);
    if (parsed === null) return undefined;
    if ((parsed.traceFlags & TraceFlags.SAMPLED) === 0) {
      return UnrecordedTrace.of(parsed.traceId, parsed.spanId, tracestate);
    }
    return new OtelContext(this.#propagator.extract(ROOT_CONTEXT, headers, defaultTextMapGetter));
  }

  count(metric: MetricName, amount: number, attributes?: Attributes): void {
    this.#aggregates.count(metric, amount, attributes);
  }

  record(metric: MetricName, value: number, attributes?: Attributes): void {
    this.#aggregates.record(metric, value, attributes);
  }

  gauge(metric: MetricName, read: () => number): () => void {
    const { name, unit, description } = metricNames[metric];
    const gauge = this.#meter.createObservableGauge(name, { unit, description });
    const observe = (result: { observe(value: number): void }) => result.observe(read());
    gauge.addCallback(observe);
    return () => gauge.removeCallback(observe);
  }
}

function contextOf(traceContext: TraceContext | undefined): Context {
  return traceContext instanceof OtelContext ? traceContext.context : ROOT_CONTEXT;
}

/** The same trace, with its sampled flag taken away: the receiver goes on in it without recording. */
function unsampled(context: Context): Context {
  const spanContext = trace.getSpanContext(context);
  return spanContext === undefined ? context : trace.setSpanContext(context, { ...spanContext, traceFlags: TraceFlags.NONE });
}
