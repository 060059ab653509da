/** Traces and metrics over OpenTelemetry; the only place that imports it. */
export { type OtelOptions, type RunningOtel, startOtel } from "./start-otel.ts";
