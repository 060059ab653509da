import { baseConfigSchema } from "@nexus/runtime";
import type { z } from "zod";

/** What the embedded stack reads from the environment. It has a NATS of its own, so nothing says where that is. */
export const embeddedConfigSchema = baseConfigSchema
  .pick({
    NEXUS_PREFIX: true,
    NEXUS_REPLY_PREFIXES: true,
    REDIS_URL: true,
    OTEL_EXPORTER_OTLP_ENDPOINT: true,
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: true,
    OTEL_TRACES_SAMPLER_ARG: true,
  })
  .extend({
    NEXUS_LOG_LEVEL: baseConfigSchema.shape.NEXUS_LOG_LEVEL.unwrap()
      .optional()
      .describe("Least level that is logged, on stderr; absent: warn, and error with --once"),
  });
export type EmbeddedConfig = z.infer<typeof embeddedConfigSchema>;
