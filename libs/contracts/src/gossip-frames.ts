import { z } from "zod";
import { jsonValueSchema } from "./json-value.ts";
import { limits } from "./limits.ts";
import { agentIdSchema, bootSchema, nameSchema } from "./names.ts";
import { pageQuery } from "./page-query.ts";
import { versionSchema } from "./version.ts";

/** What is asked of the gossip service, and what nodes send each other. */

const count = z.int().min(0);

export const stateKeyPattern = /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,255}$/;
export const stateKeySchema = z
  .string()
  .max(limits.stateKeyCharsMax)
  .regex(stateKeyPattern, `must match ${stateKeyPattern.source}`)
  .meta({
    id: "state-key",
    title: "State key",
    description: "A key of the shared state; `/` and `.` are for reading, and mean nothing",
  });

const nodeSchema = nameSchema.describe("The node that answers");

export const gossipPutSchema = z
  .strictObject({
    key: stateKeySchema,
    value: jsonValueSchema.describe("What it shall be; at most 64 KiB as JSON").optional(),
    delete: z.literal(true).describe("Takes the key away, instead of a value").optional(),
    important: z.boolean().meta({ description: "Told at once, not with the next round", default: false }).optional(),
  })
  .refine((body) => (body.value === undefined) !== (body.delete === undefined), {
    path: ["value"],
    message: "give a value, or delete: true, and not both",
  })
  .meta({
    id: "gossip-put",
    title: "Gossip put",
    description: "Writes a key of the shared state",
    oneOf: [{ required: ["value"] }, { required: ["delete"] }],
  });
export type GossipPut = z.infer<typeof gossipPutSchema>;

export const gossipEntrySchema = z.object({
  key: stateKeySchema,
  value: jsonValueSchema,
  stamp: z.string().max(32).describe("When it was written, by a hybrid logical clock; later ones are greater as text"),
  node: nameSchema.describe("The node that it was written at"),
});
export type GossipEntry = z.infer<typeof gossipEntrySchema>;

export const gossipWrittenSchema = z
  .object({
    v: versionSchema,
    node: nodeSchema,
    key: stateKeySchema,
    stamp: z.string().max(32).describe("As in an entry; absent where there was nothing to delete").optional(),
  })
  .meta({
    id: "gossip-written",
    title: "Gossip written",
    description: "It stands at this node, and will at all others; `converged` says when it does",
  });
export type GossipWritten = z.infer<typeof gossipWrittenSchema>;

export const gossipGetSchema = z
  .strictObject({
    key: stateKeySchema.describe("This one alone").optional(),
    prefix: z.string().max(limits.stateKeyCharsMax).meta({ description: "Keys that begin so", default: "" }).optional(),
    ...pageQuery,
  })
  .meta({
    id: "gossip-get",
    title: "Gossip get",
    description: "Reads the shared state as this node has it; an empty body is allowed",
  });
export type GossipGet = z.infer<typeof gossipGetSchema>;

export const gossipPageSchema = z
  .object({
    v: versionSchema,
    node: nodeSchema,
    total: count.describe("Keys that were meant"),
    entries: z.array(gossipEntrySchema).max(limits.pageRowsMax).describe("By key"),
    next: count.describe("The offset of the next page; absent at the end").optional(),
  })
  .meta({ id: "gossip-page", title: "Gossip page", description: "Values that this node has" });
export type GossipPage = z.infer<typeof gossipPageSchema>;

export const memberStates = ["alive", "suspect", "dead", "left"] as const;
export const gossipMembersSchema = z
  .object({
    v: versionSchema,
    node: nodeSchema,
    total: count.describe("Members that this node knows"),
    members: z
      .array(
        z.object({
          id: nameSchema.describe("The member"),
          state: z.enum(memberStates).describe("As this node holds it"),
          incarnation: count.describe("Goes up when it starts anew or denies an accusation"),
          sinceMs: z.number().min(0).describe("For how long it has been in this state"),
          service: z.string().max(64).describe("Which service it is").optional(),
          version: z.string().max(64).describe("Of its software").optional(),
        }),
      )
      .max(limits.membersMax)
      .describe("By id; those that died or left lately, too"),
  })
  .meta({ id: "gossip-members", title: "Gossip members", description: "Who is there, as this node sees it" });
export type GossipMembers = z.infer<typeof gossipMembersSchema>;

export const gossipConvergedQuerySchema = z
  .strictObject({
    freshMs: z
      .int()
      .min(1)
      .max(limits.timeoutMsMax)
      .meta({ description: "How old a member's word may be", default: 2_000 })
      .optional(),
    waitMs: z
      .int()
      .min(0)
      .max(limits.timeoutMsMax)
      .meta({ description: "Wait so long for all to have the same; members are asked meanwhile", default: 1_000 })
      .optional(),
  })
  .meta({
    id: "gossip-converged-query",
    title: "Gossip converged query",
    description: "Whether every live member has what this node has; an empty body is allowed",
  });
export type GossipConvergedQuery = z.infer<typeof gossipConvergedQuerySchema>;

export const gossipConvergedSchema = z
  .object({
    v: versionSchema,
    node: nodeSchema,
    converged: z.boolean().describe("Every live member said, no longer ago than `freshMs`, that it has what this node has now"),
    hash: z.string().max(64).describe("Of what this node has"),
    keys: count.describe("Values that it has"),
    members: z
      .array(
        z.object({
          node: nameSchema.describe("Another live member"),
          hash: z.string().max(64).describe("What it said last; absent where it has said nothing").optional(),
          ageMs: z.number().min(0).describe("For how long that has been its last word").optional(),
          agrees: z.boolean().describe("It is the same, and fresh"),
        }),
      )
      .max(limits.membersMax)
      .describe("Those that stand against it first"),
  })
  .meta({ id: "gossip-converged", title: "Gossip converged", description: "The evidence, for it or against it" });
export type GossipConverged = z.infer<typeof gossipConvergedSchema>;

/** Names the sender alone: what it is told later comes on the nodes' own subjects. */
export const gossipAnnounceSchema = z.object({ v: versionSchema, node: nameSchema.describe("Who is there") }).meta({
  id: "gossip-announce",
  title: "Gossip announcement",
  description: "A member is there: at its start, and now and then",
});
export type GossipAnnounce = z.infer<typeof gossipAnnounceSchema>;

export const gossipFrameSchema = z
  .object({
    v: versionSchema,
    swim: z.unknown().describe("Of the membership; libs/core/membership says what is in it").optional(),
    state: z.unknown().describe("Of the shared state; libs/core/gossip says what is in it").optional(),
  })
  .meta({
    id: "gossip-frame",
    title: "Gossip frame",
    description: "Between members alone: one of the two. It is read without this schema, since each member gets many a second",
  });

export const gossipVerdictsSchema = z
  .object({
    v: versionSchema,
    node: nameSchema.describe("The member that judges"),
    verdicts: z
      .array(
        z.object({
          agent: agentIdSchema.describe("Who is judged"),
          boot: bootSchema.describe("Which life of it"),
          verdict: z
            .enum(["alive", "suspect", "dead"])
            .describe(
              "`suspect`: one observer's probes were not answered; `dead`: nor were the other's; `alive`: it was heard again",
            ),
        }),
      )
      .min(1)
      .max(limits.replyBatchMax)
      .describe("What is new"),
  })
  .meta({
    id: "gossip-verdicts",
    title: "Gossip verdicts",
    description: "What observers of agents found out: to routers, and to the other observers",
  });
export type GossipVerdicts = z.infer<typeof gossipVerdictsSchema>;
