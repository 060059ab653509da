/** Interfaces to the world. Each adapter passes the conformance suite of what it implements (`@nexus/ports/conformance`). */
export type {
  Bus,
  BusHandler,
  BusHeaders,
  BusMessage,
  BusStatus,
  BusSubscription,
  PublishOptions,
  RequestOptions,
  SubscribeOptions,
} from "./bus.ts";
export { checkedHeader, noHeaders, STATUS_HEADER } from "./bus-headers.ts";
export { assertLiteralSubject, assertSubjectPattern } from "./bus-subjects.ts";
export type { Clock, Timer } from "./clock.ts";
export type { Ids } from "./ids.ts";
export { type Logger, silentLogger } from "./logger.ts";
export type { ServiceAnswer, ServiceDefinition, ServiceEndpoint, ServiceHandle } from "./service.ts";
export type { StateStore } from "./state-store.ts";
export {
  type Attributes,
  type AttributeValue,
  attributesOf,
  type LazyAttributes,
  noTelemetry,
  type Span,
  type SpanKind,
  type SpanOptions,
  type Telemetry,
  type TraceContext,
} from "./tracing.ts";
