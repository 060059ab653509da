/** Traces and metrics over OpenTelemetry, sent and received; the only place that imports it. */

export { decodeTraces, type OtlpEncoding } from "./receive/decode-traces.ts";
export { exportAnswer, exportFailure } from "./receive/export-answer.ts";
export {
  type ReceivedAttribute,
  type ReceivedEvent,
  type ReceivedKind,
  type ReceivedResource,
  type ReceivedSpan,
  type ReceivedTraces,
  receiveLimits,
} from "./receive/received-span.ts";
export { type OtelOptions, type RunningOtel, startOtel } from "./start-otel.ts";
