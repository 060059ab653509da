import {
  type CausalOperation,
  type Ended,
  type GoalOf,
  type JsonValue,
  type MissingAgent,
  type MissingReason,
  type Outcome,
  type OutcomeOf,
  operationIdOf,
} from "@nexus/contracts";
import type { FrameBody } from "../dispatcher.ts";
import { type DriveDeps, driveFanOut } from "../fan-out/drive.ts";
import { FanOut } from "../fan-out/fan-out.ts";
import type { AttemptContext, Plan } from "../plan.ts";
import type { AgentEntry, Targets } from "../table/routing-table.ts";
import { rowsOf, strangers } from "./fan-out-run.ts";
import { executedOf, type GoalRun, type RunReport, verdictOf } from "./run.ts";

/**
 * Operations in the order of their dependencies.
 *
 * Invariants
 * K1. An operation is published only after every operation that it depends on was acknowledged by all its agents.
 * K2. One whose dependency did not complete is not run at all: an effect without its cause would break the promise.
 * K3. Independent operations run concurrently.
 * K4. Where publishing one operation fails, the attempt ends with all of them: none is published behind its end.
 */

interface Step {
  readonly operation: CausalOperation;
  readonly after: readonly number[];
  readonly targets: Targets;
  /** A coordinated step asks its coordinator first. */
  readonly phases: FanOut[];
  answer: JsonValue | undefined;
}

export class CausalRun implements GoalRun {
  readonly #plan: Plan;
  readonly #deps: DriveDeps;
  readonly #steps: Step[];
  #cancelled = false;

  constructor(plan: Plan, goal: GoalOf<"causal">, select: (operation: CausalOperation) => Targets, deps: DriveDeps) {
    this.#plan = plan;
    this.#deps = deps;
    this.#steps = goal.operations.map((operation, index) => {
      const targets = select(operation);
      return {
        operation,
        after: operation.after ?? (index === 0 ? [] : [index - 1]),
        targets,
        phases: phasesOf(plan, operation, index, targets),
        answer: undefined,
      };
    });
  }

  async attempt(context: AttemptContext): Promise<void> {
    const attempt: Attempt = { context, failed: false };
    const runs: Promise<boolean>[] = [];
    for (const step of this.#steps) {
      const dependencies = step.after.map((dependency) => runs[dependency] ?? Promise.resolve(false));
      const run = Promise.all(dependencies).then((all) => all.every(Boolean) && this.#runStep(step, attempt));
      run.catch(() => abandon(attempt)); // K4
      runs.push(run);
    }
    const ended = await Promise.allSettled(runs);
    const failed = ended.find((run) => run.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }

  /** @returns whether every agent of the step has acknowledged it */
  async #runStep(step: Step, attempt: Attempt): Promise<boolean> {
    const { coordinator } = step.operation;
    if (coordinator !== undefined && step.targets.unknown.includes(coordinator)) return false; // K2
    for (const [phase, fanOut] of step.phases.entries()) {
      if (this.#cancelled || attempt.failed) return false;
      if (fanOut.ended === undefined) {
        await driveFanOut(fanOut, bodyOf(step, phase), this.#plan, attempt.context, this.#deps);
      }
      if (okCount(fanOut) < fanOut.expected.length) return false;
      if (coordinator !== undefined && phase === 0) step.answer = fanOut.answers.get(coordinator)?.value;
    }
    return step.targets.unknown.length === 0;
  }

  agentGone(agent: string, reason: MissingReason): void {
    for (const step of this.#steps) for (const fanOut of step.phases) fanOut.gone(agent, reason);
  }

  cancel(): void {
    this.#cancelled = true;
    for (const fanOut of this.#steps.flatMap((step) => step.phases)) {
      for (const entry of fanOut.unanswered()) {
        if (!fanOut.isUnsent(entry.id)) this.#deps.dispatcher.cancel(entry, fanOut.operationId);
      }
      fanOut.end("cancelled");
    }
  }

  canDescend(): boolean {
    return true;
  }

  report(): RunReport {
    const operations = this.#steps.map((step, index) => stepOutcome(step, index));
    const rows = this.#steps.flatMap((step, index) =>
      step.phases.flatMap((fanOut) => rowsOf(fanOut, true).map((row) => ({ ...row, index }))),
    );
    const ran = rows.filter((row) => row.status === "ok" || row.status === "error").length;
    const total = operations.reduce((sum, operation) => sum + operation.targeted, 0);
    const unknown = this.#steps.reduce((sum, step) => sum + step.phases.reduce((n, fanOut) => n + fanOut.unknownCount(), 0), 0);
    const completed = operations.filter((operation) => operation.status === "completed").length;
    const executed = executedOf(total, ran, unknown);
    const outcome: Outcome = { type: "causal", operations, ended: this.#ended(completed), rows: [], rowsTotal: rows.length };
    const targeted = new Set(
      this.#steps.flatMap((step) => [...step.targets.agents.map((agent) => agent.id), ...step.targets.unknown]),
    );
    const missing = this.#missing();
    return {
      ...verdictOf({
        satisfied: completed === operations.length,
        cancelled: this.#cancelled,
        reached: completed,
        wanted: operations.length,
        what: "operations",
        executed,
        degrade: this.#plan.request.degrade,
      }),
      executed,
      outcome,
      rows,
      agents: {
        targeted: targeted.size,
        responded: targeted.size - missing.length,
        extra: this.#steps.reduce((sum, step) => sum + step.phases.reduce((n, fanOut) => n + fanOut.extraCount, 0), 0),
        missing,
      },
    };
  }

  #ended(completed: number): Ended {
    if (this.#cancelled) return "cancelled";
    if (completed === this.#steps.length) return "condition";
    return this.#steps.some((step) => step.phases.some((fanOut) => fanOut.ended === "deadline")) ? "deadline" : "hopeless";
  }

  /** One line per agent, for the first operation that it is missing from. */
  #missing(): MissingAgent[] {
    const missing = new Map<string, MissingAgent>();
    for (const step of this.#steps) {
      const lines = [...step.phases.flatMap((fanOut) => fanOut.missing()), ...strangers(step.targets.unknown)];
      for (const line of lines) if (!missing.has(line.agent)) missing.set(line.agent, line);
    }
    return [...missing.values()];
  }
}

/** One walk through the steps by one mechanism. */
interface Attempt {
  readonly context: AttemptContext;
  failed: boolean;
}

function abandon(attempt: Attempt): void {
  attempt.failed = true;
  for (const stop of [...attempt.context.abandon]) stop();
}

function bodyOf({ operation, answer }: Step, phase: number): FrameBody {
  const { coordinator, payload } = operation;
  return {
    operation: operation.operation,
    reply: true,
    ...(payload === undefined ? {} : { payload }),
    ...(phase === 0 || coordinator === undefined
      ? {}
      : { coordination: { coordinator, ...(answer === undefined ? {} : { answer }) } }),
  };
}

function phasesOf(plan: Plan, operation: CausalOperation, index: number, targets: Targets): FanOut[] {
  const fanOut = (expected: readonly AgentEntry[], askedBefore: readonly AgentEntry[] = []) =>
    new FanOut({
      index,
      operationId: operationIdOf(plan.id, index),
      expected,
      askedBefore: new Set(askedBefore.map((agent) => agent.id)),
      onAnswer: () => ({ holds: false }),
    });
  if (operation.type !== "coordinated") return [fanOut(targets.agents)];
  const first = targets.agents.filter((agent) => agent.id === operation.coordinator);
  const others = targets.agents.filter((agent) => agent.id !== operation.coordinator);
  return others.length === 0 ? [fanOut(first)] : [fanOut(first), fanOut(others, first)];
}

function stepOutcome(step: Step, index: number): OutcomeOf<"causal">["operations"][number] {
  const targeted = step.targets.agents.length + step.targets.unknown.length;
  const responded = step.phases.reduce((sum, fanOut) => sum + okCount(fanOut), 0);
  const begun = step.phases.some((fanOut) => fanOut.everSent);
  const status = responded === targeted ? "completed" : !begun ? "not-run" : responded > 0 ? "partial" : "failed";
  return { index, operation: step.operation.operation, after: [...step.after], status, targeted, responded };
}

function okCount(fanOut: FanOut): number {
  let count = 0;
  for (const reply of fanOut.answers.values()) if (reply.status === "ok") count++;
  return count;
}
