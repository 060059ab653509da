import { z } from "zod";
import { processLoadSchema } from "./agent-frames.ts";
import { nameSchema } from "./names.ts";
import { versionSchema, wireRangeSchema } from "./version.ts";

export const healthStatuses = ["ready", "degraded", "unready"] as const;

export const healthCheckSchema = z.object({ ok: z.boolean(), detail: z.string().max(1_024) });

/**
 * What each instance of each service answers on `<prefix>.services.report`: who it is, its health, its clock, its load.
 * A reader that knows when it asked can tell how far the clock is from its own.
 */
export const serviceReportSchema = z.object({
  v: versionSchema,
  service: nameSchema,
  instance: nameSchema,
  boot: nameSchema,
  version: z.string().max(64),
  wire: wireRangeSchema,
  /** Milliseconds since 1970, by the instance's own clock, when it answered. */
  epochMs: z.number().min(0),
  uptimeMs: z.number().min(0),
  process: processLoadSchema,
  status: z.enum(healthStatuses),
  checks: z.record(z.string().max(64), healthCheckSchema),
  /** The service's own counts and levels, by name. */
  counts: z.record(z.string().max(64), z.number()),
});
export type ServiceReport = z.infer<typeof serviceReportSchema>;
