import { z } from "zod";
import { errorBodySchema } from "./errors.ts";
import { layerSchema } from "./goal-types.ts";
import { limits } from "./limits.ts";

const durationMs = z.number().min(0);
const text = z.string().max(limits.messageCharsMax);

/** One try of one strategy. */
export const attemptSchema = z.object({
  layer: layerSchema,
  strategy: z.string().max(64),
  why: text,
  /** Milliseconds after the request's arrival. */
  startedMs: durationMs,
  durationMs,
  /** Messages published to agents, repeats included. */
  messages: z.int().min(0),
  /** Answers that this attempt added to what earlier ones had gathered. */
  answers: z.int().min(0),
  /** Why it fell; absent when it carried the request to its end. */
  error: errorBodySchema.optional(),
});
export type Attempt = z.infer<typeof attemptSchema>;

/** What the model said before, beside what happened. */
const outlookSchema = z.object({ durationMs: durationMs.optional(), success: z.number().min(0).max(1).optional() });

/** How a result was reached, and what each rung of the ladder cost. */
export const decisionSchema = z.object({
  layer: layerSchema,
  strategy: z.string().max(64),
  why: text,
  /** Rungs that could have carried the request when it was planned, lowest first. */
  available: z.array(layerSchema).max(8),
  /** The ceiling that was in force, and who set it. */
  ceiling: z.object({ layer: layerSchema, by: z.enum(["request", "ledger", "default"]) }),
  /** Version of the routing table that the targets were taken from. */
  tableVersion: z.int().min(0),
  /** The balancer asked for and the one used, with the reason where they differ. */
  balancer: z.object({ asked: z.string().max(64), used: z.string().max(64), why: text }).optional(),
  prediction: outlookSchema.optional(),
  actual: outlookSchema,
  attempts: z.array(attemptSchema).max(limits.attemptsMax),
  /** Per layer: microseconds of the router's own work (waiting excluded), and messages. */
  costs: z.record(z.string().max(32), z.object({ us: z.number().min(0), messages: z.int().min(0) })),
});
export type Decision = z.infer<typeof decisionSchema>;
