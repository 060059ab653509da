import { resourceAttributes } from "@nexus/contracts";
import { type Logger, noTelemetry, silentLogger, type Telemetry } from "@nexus/ports";
import { OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-proto";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
import { AlwaysOnSampler, BatchSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { Aggregates } from "./aggregates.ts";
import { reporting } from "./export-reports.ts";
import { OtelTelemetry } from "./otel-telemetry.ts";

export interface OtelOptions {
  readonly serviceName: string;
  readonly serviceVersion: string;
  readonly instanceId: string;
  /** OTLP/HTTP base URL, e.g. `http://127.0.0.1:4318`, of both signals. */
  readonly endpoint: string | undefined;
  /** Whole URL for traces instead. With neither nothing is recorded, and contexts are not passed on. */
  readonly tracesUrl?: string | undefined;
  /** Share of the traces begun here that are recorded, in [0, 1]; traces from outside keep their sender's choice. */
  readonly sampleRatio: number;
  /** Told when the receiver stops taking what is exported, and when it takes it again. */
  readonly logger?: Logger;
}

export interface RunningOtel {
  readonly telemetry: Telemetry;
  /** Sends what is left; ends within seconds whether or not the receiver takes it, and never rejects. */
  shutdown(): Promise<void>;
}

const TRACES_EVERY_MS = 500;
const METRICS_EVERY_MS = 10_000;
/** Retries included. */
const EXPORT_TIMEOUT_MS = 2_000;
/** Ended spans that wait; further ones are dropped by the processor. */
const SPANS_QUEUED_MAX = 8_192;

/** Providers of our own instead of global ones, so that several services in one process keep their names. */
export function startOtel(options: OtelOptions): RunningOtel {
  const base = options.endpoint?.replace(/\/+$/, "");
  const logger = options.logger ?? silentLogger;
  const tracesUrl = options.tracesUrl ?? (base === undefined ? undefined : `${base}/v1/traces`);
  if (tracesUrl === undefined) return { telemetry: noTelemetry, shutdown: async () => {} };
  const timeoutMillis = EXPORT_TIMEOUT_MS;
  const resource = resourceFromAttributes({
    [resourceAttributes.serviceName]: options.serviceName,
    [resourceAttributes.serviceVersion]: options.serviceVersion,
    [resourceAttributes.serviceInstance]: options.instanceId,
  });
  const tracers = new TracerProvider({
    resource,
    sampler: new AlwaysOnSampler(), // the telemetry asks for no span that is not to be recorded
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: reporting(new OTLPTraceExporter({ url: tracesUrl, timeoutMillis }), { url: tracesUrl, logger }),
        scheduledDelayMillis: TRACES_EVERY_MS,
        maxQueueSize: SPANS_QUEUED_MAX,
      }),
    ],
  });
  const scope = { name: "nexus", version: options.serviceVersion };
  const aggregates = new Aggregates(scope);
  const readers = base === undefined ? [] : [metricReader(`${base}/v1/metrics`, aggregates, logger)];
  const meters = new MeterProvider({ resource, readers });
  return {
    telemetry: new OtelTelemetry(
      tracers.getTracer(scope.name, scope.version),
      meters.getMeter(scope.name, scope.version),
      aggregates,
      options.sampleRatio,
    ),
    async shutdown() {
      // A failure of the last export was told by `reporting`; nothing is left that could react to it.
      await Promise.allSettled([tracers.shutdown(), meters.shutdown()]);
    },
  };
}

function metricReader(url: string, aggregates: Aggregates, logger: Logger): PeriodicExportingMetricReader {
  return new PeriodicExportingMetricReader({
    metricProducers: [aggregates],
    exporter: reporting(new OTLPMetricExporter({ url, timeoutMillis: EXPORT_TIMEOUT_MS }), { url, logger }),
    exportIntervalMillis: METRICS_EVERY_MS,
    exportTimeoutMillis: EXPORT_TIMEOUT_MS * 2,
  });
}
