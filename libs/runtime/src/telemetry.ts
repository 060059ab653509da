import { type RunningOtel, startOtel } from "@nexus/adapter-otel";
import { z } from "zod";
import { loadConfig } from "./config.ts";

/** OpenTelemetry's own variables, as far as they are understood here. */
export const telemetryConfigSchema = z.object({
  OTEL_EXPORTER_OTLP_ENDPOINT: z
    .url()
    .optional()
    .describe("Where traces and metrics go (OTLP/HTTP); absent, nothing is recorded"),
  OTEL_TRACES_SAMPLER_ARG: z.coerce
    .number()
    .min(0)
    .max(1)
    .default(1)
    .describe("Share of the traces begun here that are recorded"),
});

/** Traces and metrics of one service. @throws NexusError `invalid-field` for a variable that is wrong */
export function startTelemetry(options: {
  readonly service: string;
  readonly version: string;
  readonly instance: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}): RunningOtel {
  const config = loadConfig(telemetryConfigSchema, options.environment);
  return startOtel({
    serviceName: options.service,
    serviceVersion: options.version,
    instanceId: options.instance,
    endpoint: config.OTEL_EXPORTER_OTLP_ENDPOINT,
    sampleRatio: config.OTEL_TRACES_SAMPLER_ARG,
  });
}
