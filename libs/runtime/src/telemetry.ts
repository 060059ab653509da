import { type RunningOtel, startOtel } from "@nexus/adapter-otel";
import { type Logger, silentLogger } from "@nexus/ports";
import { type Environment, loadConfig, telemetryConfigSchema } from "./config.ts";

/** Traces and metrics of one service. @throws NexusError `invalid-field` for a variable that is wrong */
export function startTelemetry(options: {
  readonly service: string;
  readonly version: string;
  readonly instance: string;
  readonly environment: Environment;
  /** Told when a receiver stops taking what is exported, and when it takes it again. */
  readonly logger?: Logger;
}): RunningOtel {
  const config = loadConfig(telemetryConfigSchema, options.environment);
  return startOtel({
    serviceName: options.service,
    serviceVersion: options.version,
    instanceId: options.instance,
    endpoint: config.OTEL_EXPORTER_OTLP_ENDPOINT,
    tracesUrl: config.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT,
    sampleRatio: config.OTEL_TRACES_SAMPLER_ARG,
    logger: options.logger ?? silentLogger,
  });
}
