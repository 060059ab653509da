import { formatElapsed } from "../setup/progress.mjs";
import type { Image } from "./images.ts";

/** What the run came to: for people one line, for programs one object. */

export interface CheckReport {
  readonly name: string;
  readonly detail: string;
  readonly durationMs: number;
}

export interface Report {
  readonly status: "passed" | "failed" | "skipped";
  /** Why it failed or was skipped. */
  readonly reason?: string;
  readonly engine?: { readonly kind: string; readonly version: string; readonly diskMib?: number };
  readonly composes: readonly string[];
  readonly images: readonly Image[];
  /** Those that hold. */
  readonly checks: readonly CheckReport[];
  readonly durationMs: number;
}

export function closingLine({ status, reason, checks, durationMs }: Report): string {
  if (status === "skipped") return `skipped: ${reason}`;
  const held = `${checks.length} checks hold, in ${formatElapsed(durationMs)}`;
  return status === "passed" ? `passed: ${held}` : `failed: ${reason} (${held})`;
}

export function exitCodeOf({ status }: Report, strict: boolean): number {
  return status === "passed" || (status === "skipped" && !strict) ? 0 : 1;
}
