import { z } from "zod";
import { causalMissingSchema } from "./causal-frames.ts";
import { decisionSchema } from "./decision.ts";
import { errorBodySchema, executedSchema } from "./errors.ts";
import { ackSchema, reduceKindSchema, untilSchema } from "./goal-options.ts";
import { goalTypeSchema } from "./goal-types.ts";
import { jsonValueSchema } from "./json-value.ts";
import { limits } from "./limits.ts";
import { agentIdSchema, operationNameSchema, requestIdSchema, routerIdSchema } from "./names.ts";
import { versionSchema } from "./version.ts";

/** As in W3C Trace Context: 16 bytes in lower-case hexadecimal digits. */
export const traceIdSchema = z
  .string()
  .regex(/^[0-9a-f]{32}$/)
  .describe("The W3C trace id, where traces are recorded");

const count = z.int().min(0);
const text = z.string().max(limits.messageCharsMax);

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
export const missingReasonSchema = z.enum(missingReasons).meta({
  id: "missing-reason",
  title: "Missing reason",
  description:
    "Why an agent's answer is not there. `dead`, `suspect`, `left`: as the routing table knew it; `slow`: silent until the " +
    "deadline; `refused`: it did not run it; `error`: its handler failed; `expired`: its time was up before it ran; `not-sent`: " +
    "nothing was published to it; `unknown`: it was sent, and whether it ran cannot be told; `breaker-open`: not used in this " +
    "release",
});
export type MissingReason = z.infer<typeof missingReasonSchema>;

export const missingAgentSchema = z
  .object({ agent: agentIdSchema, reason: missingReasonSchema, message: text.describe("For people").optional() })
  .meta({ id: "missing-agent", title: "Missing agent", description: "An agent whose answer is not there, and why" });
export type MissingAgent = z.infer<typeof missingAgentSchema>;

export const rowSchema = z
  .object({
    agent: agentIdSchema.describe("The agent that answered; absent for a piece that no agent took").optional(),
    index: count.describe("Of the piece or causal operation").optional(),
    status: z
      .enum(["ok", "error", "refused", "expired", "unknown", "not-sent"])
      .describe("What the agent said; `unknown`: it was sent and nothing came; `not-sent`: nobody got it"),
    value: jsonValueSchema.describe("The handler's answer").optional(),
    error: errorBodySchema.optional(),
    serviceTimeMs: z.number().min(0).describe("What the handler took, by the agent's own clock").optional(),
    causalMissing: causalMissingSchema.optional(),
  })
  .meta({
    id: "row",
    title: "Row",
    description: "What became of one agent's answer, one piece of work, one vote, or one agent of a causal operation",
  });
export type Row = z.infer<typeof rowSchema>;

const rows = {
  rows: z.array(rowSchema).max(limits.resultRowsMax).describe("The first rows; the others are fetched by pages"),
  rowsTotal: count.describe("Of all rows"),
};

export const endedSchema = z.enum(["condition", "everyone", "hopeless", "deadline", "cancelled"]).meta({
  id: "ended",
  title: "Ended",
  description:
    "Why waiting stopped. `condition`: the goal's own condition held; `everyone`: every piece has its end; `hopeless`: nobody " +
    "is left who could answer",
});
export type Ended = z.infer<typeof endedSchema>;

export const broadcastOutcomeSchema = z
  .object({
    type: z.literal("broadcast"),
    ack: ackSchema,
    acknowledged: count.describe("Agents that ran it and said so"),
    wanted: count.describe("Acknowledgements that the goal asks for"),
    ended: endedSchema,
    ...rows,
  })
  .meta({ id: "broadcast-outcome", title: "Broadcast outcome" });
export const gatherOutcomeSchema = z
  .object({
    type: z.literal("gather"),
    until: untilSchema,
    wanted: count.describe("Answers that the goal asks for"),
    ended: endedSchema,
    reduce: reduceKindSchema,
    value: jsonValueSchema.describe(
      "The reduced value; null where nobody contributed. A `list` has its values in `rows`, and null here",
    ),
    contributors: count.describe("Agents whose answers are in the value"),
    unusable: count.describe("Answers that could not be reduced: the field was absent or of another type"),
    ...rows,
  })
  .meta({ id: "gather-outcome", title: "Gather outcome" });
export const balanceOutcomeSchema = z
  .object({
    type: z.literal("balance"),
    pieces: count.describe("Pieces that there are"),
    done: count.describe("Pieces that ended as `ok`"),
    ended: endedSchema,
    ...rows,
  })
  .meta({ id: "balance-outcome", title: "Balance outcome" });
export const consensusOutcomeSchema = z
  .object({
    type: z.literal("consensus"),
    decision: z
      .enum(["accepted", "rejected", "undecided"])
      .describe("`undecided`: silent voters could still tip it; the result is `failed` then"),
    for: z.number().min(0).describe("Votes, or weight of votes"),
    against: z.number().min(0).describe("The same, against"),
    abstained: z.number().min(0).describe("The same, of those who abstained"),
    needed: z
      .number()
      .min(0)
      .describe("Votes or weight for the proposal that decide; for `majority` and `weighted` it must be exceeded"),
    electorate: z.number().min(0).describe("Votes or weight of everybody who may vote"),
    ended: endedSchema,
    ...rows,
  })
  .meta({ id: "consensus-outcome", title: "Consensus outcome" });
const clockSchema = z
  .string()
  .max(limits.causalTokenCharsMax)
  .describe("Counts by session, in base 36: `router-a:4,1.2;router-b:7`; `1.2` is 2 in the session's lane 1");

export const causalOperationOutcomeSchema = z
  .object({
    index: count.describe("In the request"),
    operation: operationNameSchema,
    after: z.array(count).max(limits.causalOperationsMax).describe("Operations that came first"),
    status: z
      .enum(["completed", "partial", "failed", "not-run"])
      .describe("`not-run`: an operation that it depends on did not complete"),
    targeted: count.describe("Agents that it is for"),
    responded: count.describe("Agents that answered with success"),
    clock: clockSchema
      .describe("Its vector clock; absent where it was not run, or where clocks do not fit the message")
      .optional(),
    concurrent: z
      .array(count)
      .max(limits.causalOperationsMax)
      .describe("Operations of the request that neither come before it nor after, by their clocks")
      .optional(),
    gaps: count.describe("Agents at which one that was sent before it is missing").optional(),
  })
  .meta({ id: "causal-operation-outcome", title: "Causal operation's outcome" });
export const causalOutcomeSchema = z
  .object({
    type: z.literal("causal"),
    operations: z.array(causalOperationOutcomeSchema).max(limits.causalOperationsMax).describe("In the order of the request"),
    token: z
      .string()
      .max(limits.causalTokenCharsMax)
      .describe(
        "Covers all that was run, and what that came after; a later request names it in `after`. Absent where nothing was, or " +
          "where more than 256 operations were not answered",
      )
      .optional(),
    ended: endedSchema,
    ...rows,
  })
  .meta({ id: "causal-outcome", title: "Causal outcome" });
export const outcomeSchema = z
  .discriminatedUnion("type", [
    broadcastOutcomeSchema,
    gatherOutcomeSchema,
    balanceOutcomeSchema,
    consensusOutcomeSchema,
    causalOutcomeSchema,
  ])
  .meta({ id: "outcome", title: "Outcome", description: "What the goal came to, by its type" });
export type Outcome = z.infer<typeof outcomeSchema>;
export type OutcomeOf<T extends Outcome["type"]> = Extract<Outcome, { type: T }>;

export const idempotencySchema = z
  .enum(["claimed", "best-effort", "unprotected"])
  .describe(
    "How well the id is protected against a second execution. `claimed`: before the first publish, for all routers; " +
      "`best-effort`: no shared memory, live routers were asked; `unprotected`: the client gave no id",
  );
export type Idempotency = z.infer<typeof idempotencySchema>;

export const agentsReportSchema = z
  .object({
    targeted: count.describe("Agents that the request is for"),
    responded: count.describe("Agents that answered with success"),
    extra: count.describe("Agents that answered without having been asked; they count for nothing"),
    missingTotal: count.describe("Agents whose answer is not there"),
    missing: z.array(missingAgentSchema).max(limits.resultRowsMax).describe("The first of them; the others are fetched by pages"),
  })
  .meta({ id: "agents-report", title: "Agents report", description: "Who was asked and who answered; counts are exact" });
export type AgentsReport = z.infer<typeof agentsReportSchema>;

export const resultSchema = z
  .object({
    v: versionSchema,
    id: requestIdSchema,
    type: goalTypeSchema,
    status: z
      .enum(["completed", "partial", "failed"])
      .describe(
        "`completed`: the goal's own condition holds; `partial`: something was reached and it does not; `failed`: nothing was, " +
          "or it was cancelled, or a vote has no decision",
      ),
    executed: executedSchema,
    error: errorBodySchema.describe("Always with `failed`; with `partial` where `degrade` does not allow it").optional(),
    outcome: outcomeSchema.describe("There whenever agents were asked").optional(),
    agents: agentsReportSchema,
    idempotency: idempotencySchema,
    repeated: z.boolean().describe("This is the result of an earlier request with this id, or of one that it joined"),
    dryRun: z.boolean().describe("It was planned, and nothing executed"),
    durationMs: z.number().min(0).describe("From arrival to answer, at the router"),
    traceId: traceIdSchema.optional(),
    router: routerIdSchema.describe("The router that carried it out"),
    decision: decisionSchema.describe('Absent with `explain: "none"`').optional(),
  })
  .meta({ id: "result", title: "Result", description: "What a client gets" });
export type CoordinationResult = z.infer<typeof resultSchema>;

/** Whether the caller has what it asked for: all of it, or the part that its `degrade` says will do. */
export function isGoalMet(result: Pick<CoordinationResult, "status" | "error">): boolean {
  return result.status === "completed" || (result.status === "partial" && result.error === undefined);
}

export const acceptedSchema = z
  .object({
    v: versionSchema,
    id: requestIdSchema,
    type: goalTypeSchema,
    status: z.literal("accepted"),
    router: routerIdSchema.describe("The router that carries it out"),
    remainingMs: z.number().min(0).describe("Until the request's deadline"),
    traceId: traceIdSchema.optional(),
  })
  .meta({ id: "accepted", title: "Accepted", description: "The immediate answer in `accept` mode" });
export type Accepted = z.infer<typeof acceptedSchema>;

export const refusalSchema = z
  .object({
    v: versionSchema,
    id: requestIdSchema.optional(),
    type: goalTypeSchema.optional(),
    status: z.literal("failed"),
    executed: executedSchema.describe("`none`, but for errors that say otherwise, such as `unknown-outcome`"),
    error: errorBodySchema,
  })
  .meta({
    id: "refusal",
    title: "Refusal",
    description: "A router's answer to a request that never became a coordination there. It has no `agents`; a result always has",
  });
export type Refusal = z.infer<typeof refusalSchema>;
