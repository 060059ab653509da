import { z } from "zod";
import { goalTypeSchema, layerSchema } from "./goal-types.ts";
import { limits } from "./limits.ts";
import { nameSchema, operationNameSchema, requestIdSchema, routerIdSchema } from "./names.ts";
import { traceIdSchema } from "./result.ts";
import { versionSchema } from "./version.ts";

/**
 * Watching what routers do. NATS does not tell a publisher whether anybody listens, so a watcher says so itself, for a
 * while: routers publish events only while somebody's word stands.
 */

const count = z.int().min(0);
const goalClassSchema = z.string().min(1).max(limits.goalClassCharsMax);

/** `refused`: it never became a coordination. */
export const activityStatuses = ["running", "completed", "partial", "failed", "refused"] as const;
export const activityStatusSchema = z.enum(activityStatuses);
export type ActivityStatus = z.infer<typeof activityStatusSchema>;

/** Body of `<prefix>.router.watch`, to every router. What is absent is not filtered by. */
export const watchInterestSchema = z.object({
  v: versionSchema,
  watcher: nameSchema,
  /** How long this word stands; 0 takes it back. */
  leaseMs: z.int().min(0).max(limits.watchLeaseMsMax),
  /** Answer with what runs now. */
  snapshot: z.boolean().optional(),
  types: z.array(goalTypeSchema).min(1).max(8).optional(),
  statuses: z.array(activityStatusSchema).min(1).max(8).optional(),
  classes: z.array(goalClassSchema).min(1).max(limits.watchClassesMax).optional(),
});
export type WatchInterest = z.infer<typeof watchInterestSchema>;

/** One coordination at the moment at which it began, ended, or was refused. */
export const activitySchema = z.object({
  status: activityStatusSchema,
  /** Absent where it was refused before it had one. */
  id: requestIdSchema.optional(),
  type: goalTypeSchema,
  class: goalClassSchema.optional(),
  operation: operationNameSchema.optional(),
  /** Milliseconds since 1970, by the router's clock. */
  atEpochMs: z.number().min(0),
  targeted: count.optional(),
  responded: count.optional(),
  missing: count.optional(),
  durationMs: z.number().min(0).optional(),
  layer: layerSchema.optional(),
  strategy: z.string().max(64).optional(),
  error: z.object({ code: z.string().max(64), message: z.string().max(limits.messageCharsMax) }).optional(),
  traceId: traceIdSchema.optional(),
});
export type Activity = z.infer<typeof activitySchema>;

const source = {
  v: versionSchema,
  router: routerIdSchema,
  /** Events that this router published since it started. */
  published: count,
  /** Events that somebody wanted and that were above the rate, since it started. */
  skipped: count,
};

/** `<prefix>.router.events`: what some watcher wants. At most `limits.watchEventsPerSecondMax` a second from a router. */
export const activityEventSchema = z.object({ ...source, activity: activitySchema });
export type ActivityEvent = z.infer<typeof activityEventSchema>;

/** Each router's answer to an interest. */
export const watchAnswerSchema = z.object({
  ...source,
  /** False: too many watch this router already; try again later. */
  accepted: z.boolean(),
  /** With `snapshot`: what runs now and passes the filter, oldest first. */
  running: z.array(activitySchema).max(limits.watchRunningMax),
  runningTotal: count,
});
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
