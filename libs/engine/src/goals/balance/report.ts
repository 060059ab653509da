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
  const counts = countsOf(rows);
  const done = counts.ok;
  const executed = executedOf(rows.length, done + counts.error, counts.unknown);
  const { status, error } = verdictOf({
    satisfied: done === rows.length,
    cancelled: ended === "cancelled",
    reached: done,
    wanted: rows.length,
    what: "pieces of work",
    executed,
    degrade: request.degrade,
  });
  return {
    status,
    error,
    executed,
    outcome: { type: "balance", pieces: rows.length, done, ended, rows: [], rowsTotal: rows.length },
    rows,
    agents: {
      targeted: targets.agents.length + targets.unknown.length,
      responded: respondersOf(rows, done),
      extra: pieces.extraCount,
      missing: done === rows.length ? strangers(targets.unknown) : missingOf(targets, pieces, rows, ended),
    },
  };
}

function countsOf(rows: readonly Row[]): Record<"ok" | "error" | "unknown" | "other", number> {
  const counts = { ok: 0, error: 0, unknown: 0, other: 0 };
  for (const { status } of rows) {
    if (status === "ok" || status === "error" || status === "unknown") counts[status]++;
    else counts.other++;
  }
  return counts;
}

/** Agents that did something of it. */
function respondersOf(rows: readonly Row[], done: number): number {
  if (done <= 1) return done;
  const responders = new Set<string | undefined>();
  for (const row of rows) if (row.status === "ok") responders.add(row.agent);
  return responders.size;
}

/** Where work was left undone, those that could not be given any are missing, too. */
function missingOf(
  { agents, unknown }: Plan["targets"],
  pieces: Pieces,
  rows: readonly Row[],
  ended: BalanceEnd,
): MissingAgent[] {
  const entries = new Map(agents.map((entry) => [entry.id, entry]));
  const missing = pieces.missing(rows, (id) => {
    const agent = ended === "deadline" ? entries.get(id) : undefined;
    return agent === undefined ? "unknown" : silenceOf(agent);
  });
  if (rows.some((row) => row.status === "not-sent" || row.status === "refused")) {
    const named = new Set(missing.map(({ agent }) => agent));
    for (const { id, state } of agents) {
      if ((state === "left" || state === "dead") && !named.has(id)) missing.push({ agent: id, reason: state });
    }
  }
  return [...missing, ...strangers(unknown)];
}
