import { z } from "zod";
import { limits } from "./limits.ts";
import { agentIdSchema, groupSchema, labelsSchema } from "./names.ts";

const ways = ["ids", "group", "labels", "all"] as const;

/** Which agents a request is for: by id, by group, by labels (all must match), or every one. Exactly one of the four. */
export const selectorSchema = z
  .strictObject({
    ids: z.array(agentIdSchema).min(1).max(limits.targetIdsMax).optional(),
    group: groupSchema.optional(),
    labels: labelsSchema.refine((labels) => Object.keys(labels).length > 0, "at least one label").optional(),
    all: z.literal(true).optional(),
  })
  .refine((selector) => ways.filter((way) => selector[way] !== undefined).length === 1, {
    message: 'exactly one of {"ids": […]}, {"group": "…"}, {"labels": {…}}, {"all": true}',
  });
export type Selector = z.infer<typeof selectorSchema>;
