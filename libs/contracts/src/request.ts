import { z } from "zod";
import { NexusError } from "./errors.ts";
import { type GoalType, layerSchema } from "./goal-types.ts";
import { goalSchema } from "./goals.ts";
import { isJsonObject, type JsonValue } from "./json-value.ts";
import { limits } from "./limits.ts";
import { requestIdSchema } from "./names.ts";
import { isPlainRequest } from "./quick-checks.ts";
import { selectorSchema } from "./selector.ts";
import { errorFromIssues } from "./validation.ts";

export const degradations = ["partial", "sample", "stale", "unordered"] as const;
export const degradationSchema = z.enum(degradations).meta({
  id: "degradation",
  title: "Degradation",
  description: "What a mechanism may give up; nothing without the caller's word",
});
export type Degradation = z.infer<typeof degradationSchema>;

export const prioritySchema = z
  .enum(["low", "normal", "high", "critical"])
  .meta({ description: "Of what waits at an agent the higher priority is run first, by agents that can", default: "normal" });
export type Priority = z.infer<typeof prioritySchema>;

export const explainSchema = z.enum(["none", "summary", "full"]).meta({
  description: "How much of the decision record the result has: nothing, the last and the failed attempts, or all",
  default: "summary",
});
export type Explain = z.infer<typeof explainSchema>;

export const modeSchema = z.enum(["reply", "accept"]).meta({
  description: "`accept`: acknowledged at once, followed by events, fetched by id",
  default: "reply",
});

export const requestSchema = z
  .strictObject({
    id: requestIdSchema.describe("The idempotency key; the router makes one where it is absent").optional(),
    goal: goalSchema,
    agents: selectorSchema,
    timeoutMs: z
      .int()
      .min(1)
      .max(limits.timeoutMsMax)
      .meta({ description: "Time from arrival at the router; not with `deadline`", default: limits.timeoutMsDefault })
      .optional(),
    deadline: z
      .int()
      .min(0)
      .max(Number.MAX_SAFE_INTEGER)
      .meta({ description: "When the time is up, since 1970 (UTC); not with `timeoutMs`", unit: "ms since 1970" })
      .optional(),
    maxLayer: layerSchema.describe("No layer above it is used; `emergency` means the last resort alone").optional(),
    priority: prioritySchema.optional(),
    degrade: z
      .array(degradationSchema)
      .max(degradations.length)
      .meta({ description: "What may be given up", default: [] })
      .optional(),
    idempotent: z
      .boolean()
      .meta({
        description: "Running the work twice does no harm, so that another agent may get it when its fate is unknown",
        default: false,
      })
      .optional(),
    explain: explainSchema.optional(),
    dryRun: z.boolean().meta({ description: "Plan and explain, execute nothing", default: false }).optional(),
    mode: modeSchema.optional(),
  })
  .refine((request) => request.timeoutMs === undefined || request.deadline === undefined, {
    path: ["deadline"],
    message: "give timeoutMs or deadline, not both",
  })
  .meta({
    id: "request",
    title: "Request",
    description: "What a client asks for. A field that is not listed is refused by name",
    not: { required: ["timeoutMs", "deadline"] },
  });
export type CoordinationRequest = z.infer<typeof requestSchema>;

/**
 * Validates a decoded request against the subject that it was published on. `goal.type` may be left out of the body,
 * since the subject says it; where it is given it must agree.
 * @throws NexusError `invalid-field` or `unknown-field`, with the field's path
 */
export function parseRequest(value: JsonValue, type: GoalType): CoordinationRequest {
  const typed = withGoalType(value, type);
  if (isPlainRequest(typed) && goalTypeIn(typed) === type) return typed as CoordinationRequest;
  const parsed = requestSchema.safeParse(typed);
  if (!parsed.success) throw errorFromIssues(parsed.error.issues, "the request");
  if (parsed.data.goal.type !== type) {
    throw new NexusError(
      "invalid-field",
      `goal.type is "${parsed.data.goal.type}" but the subject says "${type}"; publish it to …coordinate.${parsed.data.goal.type}`,
      {
        field: "goal.type",
      },
    );
  }
  return parsed.data;
}

/** Of a value that has a goal. */
function goalTypeIn(value: JsonValue): JsonValue | undefined {
  return (value as { readonly goal: { readonly type?: JsonValue } }).goal.type;
}

function withGoalType(value: JsonValue, type: GoalType): JsonValue {
  if (!isJsonObject(value)) return value;
  const goal = value["goal"];
  if (!isJsonObject(goal) || Object.hasOwn(goal, "type")) return value;
  return { ...value, goal: { ...goal, type } };
}

/**
 * What makes two requests under one id "the same": everything but how the caller waits and what it wants explained.
 * A retry has less time left; it is still the same request.
 */
export function requestIdentity(
  request: CoordinationRequest,
): Omit<CoordinationRequest, "id" | "timeoutMs" | "deadline" | "mode" | "explain"> {
  const { id: _id, timeoutMs: _timeoutMs, deadline: _deadline, mode: _mode, explain: _explain, ...identity } = request;
  return identity;
}
