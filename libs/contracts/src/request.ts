import { z } from "zod";
import { NexusError } from "./errors.ts";
import { type GoalType, layerSchema } from "./goal-types.ts";
import { goalSchema } from "./goals.ts";
import { isJsonObject, type JsonValue } from "./json-value.ts";
import { limits } from "./limits.ts";
import { requestIdSchema } from "./names.ts";
import { selectorSchema } from "./selector.ts";
import { errorFromIssues } from "./validation.ts";

/** What a strategy may give up; nothing without the caller's word (see the promise table of the engine). */
export const degradations = ["partial", "sample", "stale", "unordered"] as const;
export const degradationSchema = z.enum(degradations);
export type Degradation = z.infer<typeof degradationSchema>;

export const prioritySchema = z.enum(["low", "normal", "high", "critical"]);
export type Priority = z.infer<typeof prioritySchema>;

export const explainSchema = z.enum(["none", "summary", "full"]);
export type Explain = z.infer<typeof explainSchema>;

export const modeSchema = z.enum(["reply", "accept"]);

/** A client's request. Strict: what is not known is refused by name. */
export const requestSchema = z
  .strictObject({
    /** ULID; the idempotency key. The router makes one where it is absent. */
    id: requestIdSchema.optional(),
    goal: goalSchema,
    agents: selectorSchema,
    /** Milliseconds from arrival at the router; default 5,000. Not with `deadline`. */
    timeoutMs: z.int().min(1).max(limits.timeoutMsMax).optional(),
    /** Milliseconds since 1970 (UTC). Not with `timeoutMs`. */
    deadline: z.int().min(0).max(Number.MAX_SAFE_INTEGER).optional(),
    maxLayer: layerSchema.optional(),
    priority: prioritySchema.optional(),
    degrade: z.array(degradationSchema).max(degradations.length).optional(),
    /** Running the work twice does no harm, so that it may be given to another agent when its fate is unknown. */
    idempotent: z.boolean().optional(),
    explain: explainSchema.optional(),
    /** Plan and explain, execute nothing. */
    dryRun: z.boolean().optional(),
    /** `accept`: acknowledged at once, followed by events, fetched by id. */
    mode: modeSchema.optional(),
  })
  .refine((request) => request.timeoutMs === undefined || request.deadline === undefined, {
    path: ["deadline"],
    message: "give timeoutMs or deadline, not both",
  });
export type CoordinationRequest = z.infer<typeof requestSchema>;

/**
 * Validates a decoded request against the subject that it was published on. `goal.type` may be left out of the body,
 * since the subject says it; where it is given it must agree.
 * @throws NexusError `invalid-field` or `unknown-field`, with the field's path
 */
export function parseRequest(value: JsonValue, type: GoalType): CoordinationRequest {
  const parsed = requestSchema.safeParse(withGoalType(value, type));
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
