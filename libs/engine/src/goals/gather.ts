import {
  type GoalOf,
  type JsonValue,
  NexusError,
  type Outcome,
  type ReplyFrame,
  toErrorBody,
  type Until,
} from "@nexus/contracts";
import { createReduction } from "@nexus/core-reducers";
import type { Collector } from "./fan-out-run.ts";

/** Far above the error of a product of doubles, far below any share of agents that somebody could mean. */
const ROUNDING = 1e-9;

/** Reduces answers as they come; an agent's answer counts once, whichever layer asked for it. */
export function gatherCollector(goal: GoalOf<"gather">, targeted: number): Collector {
  const until = goal.until ?? "all";
  const spec = goal.reduce ?? { kind: "list" as const };
  const wanted = wantedOf(until, targeted);
  const reduction = createReduction(spec);
  let unusable = 0;
  return {
    take(agent: string, reply: ReplyFrame) {
      if (reply.status !== "ok") return { holds: false };
      const added = reduction.add(agent, reply.value ?? null);
      if (added.ok) return { holds: reduction.contributors >= wanted };
      unusable++;
      return { holds: false, fault: toErrorBody(unusableAnswer(spec.kind, added.reason)) };
    },
    get satisfied() {
      return reduction.contributors >= wanted;
    },
    get reached() {
      return reduction.contributors;
    },
    wanted,
    keepsValues: spec.kind === "list",
    outcome: (ended, rowsTotal): Outcome => ({
      type: "gather",
      until,
      wanted,
      ended,
      reduce: spec.kind,
      value: reduction.finish() as JsonValue,
      contributors: reduction.contributors,
      unusable,
      rows: [],
      rowsTotal,
    }),
  };
}

function unusableAnswer(kind: string, reason: string): NexusError {
  return new NexusError("invalid-field", `the answer cannot be reduced by ${kind}: ${reason}`, { executed: "all" });
}

/** How many answers the condition needs, of those asked. */
export function wantedOf(until: Until, targeted: number): number {
  if (until === "all") return targeted;
  if (until === "quorum") return Math.floor(targeted / 2) + 1;
  if ("first" in until) return until.first;
  // 0.07 × 100 is a little above 7 in binary, and means 7.
  return Math.ceil(until.fraction * targeted - ROUNDING);
}
