import { createSubjects, parseFrame, type ServiceReport, serviceReportSchema } from "@nexus/contracts";
import type { Bus } from "../session.ts";
import { scatter } from "./scatter.ts";

/** A report, and by this machine's clock the moments between which it was made. */
export interface HeardReport {
  readonly report: ServiceReport;
  readonly askedEpochMs: number;
  readonly heardEpochMs: number;
}

/** Every instance of every service, as it reports itself; in the order of service and instance. */
export async function heardReports(bus: Bus, prefix: string): Promise<HeardReport[]> {
  const askedEpochMs = Date.now();
  const found = await scatter(bus, createSubjects(prefix).everyServiceReport, new Uint8Array(), (answer) => ({
    report: parseFrame(serviceReportSchema, answer, "a report"),
    askedEpochMs,
    heardEpochMs: Date.now(),
  }));
  const keyOf = ({ report }: HeardReport) => `${report.service} ${report.instance}`;
  return found.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}
