import {
  type GoalOf,
  isJsonObject,
  type JsonValue,
  NexusError,
  type Outcome,
  type ReplyFrame,
  toErrorBody,
  type Vote,
} from "@nexus/contracts";
import { type Ballot, createTally } from "@nexus/core-voting";
import type { Collector } from "./fan-out-run.ts";

/**
 * Counts ballots by the rule. An agent votes with `"for"`, `"against"` or `"abstain"`, alone or as `{vote}`; anything
 * else is no ballot. The electorate is everybody who was asked, also those who are silent: a vote that they could still
 * tip is undecided, and undecided is `no-quorum`, never a weaker yes.
 */
export function consensusCollector(goal: GoalOf<"consensus"> & { vote: Vote }, electorate: readonly string[]): Collector {
  const tally = createTally(goal.vote, electorate);
  return {
    take(agent: string, reply: ReplyFrame) {
      if (reply.status !== "ok") return { holds: tally.current().settled };
      const ballot = ballotOf(reply.value);
      if (ballot === undefined) return { holds: false, fault: toErrorBody(noBallot()) };
      tally.cast(agent, ballot);
      return { holds: tally.current().settled };
    },
    get satisfied() {
      return tally.current().decision !== "undecided";
    },
    get reached() {
      const { for: yes, against, abstained } = tally.current();
      return yes + against + abstained;
    },
    get wanted() {
      return tally.current().needed;
    },
    keepsValues: true,
    outcome: (ended, rowsTotal): Outcome => {
      const { decision, for: yes, against, abstained, needed, electorate: total } = tally.current();
      return { type: "consensus", decision, for: yes, against, abstained, needed, electorate: total, ended, rows: [], rowsTotal };
    },
    verdict(general, executed) {
      if (general.status === "completed" || general.error?.code === "cancelled") return general;
      const { for: yes, against, abstained, needed, electorate: total } = tally.current();
      const without = total - yes - against - abstained;
      const message = `undecided: ${yes} for, ${needed} needed of ${total}; what ${without} without a ballot say could still tip it`;
      return { status: "failed", error: toErrorBody(new NexusError("no-quorum", message, { executed })) };
    },
  };
}

function noBallot(): NexusError {
  return new NexusError("invalid-field", 'the answer is no ballot: it must be "for", "against" or "abstain", or {"vote": …}', {
    executed: "all",
  });
}

function ballotOf(value: JsonValue | undefined): Ballot | undefined {
  const said = isJsonObject(value) ? value["vote"] : value;
  return said === "for" || said === "against" || said === "abstain" ? said : undefined;
}
