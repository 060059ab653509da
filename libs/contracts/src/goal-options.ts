import { z } from "zod";
import { checkRules, type FieldRule, jsonSchemaRules } from "./field-rules.ts";
import { limits } from "./limits.ts";
import { recordByName } from "./names.ts";

/** Options of the goals: how much is enough, how answers become one value, who gets a piece, how ballots decide. */

export const fieldPathSchema = z
  .string()
  .min(1)
  .max(limits.fieldPathCharsMax)
  .regex(/^[^.]+(\.[^.]+)*$/, 'must be a path of names with dots between them, e.g. "stats.files"')
  .meta({ id: "field-path", title: "Field path", description: "Names with dots between them, such as `stats.files`" });

export const ackSchema = z.enum(["none", "each", "quorum"]).meta({
  id: "ack",
  title: "Acknowledgement",
  description: "Which agents must say that they have run a broadcast: nobody, each, or more than half",
});
export type Ack = z.infer<typeof ackSchema>;

export const untilSchema = z
  .union(
    [
      z.literal("all"),
      z.literal("quorum"),
      z.strictObject({ first: z.int().min(1).max(limits.targetIdsMax) }),
      z.strictObject({ fraction: z.number().positive().max(1) }),
    ],
    'must be "all", "quorum", {"first": k} with k ≥ 1, or {"fraction": p} with 0 < p ≤ 1',
  )
  .meta({
    id: "until",
    title: "Until",
    description: "When a gather has enough: everybody, more than half, the first k, or a fraction of those asked",
  });
export type Until = z.infer<typeof untilSchema>;

export const reduceKinds = ["list", "count", "sum", "mean", "min", "max", "histogram", "topk", "merge"] as const;
export const reduceKindSchema = z
  .enum(reduceKinds)
  .meta({ id: "reduce-kind", title: "Reduction", description: "How the answers of a gather become one value" });
export type ReduceKind = z.infer<typeof reduceKindSchema>;

const ofTopkAlone = "is an option of topk alone";
const reduceRules: readonly FieldRule[] = [
  {
    field: "kind",
    is: "topk",
    needs: { k: "topk needs k, how many to keep" },
    alone: { k: ofTopkAlone, by: ofTopkAlone, order: ofTopkAlone },
  },
  {
    field: "kind",
    is: "histogram",
    needs: { bounds: "histogram needs bounds" },
    alone: { bounds: "is an option of histogram alone" },
  },
];

export const reduceSchema = z
  .strictObject({
    kind: reduceKindSchema,
    field: fieldPathSchema.describe("What is reduced, within each answer; the whole answer where it is absent").optional(),
    by: fieldPathSchema.describe("`topk`: the rank, within an item; the item itself where it is absent").optional(),
    k: z.int().min(1).max(limits.topkMax).describe("`topk`: how many to keep").optional(),
    order: z
      .enum(["descending", "ascending"])
      .meta({ description: "`topk`: which end to keep", default: "descending" })
      .optional(),
    bounds: z
      .array(z.number())
      .min(1)
      .max(limits.histogramBoundsMax)
      .describe("`histogram`: upper bounds of the buckets, ascending")
      .optional(),
  })
  .superRefine(checkRules(reduceRules))
  .superRefine(({ bounds }, context) => {
    if (!bounds?.some((bound, i, all) => i > 0 && bound <= (all[i - 1] ?? bound))) return;
    context.addIssue({ code: "custom", path: ["bounds"], message: "must ascend" });
  })
  .meta({
    id: "reduce",
    title: "Reduce",
    description: "How the answers of a gather become one value, and what of each answer is taken",
    ...jsonSchemaRules(reduceRules),
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

const voteRules: readonly FieldRule[] = [
  {
    field: "rule",
    is: "quorum",
    needs: { quorum: 'rule "quorum" needs quorum, the votes wanted' },
    alone: { quorum: 'is an option of rule "quorum" alone' },
  },
  {
    field: "rule",
    is: "weighted",
    alone: { weights: 'is an option of rule "weighted" alone', threshold: 'is an option of rule "weighted" alone' },
  },
];

export const voteSchema = z
  .strictObject({
    rule: z
      .enum(["majority", "unanimous", "weighted", "quorum"])
      .describe(
        "`majority`: more than half; `unanimous`: all; `quorum`: at least `quorum` votes for; `weighted`: more than " +
          "`threshold` of the weight",
      ),
    quorum: z.int().min(1).max(limits.targetIdsMax).describe("`quorum`: votes for that are needed").optional(),
    threshold: z
      .number()
      .min(0.5)
      .lt(1, "must be below 1: more than the whole weight can never vote for; use unanimous")
      .meta({ description: "`weighted`: share of the weight that must be exceeded", default: 0.5 })
      .optional(),
    weights: recordByName(z.number().min(0).max(1_000_000))
      .refine((weights) => Object.keys(weights).length <= limits.weightsMax, `at most ${limits.weightsMax} weights`)
      .meta({
        description: "`weighted`: the weight of an agent's vote, by its id; 1 for those that are not named",
        maxProperties: limits.weightsMax,
      })
      .optional(),
    abstentions: z
      .enum(["count", "ignore"])
      .meta({ description: "`ignore` takes abstainers out of the count; silent agents always stay in it", default: "count" })
      .optional(),
    ties: z.enum(["reject", "accept"]).meta({ description: "What a tie decides", default: "reject" }).optional(),
  })
  .superRefine(checkRules(voteRules))
  .meta({
    id: "vote",
    title: "Vote",
    description: "The rule by which ballots decide",
    ...jsonSchemaRules(voteRules),
  });
export type Vote = z.infer<typeof voteSchema>;
