import { z } from "zod";
import { errorBodySchema } from "./errors.ts";
import { nameSchema, routerIdSchema } from "./names.ts";
import { serviceNames } from "./subjects.ts";
import { versionSchema } from "./version.ts";

/** What every service answers, and the router's counts. */

export const healthStatuses = ["ready", "degraded", "unready"] as const;
export const healthStatusSchema = z
  .enum(healthStatuses)
  .describe("`unready`: what it requires is away, or it stops; `degraded`: only something that it can do without is away");

export const healthChecksSchema = z
  .record(
    z.string().max(64),
    z.object({ ok: z.boolean().describe("It holds"), detail: z.string().max(1_024).describe("What was seen, for people") }),
  )
  .describe("Each check, by its name");

export const healthSchema = z
  .object({
    v: versionSchema,
    service: z.enum(serviceNames).describe("Which service it is"),
    instance: nameSchema.describe("What people call this replica"),
    boot: nameSchema.describe("Names this life of the replica"),
    status: healthStatusSchema,
    checks: healthChecksSchema,
  })
  .meta({ id: "health", title: "Health", description: "Whether one replica of a service can do its work now" });
export type HealthAnswer = z.infer<typeof healthSchema>;

export const failureSchema = z
  .object({ v: versionSchema, error: errorBodySchema })
  .meta({ id: "failure", title: "Failure", description: "What a service answers when it refuses" });
export type Failure = z.infer<typeof failureSchema>;

const count = z.int().min(0);

export const routerStatusSchema = z
  .object({
    v: versionSchema,
    router: routerIdSchema,
    agents: count.describe("Agents that are alive or suspect"),
    tableVersion: count.describe("Goes up with every change of membership, address or state"),
    active: count.describe("Requests that run at this router"),
    held: count.describe("Operations that agents hold for this router"),
    sent: count.describe("Messages published to agents since its start"),
    lateAnswers: count.describe("Answers that nobody waited for any more, since its start"),
    framesDropped: count.describe("Frames that were not understood or not allowed, since its start"),
    peers: z.array(routerIdSchema).describe("Other routers that live"),
    sharedMemory: z.enum(["available", "away", "none"]).describe("Redis; `none` where there is not meant to be one"),
  })
  .meta({ id: "router-status", title: "Router status", description: "Counts of one router" });
export type RouterStatus = z.infer<typeof routerStatusSchema>;
