import { z } from "zod";
import { limits } from "./limits.ts";
import { agentIdSchema, groupSchema, labelsSchema } from "./names.ts";

const ways = ["ids", "group", "labels", "all"] as const;

export const selectorSchema = z
  .strictObject({
    ids: z
      .array(agentIdSchema)
      .min(1)
      .max(limits.targetIdsMax)
      .describe("These agents; one that is not known is missing as `not-sent`")
      .optional(),
    group: groupSchema.describe("The members of a group that are there").optional(),
    labels: labelsSchema
      .refine((labels) => Object.keys(labels).length > 0, "at least one label")
      .meta({ description: "The agents that have all these labels", minProperties: 1 })
      .optional(),
    all: z.literal(true).describe("Every agent that is there").optional(),
  })
  .refine((selector) => ways.filter((way) => selector[way] !== undefined).length === 1, {
    message: 'exactly one of {"ids": […]}, {"group": "…"}, {"labels": {…}}, {"all": true}',
  })
  .meta({
    id: "selector",
    title: "Selector",
    description: "Which agents a request is for: exactly one of the four fields",
    minProperties: 1,
    maxProperties: 1,
  });
export type Selector = z.infer<typeof selectorSchema>;
