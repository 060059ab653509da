import { z } from "zod";
import { limits } from "./limits.ts";
import { bootSchema, namePattern, routerIdSchema } from "./names.ts";
import { versionSchema } from "./version.ts";

/**
 * How operations of a causal goal are counted. A session is one life of a router, and its id is the router's; a restart is
 * another one. A session counts its sends of each scope, from 1: `*` is all agents, a name is a group, the empty text is what
 * was sent to agents that were named or picked by labels.
 */

export const scopeSchema = z
  .string()
  .max(limits.nameCharsMax)
  .regex(new RegExp(`^$|^\\*$|${namePattern.source}`), "must be a group, `*` for all agents, or empty for those that were picked")
  .describe("A group; `*`: all agents; empty: agents that were named or picked by labels");

const session = routerIdSchema.describe("The router's life that sent it");
const seqSchema = z.int().min(1).max(limits.causalSeqMax);

export const dotSchema = z
  .object({ session, scope: scopeSchema, seq: seqSchema.describe("Which send of the scope") })
  .meta({ id: "dot", title: "Dot", description: "One causal operation, by who sent it" });

export const causalOrderSchema = z
  .object({
    scope: scopeSchema,
    seq: seqSchema.describe("Which send of the scope; the session is the frame's `router`"),
    before: z
      .int()
      .min(0)
      .max(limits.causalSeqMax)
      .describe("The send of the scope that this agent was sent before it, which is begun first; 0: there was none"),
    after: z
      .array(dotSchema)
      .max(limits.causalAfterMax)
      .meta({ description: "Operations that must have ended at this agent first", default: [] })
      .optional(),
    unordered: z
      .boolean()
      .meta({ description: "Run it although one of `after` cannot be had; else it is refused (`causal-gap`)", default: false })
      .optional(),
  })
  .refine((order) => order.before < order.seq, { path: ["before"], message: "must be below seq" })
  .meta({ id: "causal-order", title: "Causal order", description: "Where an operation stands among others" });
export type CausalOrder = z.infer<typeof causalOrderSchema>;

export const causalNothingSchema = z
  .object({
    v: versionSchema,
    kind: z.literal("causal-nothing"),
    router: routerIdSchema.describe("Whose sends they are"),
    boot: bootSchema,
    scope: scopeSchema,
    from: seqSchema.describe("The first"),
    to: seqSchema.describe("The last"),
    lost: z.boolean().describe("Some of them were for this agent and are over or forgotten; else none was"),
  })
  .refine((frame) => frame.from <= frame.to, { path: ["to"], message: "must not be below from" })
  .meta({
    id: "causal-nothing",
    title: "Causal nothing",
    description: "The answer to a causal question where there is nothing to send: do not wait for these",
  });

export const causalAskSchema = z
  .object({
    v: versionSchema,
    boot: bootSchema,
    scope: scopeSchema,
    from: seqSchema.describe("The first"),
    to: seqSchema.describe("The last"),
  })
  .refine((frame) => frame.from <= frame.to, { path: ["to"], message: "must not be below from" })
  .meta({
    id: "causal-ask",
    title: "Causal question",
    description: "An agent misses sends of a scope. The router sends them again, or says `causal-nothing`",
  });
export type CausalAsk = z.infer<typeof causalAskSchema>;

export const causalMissingSchema = z
  .array(
    z.object({
      session,
      scope: scopeSchema,
      from: seqSchema.describe("The first"),
      to: seqSchema.describe("The last"),
      cause: z.boolean().describe("The operation is after them; else they only went before it in its scope"),
    }),
  )
  .max(limits.causalMissingMax)
  .describe("Operations that were sent to the agent before this one, never ran there, and are not waited for; the first of them");
export type CausalMissing = z.infer<typeof causalMissingSchema>;
