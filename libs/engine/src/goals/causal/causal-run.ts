import { attributes, type CausalOperation, type GoalOf, type MissingReason } from "@nexus/contracts";
import { type CausalToken, type Dot, scopeOfAll, scopeOfTargeted } from "@nexus/core-clocks";
import { type After, type CausalSession, scopeOf } from "../../causal/causal-session.ts";
import { sendingOf } from "../../dispatcher.ts";
import { type DriveDeps, driveFanOut } from "../../fan-out/drive.ts";
import type { FanOut } from "../../fan-out/fan-out.ts";
import type { AttemptContext, Plan } from "../../plan.ts";
import type { Targets } from "../../table/routing-table.ts";
import type { GoalRun, RunReport } from "../run.ts";
import { begin, pendingBefore, tokenAfter } from "./past.ts";
import { causalReport } from "./report.ts";
import { bodyOf, okCount, phasesOf, type Step } from "./step.ts";

/**
 * Operations in the order of their dependencies.
 *
 * Invariants
 * K1. An operation is published only after every operation that it depends on was acknowledged by all its agents.
 * K2. One whose dependency did not complete is not run at all: an effect without its cause would break the promise.
 * K3. Independent operations run concurrently.
 * K4. Where publishing one operation fails, the attempt ends with all of them: none is published behind its end.
 * K5. What an earlier request left unanswered at an agent goes before all of this one there: the agent waits for it, and one
 *     that does not know how is not sent what would have to wait. With `unordered` it is, and the result tells of the gap.
 */

export interface CausalDeps extends DriveDeps {
  readonly causal: CausalSession;
}

export class CausalRun implements GoalRun {
  readonly #plan: Plan;
  readonly #deps: CausalDeps;
  readonly #token: CausalToken;
  readonly #steps: Step[];
  readonly #isUnordered: boolean;
  #cancelled = false;

  /** @throws NexusError `invalid-field` for a token that is none */
  constructor(plan: Plan, goal: GoalOf<"causal">, select: (operation: CausalOperation) => Targets, deps: CausalDeps) {
    this.#plan = plan;
    this.#deps = deps;
    this.#token = deps.causal.tokenOf(goal.after, goal.operations.length);
    this.#isUnordered = plan.request.degrade?.includes("unordered") === true;
    this.#steps = goal.operations.map((operation, index): Step => {
      const targets = select(operation);
      return {
        index,
        operation,
        after: operation.after ?? (index === 0 ? [] : [index - 1]),
        targets,
        scope: operation.type === "coordinated" ? scopeOfTargeted : scopeOf(operation.agents ?? plan.request.agents),
        phases: phasesOf(plan, operation, index, targets),
        answer: undefined,
        sends: [],
        event: undefined,
        unheeded: new Map(),
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
    const { lanes } = this.#deps.causal;
    if (coordinator !== undefined && step.targets.unknown.includes(coordinator)) return false; // K2
    let lane: number | undefined;
    try {
      for (const [phase, fanOut] of step.phases.entries()) {
        if (this.#cancelled || attempt.failed) return false;
        if (fanOut.ended === undefined) {
          lane ??= begin(step, this.#steps, this.#token, lanes);
          await this.#drive(step, phase, fanOut, attempt.context);
        }
        if (okCount(fanOut) < fanOut.expected.length) return false;
        if (coordinator !== undefined && phase === 0) step.answer = fanOut.answers.get(coordinator)?.value;
      }
    } finally {
      if (lane !== undefined) lanes.giveBack(lane);
    }
    return step.targets.unknown.length === 0;
  }

  /** Up to the first await nothing comes between counting and publishing: what is counted first is published first. */
  async #drive(step: Step, phase: number, fanOut: FanOut, context: AttemptContext): Promise<void> {
    const { causal, routerId } = this.#deps;
    const body = bodyOf(step, phase);
    const after = causal.after(pendingBefore(this.#token, this.#steps));
    this.#passOver(step, fanOut, after);
    if (fanOut.ended !== undefined) return;
    const number = causal.number({
      scope: step.scope,
      recipients: fanOut.unanswered().map(({ id, boot }) => ({ agent: id, boot })),
      sending: sendingOf(this.#plan, fanOut.operationId, body, context.trace, routerId),
      after,
      unordered: this.#isUnordered,
    });
    step.sends.push({ number, fanOut });
    try {
      await driveFanOut(fanOut, { ...body, causal: number }, this.#plan, context, this.#deps);
    } finally {
      number.close();
    }
  }

  /** K5 */
  #passOver(step: Step, fanOut: FanOut, after: After): void {
    for (const { id, boot, keepsCausalOrder, groups } of fanOut.unanswered()) {
      if (keepsCausalOrder) continue;
      const heeds = ({ scope }: Dot) => scope === scopeOfTargeted || scope === scopeOfAll || groups.has(scope);
      const dots = after({ agent: id, boot }).filter(heeds);
      const [first] = dots;
      if (first === undefined) continue;
      if (this.#isUnordered) step.unheeded.set(id, dots);
      else {
        const what = `${first.session}/${first.scope}/${first.seq}`;
        fanOut.gone(id, "not-sent", `it has not answered operation ${what}, which comes before, and does not keep causal order`);
      }
    }
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
    return causalReport(this.#plan, this.#steps, this.#cancelled, this.#tokenAfter());
  }

  #tokenAfter(): string | undefined {
    try {
      return tokenAfter(this.#token, this.#steps);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.#deps.telemetry.count("boundsReached", 1, { [attributes.reason]: "causal-token" });
      return undefined;
    }
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
