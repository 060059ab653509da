import type { AgentRow, AgentState } from "@nexus/contracts";
import { type Colour, milliseconds, type Style, share } from "./style.ts";

export const stateColours: Record<AgentState, Colour> = { alive: "green", suspect: "yellow", dead: "red", left: "gray" };
const head = ["agent", "state", "connection", "groups", "capacity", "in flight", "queue", "service time", "cpu", "last seen"];

export function agentsTable(rows: readonly AgentRow[], style: Style): string {
  if (rows.length === 0) return "no agents\n";
  const cells = rows.map((row) => [
    row.agent,
    { colour: stateColours[row.state], word: row.state },
    row.connId,
    row.groups.join(", "),
    row.capacity,
    row.load.inFlight,
    row.load.queueDepth,
    milliseconds(row.load.serviceTimeMs),
    row.process === undefined ? "–" : share(row.process.cpu),
    `${milliseconds(row.lastSeenMsAgo)} ago`,
  ]);
  return `${style.table(head, cells)}${rows.length} ${rows.length === 1 ? "agent" : "agents"}\n`;
}
