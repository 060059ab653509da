import { noTelemetry, type Telemetry } from "@nexus/ports";
import { OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-proto";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
import { BatchSpanProcessor, ParentBasedSampler, TraceIdRatioBasedSampler, TracerProvider } from "@opentelemetry/sdk-trace";
import { OtelTelemetry } from "./otel-telemetry.ts";

export interface OtelOptions {
  readonly serviceName: string;
  readonly serviceVersion: string;
  readonly instanceId: string;
  /** OTLP/HTTP base URL, e.g. `http://127.0.0.1:4318`. Absent: nothing is recorded. */
  readonly endpoint: string | undefined;
  /** Share of the traces begun here that are recorded, in [0, 1]; traces from outside keep their sender's choice. */
  readonly sampleRatio: number;
}

export interface RunningOtel {
  readonly telemetry: Telemetry;
  /** Sends what is left. Failing that is told, and stops nothing. */
  shutdown(): Promise<void>;
}

const TRACES_EVERY_MS = 500;
const METRICS_EVERY_MS = 10_000;

/** Providers of our own instead of global ones, so that several services in one process keep their names. */
export function startOtel(options: OtelOptions): RunningOtel {
  if (options.endpoint === undefined) return { telemetry: noTelemetry, shutdown: async () => {} };
  const base = options.endpoint.replace(/\/+$/, "");
  const resource = resourceFromAttributes({
    "service.name": options.serviceName,
    "service.version": options.serviceVersion,
    "service.instance.id": options.instanceId,
  });
  const tracers = new TracerProvider({
    resource,
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(options.sampleRatio) }),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: new OTLPTraceExporter({ url: `${base}/v1/traces` }),
        scheduledDelayMillis: TRACES_EVERY_MS,
      }),
    ],
  });
  const meters = new MeterProvider({
    resource,
    readers: [
      new PeriodicExportingMetricReader({
        exporter: new OTLPMetricExporter({ url: `${base}/v1/metrics` }),
        exportIntervalMillis: METRICS_EVERY_MS,
      }),
    ],
  });
  return {
    telemetry: new OtelTelemetry(
      tracers.getTracer("nexus", options.serviceVersion),
      meters.getMeter("nexus", options.serviceVersion),
    ),
    async shutdown() {
      await Promise.allSettled([tracers.shutdown(), meters.shutdown()]);
    },
  };
}
