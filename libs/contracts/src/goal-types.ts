import { z } from "zod";

/** What a client can ask for. */
export const goalTypes = ["broadcast", "gather", "balance", "consensus", "causal"] as const;
export const goalTypeSchema = z.enum(goalTypes);
export type GoalType = z.infer<typeof goalTypeSchema>;

/**
 * The ladder, lowest rung first. `emergency` as a ceiling means "last resort only"; the last resort itself is plain
 * round robin over a list of agents in memory.
 */
export const layers = ["emergency", "foundation", "performance", "intelligence", "adaptive"] as const;
export const layerSchema = z.enum(layers);
export type Layer = z.infer<typeof layerSchema>;
