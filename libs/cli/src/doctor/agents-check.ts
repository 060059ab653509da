import { createIds, systemClock } from "@nexus/adapter-node";
import type { AgentRow } from "@nexus/contracts";
import { connected, type Examined, failed, type Outcome, ok, some, warning } from "./check.ts";

/** Who would answer a request, and who has not been heard of as often as it should. */

const AGENTS_READ_MAX = 20_000;
/** Routers look twice a second. */
const MARGIN_MS = 500;
const INTERVAL_MS_DEFAULT = 1_000;
const LATE_INTERVALS = 1.5;

export async function agents(examined: Examined): Promise<Outcome> {
  const { createClient } = await import("@nexus/client");
  const deps = { bus: connected(examined), clock: systemClock, ids: createIds() };
  const client = createClient({ prefix: examined.target.prefix }, deps);
  const rows: AgentRow[] = [];
  try {
    for await (const row of client.agents()) {
      if (rows.push(row) >= AGENTS_READ_MAX) break;
    }
  } catch (error) {
    return failed(error, "look at the router's log");
  }
  const told = (examined.reports ?? []).map(({ report }) => report.counts["heartbeatIntervalMs"] ?? 0);
  return agentsFinding(rows, Math.max(INTERVAL_MS_DEFAULT, ...told));
}

/** @param intervalMs how often a heartbeat is due */
function agentsFinding(rows: readonly AgentRow[], intervalMs: number): Outcome {
  if (rows.length === 0) return warning("none", "start an agent; nexus up brings an example fleet");
  const byState = Map.groupBy(rows, ({ state }) => state);
  const late = (byState.get("alive") ?? []).filter(
    ({ lastSeenMsAgo }) => lastSeenMsAgo > LATE_INTERVALS * intervalMs + MARGIN_MS,
  );
  const names = (list: readonly AgentRow[] | undefined) => some((list ?? []).map(({ agent }) => agent));
  const counts = [...byState].map(([state, { length }]) => `${length} ${state}`).join(", ");
  const troubles = [
    ...(["dead", "suspect"] as const).flatMap((state) => (byState.has(state) ? [`${state}: ${names(byState.get(state))}`] : [])),
    ...(late.length === 0 ? [] : [`heartbeat late (due every ${intervalMs} ms): ${names(late)}`]),
  ];
  const detail = [counts, ...troubles].join("; ");
  if (!byState.has("alive") && !byState.has("suspect")) return failed(detail, "no agent is left to answer: start them again");
  if (troubles.length === 0) return ok(detail);
  return warning(
    detail,
    "look at their processes: busy (nexus top), stopped, or cut off from NATS; dead ones are forgotten in time",
  );
}
