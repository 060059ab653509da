import type { Progress } from "../setup/progress.mjs";
import { CheckError, messageOf } from "./errors.ts";

/**
 * What is checked, in which order, and what came of each.
 *
 * Invariants
 * L1. Every check is in the report once: passed, failed, or skipped because it was not reached.
 */

const CHECKS = [
  "the file is valid",
  "the image is built",
  "the stack starts",
  "everyone is healthy",
  "nobody is root, and limits hold",
  "a gather from outside is answered",
  "its trace is connected",
  "the loss of a router costs no request",
  "nothing is left",
] as const;
export type CheckName = (typeof CHECKS)[number];

export interface CheckReport {
  readonly name: CheckName;
  readonly status: "passed" | "failed" | "skipped";
  /** What was seen; of one that failed, why. */
  readonly detail: string;
  readonly durationMs: number;
}

export interface CheckList {
  /** @throws what `work` throws, which a CheckError is in the report for */
  check<T>(name: CheckName, work: () => Promise<T>, detail: (value: T) => string): Promise<T>;
  /** For a check that tells its progress itself. */
  record(name: CheckName, status: "passed" | "failed", detail: string, beganMs: number): void;
  /** All of them, in order. */
  report(): CheckReport[];
}

export function createCheckList(progress: Progress): CheckList {
  const made = new Map<CheckName, CheckReport>();
  const record: CheckList["record"] = (name, status, detail, beganMs) =>
    made.set(name, { name, status, detail, durationMs: Math.round(performance.now() - beganMs) });
  return {
    record,
    async check(name, work, detail) {
      const step = progress.step(name);
      const beganMs = performance.now();
      try {
        const value = await work();
        const text = detail(value);
        record(name, "passed", text, beganMs);
        step.done(`${name}: ${text}`);
        return value;
      } catch (error) {
        if (error instanceof CheckError) record(name, "failed", error.message, beganMs);
        step.fail(messageOf(error));
        throw error;
      }
    },
    report: () => CHECKS.map((name) => made.get(name) ?? { name, status: "skipped", detail: "not reached", durationMs: 0 }), // L1
  };
}
