import type { CoordinationRequest, Degradation, GoalType, Layer } from "@nexus/contracts";
import type { Mechanism } from "../plan.ts";

/**
 * The one table of which mechanism carries which goal, what it keeps, and which permission it needs. docs/promises.md
 * shows it to users; a test holds the two together.
 */

export type Kept = "acknowledged" | "complete" | "causal-order" | "counted-votes" | "once-per-agent";

export interface Rung extends Mechanism {
  readonly layer: Layer;
  readonly goals: Readonly<
    Partial<Record<GoalType, { readonly keeps: readonly Kept[]; readonly needs: readonly Degradation[] }>>
  >;
}

const fanOut = { keeps: ["acknowledged", "complete", "once-per-agent"], needs: [] } as const;

/** Highest first. */
export const rungs: readonly Rung[] = [
  {
    layer: "foundation",
    strategy: "foundation",
    sendsMax: 3,
    windowed: true,
    goals: {
      broadcast: fanOut,
      gather: fanOut,
      balance: fanOut,
      consensus: { keeps: ["acknowledged", "complete", "counted-votes", "once-per-agent"], needs: [] },
      causal: { keeps: ["acknowledged", "complete", "causal-order", "once-per-agent"], needs: [] },
    },
  },
  {
    // The last resort: the agents that the plan holds in memory, plain messages, nothing else. No causal goals: without
    // the foundation's acknowledgement of each step it could not keep their order.
    layer: "emergency",
    strategy: "round-robin",
    sendsMax: 1,
    windowed: false,
    goals: {
      broadcast: fanOut,
      gather: fanOut,
      balance: fanOut,
      consensus: { keeps: ["acknowledged", "complete", "counted-votes", "once-per-agent"], needs: [] },
    },
  },
];

/** Whether a rung may carry the request: it knows the goal, and the caller gave the permissions that it needs. */
export function isEligible(rung: Rung, request: CoordinationRequest): boolean {
  const kept = rung.goals[request.goal.type];
  return kept?.needs.every((need) => request.degrade?.includes(need)) ?? false;
}
