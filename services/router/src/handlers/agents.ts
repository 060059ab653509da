import { type AgentRow, type AgentsQuery, type AgentsReportPage, limits, WIRE_VERSION } from "@nexus/contracts";
import type { AgentEntry, Dispatcher, RoutingTable } from "@nexus/engine";
import { pageOf } from "../pages.ts";

export interface AgentsDeps {
  readonly table: RoutingTable;
  readonly dispatcher: Dispatcher;
  readonly routerId: string;
  readonly nowMs: () => number;
  readonly contentBytesMax: () => number;
}

/**
 * Pages of the agents that this router knows, by id; those that left or died lately included when all are asked for.
 * The whole table is sorted once per version of it, not for each page.
 */
export function agentsHandler(deps: AgentsDeps): (query: AgentsQuery) => AgentsReportPage {
  const { table, dispatcher, routerId } = deps;
  let sorted: { readonly version: number; readonly entries: readonly AgentEntry[] } | undefined;
  const everybody = (): readonly AgentEntry[] => {
    if (sorted?.version !== table.version) sorted = { version: table.version, entries: [...table.entries()].sort(byId) };
    return sorted.entries;
  };
  return (query) => {
    const filtered = query.group !== undefined || query.labels !== undefined;
    const found = filtered ? [...table.select(selectorOf(query)).agents].sort(byId) : everybody();
    const nowMs = deps.nowMs();
    const rows = found
      .slice(query.offset ?? 0, (query.offset ?? 0) + (query.limit ?? limits.pageRowsMax))
      .map((entry) => rowOf(entry, dispatcher.held(entry.id), nowMs));
    const { page } = pageOf(rows, {}, deps.contentBytesMax());
    const next = (query.offset ?? 0) + page.length;
    return {
      v: WIRE_VERSION,
      router: routerId,
      tableVersion: table.version,
      total: found.length,
      agents: page,
      ...(next < found.length && page.length > 0 ? { next } : {}),
    };
  };
}

function byId(a: AgentEntry, b: AgentEntry): number {
  return a.id < b.id ? -1 : 1;
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
