/** Reads what OTLP's senders send. Apart from the sending side, since every process loads that and one alone needs this. */
export { decodeTraces, type OtlpEncoding } from "./decode-traces.ts";
export { exportAnswer, exportFailure } from "./export-answer.ts";
export {
  type ReceivedAttribute,
  type ReceivedEvent,
  type ReceivedKind,
  type ReceivedResource,
  type ReceivedSpan,
  type ReceivedTraces,
  receiveLimits,
} from "./received-span.ts";
