import type { MissingAgent, Row } from "@nexus/contracts";
import { silenceOf } from "../../fan-out/fan-out.ts";
import type { Plan } from "../../plan.ts";
import { strangers } from "../fan-out-run.ts";
import { executedOf, type RunReport, verdictOf } from "../run.ts";
import type { Pieces } from "./pieces.ts";

export type BalanceEnd = "everyone" | "deadline" | "cancelled" | "hopeless";

/** What a balance run has come to. */
export function reportOf({ targets, request }: Plan, pieces: Pieces, ended: BalanceEnd): RunReport {
  const rows = pieces.rows();
  const count = (status: Row["status"]) => rows.filter((row) => row.status === status).length;
  const done = count("ok");
  const executed = executedOf(rows.length, done + count("error"), count("unknown"));
  const responders = new Set(rows.filter((row) => row.status === "ok").map((row) => row.agent));
  return {
    ...verdictOf({
      satisfied: done === rows.length,
      cancelled: ended === "cancelled",
      reached: done,
      wanted: rows.length,
      what: "pieces of work",
      executed,
      degrade: request.degrade,
    }),
    executed,
    outcome: { type: "balance", pieces: rows.length, done, ended, rows: [], rowsTotal: rows.length },
    rows,
    agents: {
      targeted: targets.agents.length + targets.unknown.length,
      responded: responders.size,
      extra: pieces.extraCount,
      missing: [...missingOf(targets, pieces, rows, ended), ...strangers(targets.unknown)],
    },
  };
}

/** Where work was left undone, those that could not be given any are missing, too. */
function missingOf({ agents }: Plan["targets"], pieces: Pieces, rows: readonly Row[], ended: BalanceEnd): MissingAgent[] {
  const entries = new Map(agents.map((entry) => [entry.id, entry]));
  const missing = pieces.missing(rows, (id) => {
    const agent = ended === "deadline" ? entries.get(id) : undefined;
    return agent === undefined ? "unknown" : silenceOf(agent);
  });
  if (rows.every((row) => row.status !== "not-sent" && row.status !== "refused")) return missing;
  const named = new Set(missing.map(({ agent }) => agent));
  for (const { id, state } of agents) {
    if ((state === "left" || state === "dead") && !named.has(id)) missing.push({ agent: id, reason: state });
  }
  return missing;
}
