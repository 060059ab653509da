import { z } from "zod";
import { processLoadSchema } from "./agent-frames.ts";
import { nameSchema } from "./names.ts";
import { healthChecksSchema, healthStatusSchema } from "./service-frames.ts";
import { versionSchema, wireRangeSchema } from "./version.ts";

export const serviceReportSchema = z
  .object({
    v: versionSchema,
    service: nameSchema.describe("Which service it is; a newer one may have a name that is not known here"),
    instance: nameSchema.describe("What people call this replica"),
    boot: nameSchema.describe("Names this life of the replica"),
    version: z.string().max(64).describe("Of the software"),
    wire: wireRangeSchema,
    epochMs: z
      .number()
      .min(0)
      .describe("Milliseconds since 1970 by its clock, when it answered; who asked can tell how far that is from its own"),
    uptimeMs: z.number().min(0).describe("Since its start"),
    process: processLoadSchema,
    status: healthStatusSchema,
    checks: healthChecksSchema,
    counts: z.record(z.string().max(64), z.number()).describe("The service's own counts and levels, by name"),
  })
  .meta({
    id: "service-report",
    title: "Service report",
    description: "Who it is, its health, its clock, its load: the answer of each instance of each service",
  });
export type ServiceReport = z.infer<typeof serviceReportSchema>;
