import type { AgentsReport, Degradation, ErrorBody, Executed, MissingAgent, MissingReason, Outcome, Row } from "@nexus/contracts";
import { NexusError, toErrorBody } from "@nexus/contracts";
import type { AttemptContext } from "../plan.ts";

/** A goal being carried out. It outlives the attempts: what one gathered, the next starts from. */
export interface GoalRun {
  /** Resolves when the goal has ended, well or badly; rejects when the mechanism failed and another may take over. */
  attempt(context: AttemptContext): Promise<void>;
  /** The agent left, died or came back as another life: it will not answer for this one. */
  agentGone(agent: string, reason: MissingReason): void;
  cancel(): void;
  /** Whether another mechanism may still continue it. Not after an unacknowledged publish. */
  canDescend(): boolean;
  report(): RunReport;
}

/** An outcome with all its rows; the router bounds what travels. */
export interface RunReport {
  readonly status: "completed" | "partial" | "failed";
  readonly executed: Executed;
  readonly error?: ErrorBody;
  readonly outcome: Outcome;
  readonly rows: readonly Row[];
  readonly agents: Omit<AgentsReport, "missing" | "missingTotal"> & { readonly missing: readonly MissingAgent[] };
}

/** Counts behind `executed`: handlers that certainly ran, and work whose fate is not known. */
export function executedOf(total: number, ran: number, unknown: number): Executed {
  if (ran === 0) return unknown === 0 ? "none" : "unknown";
  return ran === total ? "all" : "some";
}

export interface Verdict {
  readonly status: "completed" | "partial" | "failed";
  readonly error?: ErrorBody;
}

/**
 * A goal whose condition holds is completed; one that reached something is partial, with the error `incomplete` unless
 * the caller allowed partial results; else it failed. A cancelled one failed whatever it reached.
 */
export function verdictOf(facts: {
  readonly satisfied: boolean;
  readonly cancelled: boolean;
  readonly reached: number;
  readonly wanted: number;
  readonly what: string;
  readonly executed: Executed;
  readonly degrade: readonly Degradation[] | undefined;
}): Verdict {
  const { executed, reached, wanted, what } = facts;
  if (facts.satisfied) return { status: "completed" };
  const failed = (code: "cancelled" | "no-answer", message: string): Verdict => ({
    status: "failed",
    error: toErrorBody(new NexusError(code, message, { executed })),
  });
  if (facts.cancelled) return failed("cancelled", `cancelled with ${reached} of ${wanted} ${what}`);
  if (reached === 0)
    return failed("no-answer", `none of ${wanted} ${what} within the deadline; see agents.missing for the reasons`);
  if (facts.degrade?.includes("partial")) return { status: "partial" };
  const error = new NexusError(
    "incomplete",
    `${reached} of ${wanted} ${what}; see agents.missing, or allow "partial" in degrade`,
    {
      executed,
    },
  );
  return { status: "partial", error: toErrorBody(error) };
}
