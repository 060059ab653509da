import { z } from "zod";

export const goalTypes = ["broadcast", "gather", "balance", "consensus", "causal"] as const;
export const goalTypeSchema = z
  .enum(goalTypes)
  .meta({ id: "goal-type", title: "Goal type", description: "What a client asks for" });
export type GoalType = z.infer<typeof goalTypeSchema>;

export const layers = ["emergency", "foundation", "performance", "intelligence", "adaptive"] as const;
export const layerSchema = z.enum(layers).meta({
  id: "layer",
  title: "Layer",
  description:
    "A rung of the ladder, lowest first. `emergency` is the last resort: plain round robin over a list of agents in memory",
});
export type Layer = z.infer<typeof layerSchema>;
