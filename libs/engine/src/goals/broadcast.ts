import type { GoalOf, Outcome, ReplyFrame } from "@nexus/contracts";
import type { Collector } from "./fan-out-run.ts";

/** Counts acknowledgements: an agent acknowledges by having run the operation. */
export function broadcastCollector(goal: GoalOf<"broadcast">, targeted: number): Collector {
  const ack = goal.ack ?? "each";
  const wanted = ack === "none" ? 0 : ack === "each" ? targeted : Math.floor(targeted / 2) + 1;
  let acknowledged = 0;
  return {
    take(_agent: string, reply: ReplyFrame) {
      if (reply.status === "ok") acknowledged++;
      return { holds: acknowledged >= wanted };
    },
    get satisfied() {
      return acknowledged >= wanted;
    },
    get reached() {
      return acknowledged;
    },
    wanted,
    keepsValues: true,
    outcome: (ended, rowsTotal): Outcome => ({ type: "broadcast", ack, acknowledged, wanted, ended, rows: [], rowsTotal }),
  };
}
