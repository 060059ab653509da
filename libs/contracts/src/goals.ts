import { z } from "zod";
import { checkRules, type FieldRule, jsonSchemaRules } from "./field-rules.ts";
import { ackSchema, balancerNameSchema, fieldPathSchema, reduceSchema, untilSchema, voteSchema } from "./goal-options.ts";
import { jsonValueSchema } from "./json-value.ts";
import { limits } from "./limits.ts";
import { agentIdSchema, operationNameSchema } from "./names.ts";
import { selectorSchema } from "./selector.ts";

/** The five goals as a client states them. Strict: an unknown field is refused by name, since it may be a misspelt wish. */

const common = {
  operation: operationNameSchema,
  payload: jsonValueSchema.describe("Handed to the handler as it is").optional(),
  class: z
    .string()
    .min(1)
    .max(limits.goalClassCharsMax)
    .regex(/^[A-Za-z0-9][A-Za-z0-9_.:-]*$/)
    .describe("What learning and graduation group by; `<type>.<operation>` where it is absent. This release does not learn")
    .optional(),
  complexity: z
    .number()
    .positive()
    .max(limits.complexityMax)
    .meta({ description: "A hint of how much work this is, relative to the class's usual; not used in this release", default: 1 })
    .optional(),
};

export const causalOperationTypes = ["broadcast", "targeted", "coordinated"] as const;

const causalOperationRules: readonly FieldRule[] = [
  { field: "type", is: "targeted", needs: { agents: "a targeted operation names its agents" } },
  {
    field: "type",
    is: "coordinated",
    needs: { coordinator: "must name the coordinating agent" },
    alone: { coordinator: "is for coordinated operations alone" },
  },
];

export const causalOperationSchema = z
  .strictObject({
    type: z
      .enum(causalOperationTypes)
      .describe(
        "`broadcast`: at all agents of the request; `targeted`: at `agents`; `coordinated`: at `coordinator` first, whose " +
          "answer then travels with it to the others",
      ),
    operation: operationNameSchema,
    payload: jsonValueSchema.describe("Handed to the handler as it is").optional(),
    agents: selectorSchema.describe("Instead of the request's own agents").optional(),
    coordinator: agentIdSchema.describe("`coordinated`: the agent that runs it first").optional(),
    after: z
      .array(
        z
          .int()
          .min(0)
          .max(limits.causalOperationsMax - 1),
      )
      .max(limits.causalOperationsMax)
      .describe("Indexes of earlier operations that come first; absent, the one before; `[]`, none")
      .optional(),
  })
  .superRefine(checkRules(causalOperationRules))
  .meta({
    id: "causal-operation",
    title: "Causal operation",
    description: "One step of a causal goal",
    ...jsonSchemaRules(causalOperationRules),
  });
export type CausalOperation = z.infer<typeof causalOperationSchema>;

export const broadcastGoalSchema = z
  .strictObject({
    type: z.literal("broadcast"),
    ...common,
    ack: ackSchema.meta({ description: "Which agents must say that they have run it", default: "each" }).optional(),
  })
  .meta({ id: "broadcast-goal", title: "Broadcast goal", description: "One message to many agents" });

export const gatherGoalSchema = z
  .strictObject({
    type: z.literal("gather"),
    ...common,
    until: untilSchema.meta({ description: "When there are enough answers", default: "all" }).optional(),
    reduce: reduceSchema.meta({ description: "How they become one value", default: { kind: "list" } }).optional(),
  })
  .meta({ id: "gather-goal", title: "Gather goal", description: "One question to many agents, their answers reduced" });

export const balanceGoalSchema = z
  .strictObject({
    type: z.literal("balance"),
    ...common,
    pieces: z
      .array(jsonValueSchema)
      .min(1)
      .max(limits.piecesMax)
      .describe("The work, piece by piece; each is the payload of one operation. Absent, `payload` is the one piece")
      .optional(),
    strategy: balancerNameSchema
      .meta({ description: "The balancer that is wanted; `decision.balancer` says which was used", default: "round-robin" })
      .optional(),
    key: fieldPathSchema
      .describe("Within a piece, the value that pieces are kept together by; refused with `not-implemented` in this release")
      .optional(),
    hedge: z
      .boolean()
      .meta({ description: "Slow pieces may be given to a second agent; not used in this release", default: false })
      .optional(),
  })
  .meta({ id: "balance-goal", title: "Balance goal", description: "Many pieces of work, each to one agent" });

export const consensusGoalSchema = z
  .strictObject({
    type: z.literal("consensus"),
    ...common,
    vote: voteSchema.optional(),
    commit: z
      .boolean()
      .meta({
        description: "Commit the outcome to the consensus service's log; refused with `not-implemented` in this release",
        default: false,
      })
      .optional(),
  })
  .refine((goal) => goal.vote !== undefined || goal.commit === true, {
    path: ["vote"],
    message: "a consensus goal asks for a vote, a commit, or both",
  })
  .meta({
    id: "consensus-goal",
    title: "Consensus goal",
    description: "A vote of the agents on a proposal, a commit, or both",
    anyOf: [{ required: ["vote"] }, { properties: { commit: { const: true } }, required: ["commit"] }],
  });

export const causalGoalSchema = z
  .strictObject({
    type: z.literal("causal"),
    class: common.class,
    complexity: common.complexity,
    operations: z.array(causalOperationSchema).min(1).max(limits.causalOperationsMax).describe("The steps"),
    after: z
      .string()
      .min(1)
      .max(limits.causalTokenCharsMax)
      .describe(
        "A causal token, `outcome.token` of an earlier result, of any router: at each agent, what it covers has ended before " +
          "anything of this request begins",
      )
      .optional(),
  })
  .superRefine((goal, context) => {
    goal.operations.forEach((operation, index) => {
      operation.after?.forEach((dependency, position) => {
        if (dependency < index) return;
        context.addIssue({
          code: "custom",
          path: ["operations", index, "after", position],
          message: `must name an earlier operation, below ${index}`,
        });
      });
    });
  })
  .meta({ id: "causal-goal", title: "Causal goal", description: "Several operations, each after those that it depends on" });

export const goalSchema = z
  .discriminatedUnion("type", [broadcastGoalSchema, gatherGoalSchema, balanceGoalSchema, consensusGoalSchema, causalGoalSchema])
  .meta({ id: "goal", title: "Goal", description: "One of the five goals; `type` may be left out, as the subject says it" });
export type Goal = z.infer<typeof goalSchema>;
export type GoalOf<T extends Goal["type"]> = Extract<Goal, { type: T }>;

/** What learning, graduation and watchers group by. Causal goals, which have many operations, are told by their first. */
export function goalClassOf(goal: Goal): string {
  const operation = goal.type === "causal" ? goal.operations[0]?.operation : goal.operation;
  return (goal.class ?? `${goal.type}.${operation ?? ""}`).slice(0, limits.goalClassCharsMax);
}
