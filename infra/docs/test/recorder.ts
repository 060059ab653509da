import { type AttributeName, attributes, type MetricName, type SpanName } from "@nexus/contracts";
import { type Attributes, attributesOf, type LazyAttributes, type Logger, type Span, type Telemetry } from "@nexus/ports";

/** Keeps the lines, spans and metrics of a stack, to be compared with what the pages say of them. */
export interface Recorder {
  readonly logger: Logger;
  readonly telemetry: Telemetry;
  readonly lines: readonly string[];
  readonly spans: ReadonlyMap<SpanName, { readonly kinds: Set<string>; readonly attributes: Set<string> }>;
  /** Attributes by metric, each time it was told. */
  readonly told: ReadonlyMap<MetricName, readonly Attributes[]>;
}

export function createRecorder(): Recorder {
  const lines: string[] = [];
  const spans = new Map<SpanName, { kinds: Set<string>; attributes: Set<string> }>();
  const told = new Map<MetricName, Attributes[]>();
  const tell = (metric: MetricName, values: Attributes = {}) => told.set(metric, [...(told.get(metric) ?? []), values]);
  const write = (_fields: object, text: string) => void lines.push(text);
  const logger: Logger = { debug: write, info: write, warn: write, error: write, child: () => logger };
  const telemetry: Telemetry = {
    startSpan(name, options): Span {
      const record = spans.get(name) ?? { kinds: new Set(), attributes: new Set() };
      spans.set(name, record);
      record.kinds.add(options.kind);
      const set = (values: LazyAttributes) => {
        for (const key of Object.keys(attributesOf(values))) record.attributes.add(key);
      };
      set(options.attributes ?? {});
      const end = (errorType?: string) => errorType !== undefined && set({ [attributes.errorType]: errorType });
      return { context: { traceId: undefined }, set, event() {}, end: (errorType) => void end(errorType) };
    },
    inject() {},
    extract: () => undefined,
    count: (metric, _amount, values) => void tell(metric, values),
    record: (metric, _value, values) => void tell(metric, values),
    gauge(metric) {
      tell(metric);
      return () => {};
    },
  };
  return { logger, telemetry, lines, spans, told };
}

export function named(keys: readonly AttributeName[]): Set<string> {
  return new Set(keys.map((key) => attributes[key]));
}
