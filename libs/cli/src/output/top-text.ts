import type { AgentRow, ServiceReport } from "@nexus/contracts";
import { AGENTS_READ_MAX, type FleetSample, type RouterPace } from "../bus/fleet-sample.ts";
import { stateColours } from "./agents-table.ts";
import { printableLine } from "./printable.ts";
import { type Cell, type Colour, milliseconds, type Style, share } from "./style.ts";

export const agentOrders = ["load", "queue", "service-time", "cpu", "agent"] as const;
export type AgentOrder = (typeof agentOrders)[number];

const orders: Record<AgentOrder, (row: AgentRow) => number> = {
  load: ({ load }) => load.inFlight + load.queueDepth,
  queue: ({ load }) => load.queueDepth,
  "service-time": ({ load }) => load.serviceTimeMs,
  cpu: ({ process }) => process?.cpu ?? 0,
  agent: () => 0,
};
const healthColours: Record<ServiceReport["status"], Colour> = { ready: "green", degraded: "yellow", unready: "red" };

/** `shard-2` before `shard-10`. */
const byName = new Intl.Collator("en", { numeric: true });

/** The most of what is asked for first; names decide between equals. */
export function ordered(agents: readonly AgentRow[], order: AgentOrder): AgentRow[] {
  const rank = orders[order];
  return [...agents].sort((a, b) => rank(b) - rank(a) || byName.compare(a.agent, b.agent));
}

/** @param rowsMax agents that are shown */
export function topText(
  sample: FleetSample,
  paces: readonly RouterPace[],
  agents: readonly AgentRow[],
  rowsMax: number,
  style: Style,
): string {
  const shown = agents.slice(0, rowsMax);
  const more = agents.length - shown.length;
  return [
    `${headline(sample, style)}\n`,
    paces.length === 0 ? `${style.paint("red", "no router reports")}\n` : routersTable(paces, style),
    othersLine(sample.reports, style),
    shown.length === 0 ? "no agents\n" : agentsTable(shown, style),
    more > 0 ? `… and ${more}${sample.clipped ? " or more" : ""} more\n` : "",
  ].join("");
}

/** Lines that the text has besides those of agents. */
export function linesBesideAgents(paces: readonly RouterPace[]): number {
  const head = 1;
  return 1 + (paces.length === 0 ? 1 : paces.length + head) + 1 + head + 1;
}

function headline({ agents, reports, clipped }: FleetSample, style: Style): string {
  const counts = new Map<string, number>();
  for (const { state } of agents) counts.set(state, (counts.get(state) ?? 0) + 1);
  const states = [...counts].map(([state, count]) => `${count} ${state}`).join(", ");
  const inFlight = agents.reduce((sum, { load }) => sum + load.inFlight, 0);
  const queued = agents.reduce((sum, { load }) => sum + load.queueDepth, 0);
  const read = clipped ? ` (the first ${AGENTS_READ_MAX})` : "";
  return `${style.paint("bold", "nexus")}  agents ${states === "" ? "none" : states}${read}  in flight ${inFlight}  queued ${queued}  instances ${reports.length}`;
}

function routersTable(paces: readonly RouterPace[], style: Style): string {
  const rate = (value: number | undefined) => (value === undefined ? "–" : value.toFixed(1));
  return style.columns(
    ["router", "health", "running", "held", "ended/s", "failed/s", "agents", "cpu", "memory", "loop delay", "up"],
    paces.map(({ report, endedPerSecond, failedPerSecond }): Cell[] => [
      report.instance,
      { colour: healthColours[report.status], word: report.status },
      report.counts["active"] ?? "–",
      report.counts["held"] ?? "–",
      rate(endedPerSecond),
      rate(failedPerSecond),
      report.counts["agents"] ?? "–",
      share(report.process.cpu),
      share(report.process.memory),
      milliseconds(report.process.eventLoopDelayMs),
      upFor(report.uptimeMs),
    ]),
  );
}

function othersLine(reports: readonly ServiceReport[], style: Style): string {
  const others = Map.groupBy(
    reports.filter(({ service }) => service !== "router"),
    ({ service, status }) => `${service} ${status}`,
  );
  const told = [...others.values()].flatMap(([first, ...rest]) => {
    if (first === undefined) return [];
    const times = rest.length === 0 ? "" : ` ×${rest.length + 1}`;
    return [`${printableLine(first.service)}${times} ${style.paint(healthColours[first.status], first.status)}`];
  });
  return told.length === 0 ? "" : `${told.join("  ")}\n`;
}

function agentsTable(rows: readonly AgentRow[], style: Style): string {
  return style.columns(
    ["agent", "state", "in flight", "queue", "capacity", "service time", "cpu", "memory", "loop delay", "last seen"],
    rows.map(({ agent, state, load, capacity, process, lastSeenMsAgo }): Cell[] => [
      agent,
      { colour: stateColours[state], word: state },
      load.inFlight,
      load.queueDepth,
      capacity,
      milliseconds(load.serviceTimeMs),
      process === undefined ? "–" : share(process.cpu),
      process === undefined ? "–" : share(process.memory),
      process === undefined ? "–" : milliseconds(process.eventLoopDelayMs),
      `${milliseconds(lastSeenMsAgo)} ago`,
    ]),
  );
}

function upFor(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${Math.floor(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3_600)} h` : `${Math.floor(seconds / 86_400)} d`;
}
