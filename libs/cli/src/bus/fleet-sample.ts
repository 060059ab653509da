import { systemClock } from "@nexus/adapter-node";
import type { Client } from "@nexus/client";
import type { AgentRow, ServiceReport } from "@nexus/contracts";
import type { Bus } from "../session.ts";
import { heardReports } from "./reports.ts";

/** What is there, and how it is, at one moment. */
export interface FleetSample {
  readonly atMs: number;
  readonly reports: readonly ServiceReport[];
  readonly agents: readonly AgentRow[];
  /** There are more agents than were read. */
  readonly clipped: boolean;
}

/** A router's own pace between two samples; undefined where it was not in both. */
export interface RouterPace {
  readonly report: ServiceReport;
  readonly endedPerSecond: number | undefined;
  readonly failedPerSecond: number | undefined;
}

/** Beyond it, reading all of them would be the load that is looked at. */
export const AGENTS_READ_MAX = 5_000;

export async function sampleFleet(bus: Bus, client: Client, prefix: string): Promise<FleetSample> {
  const reading = readAgents(client);
  const [heard, { agents, clipped }] = await Promise.all([heardReports(bus, prefix), reading]);
  return { atMs: systemClock.monotonicMs(), reports: heard.map(({ report }) => report), agents, clipped };
}

async function readAgents(client: Client): Promise<{ agents: AgentRow[]; clipped: boolean }> {
  const agents: AgentRow[] = [];
  for await (const row of client.agents()) {
    if (agents.length >= AGENTS_READ_MAX) return { agents, clipped: true };
    agents.push(row);
  }
  return { agents, clipped: false };
}

export function routerPaces(sample: FleetSample, before: FleetSample | undefined): RouterPace[] {
  return sample.reports
    .filter(({ service }) => service === "router")
    .map((report) => {
      const earlier = before?.reports.find(({ boot }) => boot === report.boot);
      const seconds = before === undefined ? 0 : (sample.atMs - before.atMs) / 1_000;
      if (earlier === undefined || seconds <= 0) return { report, endedPerSecond: undefined, failedPerSecond: undefined };
      const since = (...names: string[]) =>
        names.reduce((sum, name) => sum + (report.counts[name] ?? 0) - (earlier.counts[name] ?? 0), 0) / seconds;
      return { report, endedPerSecond: since("completed", "partial", "failed"), failedPerSecond: since("partial", "failed") };
    });
}
