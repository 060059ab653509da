import { z } from "zod";
import { goalTypeSchema, layerSchema } from "./goal-types.ts";
import { limits } from "./limits.ts";
import { nameSchema, operationNameSchema, requestIdSchema, routerIdSchema } from "./names.ts";
import { traceIdSchema } from "./result.ts";
import { versionSchema } from "./version.ts";

/**
 * Watching what routers do. NATS does not tell a publisher whether anybody listens, so a watcher says so itself, for a
 * while: routers publish events only while somebody's interest stands.
 */

const count = z.int().min(0);
const goalClassSchema = z.string().min(1).max(limits.goalClassCharsMax);

export const activityStatuses = ["running", "completed", "partial", "failed", "refused"] as const;
export const activityStatusSchema = z.enum(activityStatuses);
export type ActivityStatus = z.infer<typeof activityStatusSchema>;

export const watchInterestSchema = z
  .object({
    v: versionSchema,
    watcher: nameSchema.describe("Who watches; a later interest of the same watcher replaces this one"),
    leaseMs: z.int().min(0).max(limits.watchLeaseMsMax).describe("How long the interest stands; 0 ends it"),
    snapshot: z.boolean().meta({ description: "Answer with what runs now", default: false }).optional(),
    types: z.array(goalTypeSchema).min(1).max(8).describe("Only these types of goals; absent, all").optional(),
    statuses: z.array(activityStatusSchema).min(1).max(8).describe("Only these statuses; absent, all").optional(),
    classes: z
      .array(goalClassSchema)
      .min(1)
      .max(limits.watchClassesMax)
      .describe("Only goals of these classes; absent, all")
      .optional(),
  })
  .meta({ id: "watch-interest", title: "Watch interest", description: "Somebody wants to hear of coordinations, for a while" });
export type WatchInterest = z.infer<typeof watchInterestSchema>;

export const activitySchema = z
  .object({
    status: activityStatusSchema.describe("`refused`: it never became a coordination; `running`: it began"),
    id: requestIdSchema.describe("Absent where it was refused before it had one").optional(),
    type: goalTypeSchema,
    class: goalClassSchema.describe("The goal's class, where it has one").optional(),
    operation: operationNameSchema.describe("What agents are asked to do, where it is one operation").optional(),
    atEpochMs: z.number().min(0).describe("When it happened: milliseconds since 1970 by the router's clock"),
    targeted: count.describe("Agents that the request is for").optional(),
    responded: count.describe("Agents that answered with success").optional(),
    missing: count.describe("Agents whose answer is not there").optional(),
    durationMs: z.number().min(0).describe("From arrival to answer, at the router").optional(),
    layer: layerSchema.describe("The layer that carried it out").optional(),
    strategy: z.string().max(64).describe("The strategy that carried it out").optional(),
    error: z
      .object({
        code: z.string().max(64).describe("As in an error body"),
        message: z.string().max(limits.messageCharsMax).describe("For people"),
      })
      .describe("Why it failed or was refused")
      .optional(),
    traceId: traceIdSchema.optional(),
  })
  .meta({
    id: "activity",
    title: "Activity",
    description: "One coordination at the moment at which it began, ended, or was refused",
  });
export type Activity = z.infer<typeof activitySchema>;

const source = {
  v: versionSchema,
  router: routerIdSchema.describe("Whose events these are"),
  published: count.describe("Events that this router published since it started"),
  skipped: count.describe("Events that somebody wanted and that were above the rate, since it started"),
};

export const activityEventSchema = z.object({ ...source, activity: activitySchema }).meta({
  id: "activity-event",
  title: "Activity event",
  description: `What some watcher wants to hear; at most ${limits.watchEventsPerSecondMax} a second from a router`,
});
export type ActivityEvent = z.infer<typeof activityEventSchema>;

export const watchAnswerSchema = z
  .object({
    ...source,
    accepted: z.boolean().describe("False: too many watch this router already; try again later"),
    running: z
      .array(activitySchema)
      .max(limits.watchRunningMax)
      .describe("With `snapshot`: what runs now and passes the filter, oldest first"),
    runningTotal: count.describe("Coordinations that run at this router, whatever the filter"),
  })
  .meta({ id: "watch-answer", title: "Watch answer", description: "Each router's answer to an interest" });
export type WatchAnswer = z.infer<typeof watchAnswerSchema>;

/** Whether a watcher wants to hear of it. */
export function wants(interest: Pick<WatchInterest, "types" | "statuses" | "classes">, activity: Activity): boolean {
  const { types, statuses, classes } = interest;
  return (
    (types === undefined || types.includes(activity.type)) &&
    (statuses === undefined || statuses.includes(activity.status)) &&
    (classes === undefined || (activity.class !== undefined && classes.includes(activity.class)))
  );
}
