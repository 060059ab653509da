import { z } from "zod";
import { decisionSchema } from "./decision.ts";
import { errorBodySchema, executedSchema } from "./errors.ts";
import { goalTypeSchema } from "./goal-types.ts";
import { ackSchema, reduceKindSchema, untilSchema } from "./goals.ts";
import { jsonValueSchema } from "./json-value.ts";
import { limits } from "./limits.ts";
import { agentIdSchema, operationNameSchema, requestIdSchema, routerIdSchema } from "./names.ts";
import { versionSchema } from "./version.ts";

/** As in W3C Trace Context: 16 bytes in lower-case hexadecimal digits. */
export const traceIdSchema = z.string().regex(/^[0-9a-f]{32}$/);

const count = z.int().min(0);
const text = z.string().max(limits.messageCharsMax);

/**
 * Why an agent's answer is not there.
 * `not-sent`: nothing was published to it. `expired`: it dropped the work, its deadline had passed. `unknown`: it was
 * sent, and whether it ran cannot be told.
 */
export const missingReasons = [
  "dead",
  "suspect",
  "slow",
  "breaker-open",
  "refused",
  "error",
  "left",
  "expired",
  "not-sent",
  "unknown",
] as const;
export const missingReasonSchema = z.enum(missingReasons);
export type MissingReason = z.infer<typeof missingReasonSchema>;

export const missingAgentSchema = z.object({ agent: agentIdSchema, reason: missingReasonSchema, message: text.optional() });
export type MissingAgent = z.infer<typeof missingAgentSchema>;

/** One line of an outcome: what became of one agent's answer, one piece of work, one vote, one causal operation. */
export const rowSchema = z.object({
  /** The agent that answered; absent for a piece that no agent took. */
  agent: agentIdSchema.optional(),
  /** Index of the piece or causal operation. */
  index: count.optional(),
  status: z.enum(["ok", "error", "refused", "expired", "unknown", "not-sent"]),
  value: jsonValueSchema.optional(),
  error: errorBodySchema.optional(),
  /** What the handler took, by the agent's own clock. */
  serviceTimeMs: z.number().min(0).optional(),
});
export type Row = z.infer<typeof rowSchema>;

const rows = { rows: z.array(rowSchema).max(limits.resultRowsMax), rowsTotal: count };

/** Why a gather or broadcast stopped waiting. */
export const endedSchema = z.enum(["condition", "everyone", "hopeless", "deadline", "cancelled"]);
export type Ended = z.infer<typeof endedSchema>;

export const broadcastOutcomeSchema = z.object({
  type: z.literal("broadcast"),
  ack: ackSchema,
  acknowledged: count,
  wanted: count,
  ended: endedSchema,
  ...rows,
});
export const gatherOutcomeSchema = z.object({
  type: z.literal("gather"),
  until: untilSchema,
  wanted: count,
  ended: endedSchema,
  reduce: reduceKindSchema,
  /** The reduced value; null where nobody contributed. A `list` has its values in `rows`. */
  value: jsonValueSchema,
  contributors: count,
  /** Answers that could not be reduced (the field was absent or of another type); they are named in `rows`. */
  unusable: count,
  ...rows,
});
export const balanceOutcomeSchema = z.object({
  type: z.literal("balance"),
  pieces: count,
  done: count,
  ended: endedSchema,
  ...rows,
});
export const consensusOutcomeSchema = z.object({
  type: z.literal("consensus"),
  decision: z.enum(["accepted", "rejected", "undecided"]),
  for: z.number().min(0),
  against: z.number().min(0),
  abstained: z.number().min(0),
  /** Weight (or number) of votes that decides, and of everybody who may vote. */
  needed: z.number().min(0),
  electorate: z.number().min(0),
  ended: endedSchema,
  ...rows,
});
export const causalOperationOutcomeSchema = z.object({
  index: count,
  operation: operationNameSchema,
  after: z.array(count).max(limits.causalOperationsMax),
  status: z.enum(["completed", "partial", "failed", "not-run"]),
  targeted: count,
  responded: count,
});
export const causalOutcomeSchema = z.object({
  type: z.literal("causal"),
  operations: z.array(causalOperationOutcomeSchema).max(limits.causalOperationsMax),
  ended: endedSchema,
  ...rows,
});
export const outcomeSchema = z.discriminatedUnion("type", [
  broadcastOutcomeSchema,
  gatherOutcomeSchema,
  balanceOutcomeSchema,
  consensusOutcomeSchema,
  causalOutcomeSchema,
]);
export type Outcome = z.infer<typeof outcomeSchema>;
export type OutcomeOf<T extends Outcome["type"]> = Extract<Outcome, { type: T }>;

/**
 * How well the id is protected against a second execution. `claimed`: before the first publish, for all routers.
 * `best-effort`: shared memory was away, live peers were asked. `unprotected`: the client gave no id.
 */
export const idempotencySchema = z.enum(["claimed", "best-effort", "unprotected"]);
export type Idempotency = z.infer<typeof idempotencySchema>;

/** Who was asked and who answered. Lists are bounded, counts are exact. */
export const agentsReportSchema = z.object({
  targeted: count,
  responded: count,
  /** Answered without having been asked; they count for nothing. */
  extra: count,
  missingTotal: count,
  missing: z.array(missingAgentSchema).max(limits.resultRowsMax),
});
export type AgentsReport = z.infer<typeof agentsReportSchema>;

/**
 * What a client gets. `partial` says that something was reached and the goal's own condition was not; it never stands
 * for success. `failed` carries an error. `outcome` is there whenever agents were asked.
 */
export const resultSchema = z.object({
  v: versionSchema,
  id: requestIdSchema,
  type: goalTypeSchema,
  status: z.enum(["completed", "partial", "failed"]),
  executed: executedSchema,
  error: errorBodySchema.optional(),
  outcome: outcomeSchema.optional(),
  agents: agentsReportSchema,
  idempotency: idempotencySchema,
  /** True where this is the stored result of an earlier request with this id. */
  repeated: z.boolean(),
  dryRun: z.boolean(),
  durationMs: z.number().min(0),
  traceId: traceIdSchema.optional(),
  router: routerIdSchema,
  decision: decisionSchema.optional(),
});
export type CoordinationResult = z.infer<typeof resultSchema>;

/** Whether the caller has what it asked for: all of it, or the part that its `degrade` says will do. */
export function isGoalMet(result: Pick<CoordinationResult, "status" | "error">): boolean {
  return result.status === "completed" || (result.status === "partial" && result.error === undefined);
}

/** The immediate answer in `accept` mode. */
export const acceptedSchema = z.object({
  v: versionSchema,
  id: requestIdSchema,
  type: goalTypeSchema,
  status: z.literal("accepted"),
  router: routerIdSchema,
  /** Milliseconds until the request's deadline. */
  remainingMs: z.number().min(0),
  traceId: traceIdSchema.optional(),
});
export type Accepted = z.infer<typeof acceptedSchema>;

/** A router's answer to a request that never became a coordination here. `executed` is `none`, but for `unknown-outcome`. */
export const refusalSchema = z.object({
  v: versionSchema,
  id: requestIdSchema.optional(),
  type: goalTypeSchema.optional(),
  status: z.literal("failed"),
  executed: executedSchema,
  error: errorBodySchema,
});
export type Refusal = z.infer<typeof refusalSchema>;
