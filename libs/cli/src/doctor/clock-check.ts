import type { HeardReport } from "../bus/reports.ts";
import { type Examined, failed, type Outcome, ok, skipped, some, warning } from "./check.ts";

/** A request's `deadline` and the times that are shown are wall clocks: those of clients and routers have to agree. */

const SKEW_MS_WARN = 100;
const SKEW_MS_FAIL = 1_000;
const REMEDY = "set the clocks by NTP (chrony, systemd-timesyncd); until then send timeoutMs instead of deadline";

export async function clocks({ reports = [] }: Examined): Promise<Outcome> {
  if (reports.length === 0) return skipped("no instance tells its time");
  const skews = reports.map((heard) => ({ heard, ...skewOf(heard) }));
  const sure = (least: number) => skews.filter(({ skewMs, doubtMs }) => Math.abs(skewMs) - doubtMs > least);
  const told = (list: typeof skews) =>
    some(list.map(({ heard: { report }, skewMs }) => `${report.service} ${report.instance} is ${spoken(skewMs)}`));
  const [wrong, off] = [sure(SKEW_MS_FAIL), sure(SKEW_MS_WARN)];
  if (wrong.length > 0) return failed(`by this machine's clock ${told(wrong)}`, REMEDY);
  if (off.length > 0) return warning(`by this machine's clock ${told(off)}`, REMEDY);
  const most = Math.max(...skews.map(({ skewMs, doubtMs }) => Math.abs(skewMs) + doubtMs));
  return ok(`${reports.length} instances are within ${Math.ceil(most)} ms of this machine's`);
}

/** The answer was written somewhere between the question and its arrival here: half of that is what cannot be known. */
export function skewOf({ report, askedEpochMs, heardEpochMs }: HeardReport): { skewMs: number; doubtMs: number } {
  return { skewMs: report.epochMs - (askedEpochMs + heardEpochMs) / 2, doubtMs: (heardEpochMs - askedEpochMs) / 2 };
}

function spoken(skewMs: number): string {
  const ms = Math.abs(skewMs);
  return `${ms >= 10_000 ? `${Math.round(ms / 1_000)} s` : `${Math.round(ms)} ms`} ${skewMs > 0 ? "ahead" : "behind"}`;
}
