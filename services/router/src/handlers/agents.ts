import { type AgentRow, type AgentsQuery, type AgentsReportPage, limits } from "@nexus/contracts";
import type { AgentEntry, Dispatcher, RoutingTable } from "@nexus/engine";
import { fittingRows } from "../message-bytes.ts";

/** A page of the agents that this router knows, by id; those that left or died lately included when all are asked for. */
export function agentsPage(
  query: AgentsQuery,
  deps: { table: RoutingTable; dispatcher: Dispatcher; routerId: string; nowMs: number; bytesMax: number },
): AgentsReportPage {
  const { table, routerId } = deps;
  const filtered = query.group !== undefined || query.labels !== undefined;
  const found = filtered ? [...table.select(selectorOf(query)).agents] : [...table.entries()];
  found.sort((a, b) => (a.id < b.id ? -1 : 1));
  const offset = query.offset ?? 0;
  const entries = found.slice(offset, offset + (query.limit ?? limits.pageRowsMax));
  const page = fittingRows(
    entries.map((entry) => rowOf(entry, deps.dispatcher.held(entry.id), deps.nowMs)),
    deps.bytesMax,
  );
  const next = offset + page.length;
  return {
    v: 1,
    router: routerId,
    tableVersion: table.version,
    total: found.length,
    agents: [...page],
    ...(next < found.length && page.length > 0 ? { next } : {}),
  };
}

function selectorOf(query: AgentsQuery) {
  return {
    ...(query.group === undefined ? { all: true as const } : { group: query.group }),
    ...(query.labels === undefined ? {} : { labels: query.labels }),
  };
}

function rowOf(entry: AgentEntry, inFlightHere: number, nowMs: number): AgentRow {
  return {
    agent: entry.id,
    connId: entry.connId,
    state: entry.state,
    groups: [...entry.groups],
    labels: entry.labels,
    capacity: entry.capacity,
    operations: [...entry.operations],
    load: entry.load,
    ...(entry.process === undefined ? {} : { process: entry.process }),
    inFlightHere,
    lastSeenMsAgo: Math.max(0, nowMs - entry.lastSeenMs),
  };
}
