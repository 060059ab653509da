import { z } from "zod";
import { jsonValueSchema } from "./json-value.ts";
import { limits } from "./limits.ts";
import { agentIdSchema, operationNameSchema, recordByName } from "./names.ts";
import { selectorSchema } from "./selector.ts";

/** The five goals as a client states them. Strict: an unknown field is refused by name, since it may be a misspelt wish. */

const fieldPathSchema = z
  .string()
  .min(1)
  .max(limits.fieldPathCharsMax)
  .regex(/^[^.]+(\.[^.]+)*$/, 'must be a path of names with dots between them, e.g. "stats.files"');

const common = {
  /** The handler's name at the agent. */
  operation: operationNameSchema,
  /** Opaque to Nexus; handed to the handler as it is. */
  payload: jsonValueSchema.optional(),
  /** What learning and graduation group by; `<type>.<operation>` where it is absent. */
  class: z
    .string()
    .min(1)
    .max(limits.goalClassCharsMax)
    .regex(/^[A-Za-z0-9][A-Za-z0-9_.:-]*$/)
    .optional(),
  /** A hint of how much work this is, relative to the class's usual 1. */
  complexity: z.number().positive().max(limits.complexityMax).optional(),
};

/** Whether and how many agents must confirm a broadcast. */
export const ackSchema = z.enum(["none", "each", "quorum"]);
export type Ack = z.infer<typeof ackSchema>;

/** When a gather has enough: everybody, the first k, a fraction of those expected, or more than half. */
export const untilSchema = z.union(
  [
    z.literal("all"),
    z.literal("quorum"),
    z.strictObject({ first: z.int().min(1).max(limits.targetIdsMax) }),
    z.strictObject({ fraction: z.number().positive().max(1) }),
  ],
  'must be "all", "quorum", {"first": k} with k ≥ 1, or {"fraction": p} with 0 < p ≤ 1',
);
export type Until = z.infer<typeof untilSchema>;

export const reduceKinds = ["list", "count", "sum", "mean", "min", "max", "histogram", "topk", "merge"] as const;
export const reduceKindSchema = z.enum(reduceKinds);
export type ReduceKind = z.infer<typeof reduceKindSchema>;

/**
 * How answers become one value. `field` is the path of what is reduced within each answer (the whole answer where it is
 * absent); `by` is the path of the rank within an item of a top-k; `bounds` are a histogram's upper bounds, ascending.
 */
export const reduceSchema = z
  .strictObject({
    kind: reduceKindSchema,
    field: fieldPathSchema.optional(),
    by: fieldPathSchema.optional(),
    k: z.int().min(1).max(limits.topkMax).optional(),
    order: z.enum(["descending", "ascending"]).optional(),
    bounds: z.array(z.number()).min(1).max(limits.histogramBoundsMax).optional(),
  })
  .superRefine((reduce, context) => {
    const refuse = (path: string, message: string) => context.addIssue({ code: "custom", path: [path], message });
    if (reduce.kind === "topk" && reduce.k === undefined) refuse("k", "topk needs k, how many to keep");
    if (reduce.kind === "histogram" && reduce.bounds === undefined) refuse("bounds", "histogram needs bounds");
    if (reduce.bounds?.some((bound, i, all) => i > 0 && bound <= (all[i - 1] ?? bound))) refuse("bounds", "must ascend");
    if (reduce.kind !== "topk") {
      for (const only of ["k", "by", "order"] as const) {
        if (reduce[only] !== undefined) refuse(only, "is an option of topk alone");
      }
    }
    if (reduce.kind !== "histogram" && reduce.bounds !== undefined) refuse("bounds", "is an option of histogram alone");
  });
export type Reduce = z.infer<typeof reduceSchema>;

export const balancerNames = [
  "round-robin",
  "least-connections",
  "weighted-response-time",
  "resource-aware",
  "adaptive",
  "p2c-peak-ewma",
  "bounded-consistent-hash",
] as const;
export const balancerNameSchema = z.enum(balancerNames);
export type BalancerName = z.infer<typeof balancerNameSchema>;

/**
 * `majority`: more than half; `unanimous`: all; `quorum`: at least `quorum` votes for; `weighted`: more than `threshold`
 * of the weight. `abstentions: "ignore"` takes abstainers out of the count; silent agents always stay in it.
 */
export const voteSchema = z
  .strictObject({
    rule: z.enum(["majority", "unanimous", "weighted", "quorum"]),
    quorum: z.int().min(1).max(limits.targetIdsMax).optional(),
    threshold: z
      .number()
      .min(0.5)
      .lt(1, "must be below 1: more than the whole weight can never vote for; use unanimous")
      .optional(),
    weights: recordByName(z.number().min(0).max(1_000_000))
      .refine((weights) => Object.keys(weights).length <= limits.weightsMax, `at most ${limits.weightsMax} weights`)
      .optional(),
    abstentions: z.enum(["count", "ignore"]).optional(),
    ties: z.enum(["reject", "accept"]).optional(),
  })
  .superRefine((vote, context) => {
    const refuse = (path: string, message: string) => context.addIssue({ code: "custom", path: [path], message });
    if (vote.rule === "quorum" && vote.quorum === undefined) refuse("quorum", 'rule "quorum" needs quorum, the votes wanted');
    if (vote.rule !== "quorum" && vote.quorum !== undefined) refuse("quorum", 'is an option of rule "quorum" alone');
    if (vote.rule !== "weighted" && vote.weights !== undefined) refuse("weights", 'is an option of rule "weighted" alone');
    if (vote.rule !== "weighted" && vote.threshold !== undefined) refuse("threshold", 'is an option of rule "weighted" alone');
  });
export type Vote = z.infer<typeof voteSchema>;

export const causalOperationTypes = ["broadcast", "targeted", "coordinated"] as const;

/**
 * One step of a causal goal. `after` names earlier steps by index; absent, it is the step before; `[]` says that it
 * depends on nothing. A `coordinated` step runs at `coordinator` first, whose answer then travels with it to the others.
 */
export const causalOperationSchema = z
  .strictObject({
    type: z.enum(causalOperationTypes),
    operation: operationNameSchema,
    payload: jsonValueSchema.optional(),
    agents: selectorSchema.optional(),
    coordinator: agentIdSchema.optional(),
    after: z
      .array(
        z
          .int()
          .min(0)
          .max(limits.causalOperationsMax - 1),
      )
      .max(limits.causalOperationsMax)
      .optional(),
  })
  .superRefine((operation, context) => {
    const refuse = (path: string, message: string) => context.addIssue({ code: "custom", path: [path], message });
    if (operation.type === "targeted" && operation.agents === undefined)
      refuse("agents", "a targeted operation names its agents");
    if (operation.type === "coordinated" && operation.coordinator === undefined)
      refuse("coordinator", "must name the coordinating agent");
    if (operation.type !== "coordinated" && operation.coordinator !== undefined)
      refuse("coordinator", "is for coordinated operations alone");
  });
export type CausalOperation = z.infer<typeof causalOperationSchema>;

export const broadcastGoalSchema = z.strictObject({ type: z.literal("broadcast"), ...common, ack: ackSchema.optional() });
export const gatherGoalSchema = z.strictObject({
  type: z.literal("gather"),
  ...common,
  until: untilSchema.optional(),
  reduce: reduceSchema.optional(),
});
export const balanceGoalSchema = z.strictObject({
  type: z.literal("balance"),
  ...common,
  /** The work, piece by piece; absent, `payload` is the one piece. */
  pieces: z.array(jsonValueSchema).min(1).max(limits.piecesMax).optional(),
  strategy: balancerNameSchema.optional(),
  /** Path, within a piece, of the value that pieces are kept together by. */
  key: fieldPathSchema.optional(),
  hedge: z.boolean().optional(),
});
export const consensusGoalSchema = z
  .strictObject({ type: z.literal("consensus"), ...common, vote: voteSchema.optional(), commit: z.boolean().optional() })
  .refine((goal) => goal.vote !== undefined || goal.commit === true, {
    path: ["vote"],
    message: "a consensus goal asks for a vote, a commit, or both",
  });
export const causalGoalSchema = z
  .strictObject({
    type: z.literal("causal"),
    class: common.class,
    complexity: common.complexity,
    operations: z.array(causalOperationSchema).min(1).max(limits.causalOperationsMax),
    /** A causal token from an earlier result: everything it covers comes first. */
    after: z.string().min(1).max(8_192).optional(),
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
  });

export const goalSchema = z.discriminatedUnion("type", [
  broadcastGoalSchema,
  gatherGoalSchema,
  balanceGoalSchema,
  consensusGoalSchema,
  causalGoalSchema,
]);
export type Goal = z.infer<typeof goalSchema>;
export type GoalOf<T extends Goal["type"]> = Extract<Goal, { type: T }>;

/** What learning, graduation and watchers group by. Causal goals, which have many operations, are told by their first. */
export function goalClassOf(goal: Goal): string {
  const operation = goal.type === "causal" ? goal.operations[0]?.operation : goal.operation;
  return (goal.class ?? `${goal.type}.${operation ?? ""}`).slice(0, limits.goalClassCharsMax);
}
