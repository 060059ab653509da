import { z } from "zod";
import { errorBodySchema } from "./errors.ts";
import { layerSchema } from "./goal-types.ts";
import { limits } from "./limits.ts";

const durationMs = z.number().min(0);
const text = z.string().max(limits.messageCharsMax);

export const attemptSchema = z
  .object({
    layer: layerSchema,
    strategy: z.string().max(64).describe("The layer's way of doing it"),
    why: text.describe("Why it was tried, for people"),
    startedMs: durationMs.describe("After the request's arrival"),
    durationMs: durationMs.describe("What it took"),
    messages: z.int().min(0).describe("Messages published to agents, repeats included"),
    answers: z.int().min(0).describe("Answers that this attempt added to what earlier ones had gathered"),
    error: errorBodySchema.describe("Why it fell; absent when it carried the request to its end").optional(),
  })
  .meta({ id: "attempt", title: "Attempt", description: "One try of one strategy" });
export type Attempt = z.infer<typeof attemptSchema>;

const outlookSchema = z.object({
  durationMs: durationMs.describe("From arrival to end").optional(),
  success: z.number().min(0).max(1).describe("Probability; of what happened, 1 or 0").optional(),
});

export const decisionSchema = z
  .object({
    layer: layerSchema.describe("The layer that carried the request, or would"),
    strategy: z.string().max(64).describe("The layer's way of doing it"),
    why: text.describe("Why this one, for people"),
    available: z.array(layerSchema).max(8).describe("Layers that there were when it was planned, lowest first"),
    ceiling: z
      .object({ layer: layerSchema, by: z.enum(["request", "ledger", "default"]).describe("Who said so") })
      .describe("The highest layer that was allowed"),
    tableVersion: z.int().min(0).describe("Version of the routing table that the targets were taken from"),
    balancer: z
      .object({
        asked: z.string().max(64).describe("The one that was wanted"),
        used: z.string().max(64).describe("The one that was used"),
        why: text.describe("Why, for people"),
      })
      .describe("`balance` alone: who chose the agents")
      .optional(),
    prediction: outlookSchema.describe("What the model said before; absent in this release").optional(),
    actual: outlookSchema.describe("What happened"),
    attempts: z
      .array(attemptSchema)
      .max(limits.attemptsMax)
      .describe('In their order; with `explain: "summary"` those that failed and the last'),
    costs: z
      .record(
        z.string().max(32),
        z.object({
          us: z.number().min(0).meta({ description: "The router's own work, waiting excluded", unit: "µs" }),
          messages: z.int().min(0).describe("Messages published to agents"),
        }),
      )
      .describe("What each layer cost, by its name"),
  })
  .meta({ id: "decision", title: "Decision record", description: "How a result was reached, and what each layer cost" });
export type Decision = z.infer<typeof decisionSchema>;
