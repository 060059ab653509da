import { closingLine } from "../setup/count-tests.mjs";
import { formatElapsed } from "../setup/progress.mjs";
import type { CheckReport } from "./check-list.ts";
import type { Image } from "./images.ts";

/** What the run came to: for people two lines, for programs one object. */

export interface Report {
  readonly status: "passed" | "failed" | "skipped";
  /** Why it failed or was skipped. */
  readonly reason?: string;
  readonly engine?: { readonly kind: string; readonly version: string; readonly diskMib?: number };
  readonly composes: readonly string[];
  readonly images: readonly Image[];
  readonly checks: readonly CheckReport[];
  readonly durationMs: number;
}

/** A run that failed has a failure, also where it did not come to its first check. */
export function countsOf({ status, checks }: Report): { passed: number; failed: number; skipped: number } {
  const count = (wanted: CheckReport["status"]) => checks.filter((check) => check.status === wanted).length;
  return { passed: count("passed"), failed: Math.max(count("failed"), status === "failed" ? 1 : 0), skipped: count("skipped") };
}

/** The last one is "N passed, N failed, N skipped". */
export function closingLines(report: Report): string[] {
  const { status, reason, engine, composes, images, durationMs } = report;
  const standIns = images.filter(({ source }) => source === "stand-in").length;
  const where = [
    engine === undefined ? "no engine" : `Docker ${engine.version} (${engine.kind})`,
    ...composes,
    ...(images.length === 0 ? [] : [`${standIns} of ${images.length} images are stand-ins`]),
    formatElapsed(durationMs),
  ];
  return [...(reason === undefined ? [] : [`${status}: ${reason}`]), where.join(", "), closingLine(countsOf(report))];
}

/** For programs. */
export const jsonOf = (report: Report): string => JSON.stringify({ ...report, ...countsOf(report) });

export function exitCodeOf({ status }: Report, strict: boolean): number {
  return status === "passed" || (status === "skipped" && !strict) ? 0 : 1;
}
