import { type MetricName, type SpanName, spanName } from "@nexus/contracts";
import { type Attributes, attributesOf, type Span, type SpanOptions, type Telemetry, type TraceContext } from "@nexus/ports";

/** Keeps everything that is recorded, with contexts that travel in headers as W3C's do. */
export interface RecordedSpan {
  readonly name: SpanName;
  /** As it would be shown. */
  readonly shown: string;
  readonly id: string;
  readonly traceId: string;
  readonly parentId: string | undefined;
  readonly options: SpanOptions;
  readonly attributes: Attributes;
  readonly endings: readonly (string | undefined)[];
}

export interface RecordedMetric {
  readonly name: MetricName;
  readonly by: "count" | "record" | "gauge";
  readonly amount: number;
  readonly attributes: Attributes;
}

interface Context extends TraceContext {
  readonly traceId: string;
  readonly spanId: string;
  /** False: the sender asked not to record. */
  readonly record: boolean;
}

export interface Recording extends Telemetry {
  readonly spans: readonly RecordedSpan[];
  readonly metrics: readonly RecordedMetric[];
}

export function createRecording(): Recording {
  const spans: RecordedSpan[] = [];
  const metrics: RecordedMetric[] = [];
  let made = 0;
  const startSpan = (name: SpanName, options: SpanOptions): Span => {
    const id = String(++made);
    const parent = options.parent as Context | undefined;
    const traceId = parent?.traceId ?? made.toString(16).padStart(32, "0");
    const context: Context = { traceId, spanId: id, record: parent?.record ?? true };
    const attributes: Record<string, Attributes[string]> = { ...attributesOf(options.attributes ?? {}) };
    const endings: (string | undefined)[] = [];
    const shown = spanName(name, options.fill);
    if (context.record) spans.push({ name, shown, id, traceId, parentId: parent?.spanId, options, attributes, endings });
    return {
      context,
      set: (more) => void Object.assign(attributes, attributesOf(more)),
      event: (_, more) => void Object.assign(attributes, more),
      end: (errorType) => void endings.push(errorType),
    };
  };
  const measured =
    (by: RecordedMetric["by"]) =>
    (name: MetricName, amount: number, attributes: Attributes = {}) =>
      void metrics.push({ name, by, amount, attributes });
  return {
    spans,
    metrics,
    startSpan,
    inject(context, headers, record = true) {
      const { traceId, spanId } = context as Context;
      if (traceId !== undefined) headers["traceparent"] = `${traceId} ${spanId} ${record}`;
    },
    extract(headers) {
      const [traceId, spanId, record] = headers["traceparent"]?.split(" ") ?? [];
      return traceId === undefined ? undefined : ({ traceId, spanId, record: record === "true" } as Context);
    },
    count: measured("count"),
    record: measured("record"),
    gauge(name, read) {
      metrics.push({ name, by: "gauge", amount: read(), attributes: {} });
      return () => {};
    },
  };
}
