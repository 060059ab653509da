/** Traces and metrics over OpenTelemetry; the only place that imports it. Receiving them is `@nexus/adapter-otel/receive`. */
export { type OtelOptions, type RunningOtel, startOtel } from "./start-otel.ts";
