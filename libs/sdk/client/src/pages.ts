import {
  type AgentRow,
  type AgentsQuery,
  agentsReportPageSchema,
  limits,
  type MissingAgent,
  NexusError,
  type Row,
} from "@nexus/contracts";
import { ask, getReport, type Line } from "./ask.ts";
import type { CallOptions } from "./types.ts";

/** Pages of one answer at most: no row is shorter than a few bytes, so this is far beyond what a router keeps. */
const PAGES_MAX = 10_000;

export async function* rowPages(line: Line, id: string, options: CallOptions): AsyncGenerator<Row> {
  yield* pages(async (offset) => {
    const report = await getReport(line, id, { part: "rows", offset, ...options });
    return { items: report.rows ?? stillRunning(id), next: report.next };
  });
}

export async function* missingPages(line: Line, id: string, options: CallOptions): AsyncGenerator<MissingAgent> {
  yield* pages(async (offset) => {
    const report = await getReport(line, id, { part: "missing", offset, ...options });
    return { items: report.missing ?? stillRunning(id), next: report.next };
  });
}

export async function* agentPages(
  line: Line,
  query: Omit<AgentsQuery, "offset">,
  options: CallOptions,
): AsyncGenerator<AgentRow> {
  const subject = line.subjects.service("router", "agents");
  let last = "";
  const rows = pages(async (offset) => {
    const page = await ask(line, subject, { ...query, offset }, agentsReportPageSchema, options);
    return { items: page.agents, next: page.next };
  });
  for await (const row of rows) {
    // Agents that came between two pages shift the offset; rows are in the order of ids, so a repeat shows.
    if (row.agent <= last) continue;
    last = row.agent;
    yield row;
  }
}

async function* pages<T>(
  fetch: (offset: number) => Promise<{ items: readonly T[]; next: number | undefined }>,
): AsyncGenerator<T> {
  let offset = 0;
  for (let count = 0; count < PAGES_MAX; count++) {
    const { items, next } = await fetch(offset);
    yield* items;
    if (next === undefined) return;
    if (next <= offset) throw new NexusError("malformed", `a page at ${offset} names ${next} as the next`);
    offset = next;
  }
  throw new NexusError("too-large", `more than ${PAGES_MAX} pages of at most ${limits.pageRowsMax} rows`);
}

function stillRunning(id: string): never {
  throw new NexusError("incomplete", `request ${id} still runs; wait for its result first`);
}
