import { type Ended, limits, type MissingAgent, type Outcome, type OutcomeOf, type Row } from "@nexus/contracts";
import type { FanOut } from "../../fan-out/fan-out.ts";
import type { Plan } from "../../plan.ts";
import { rowsOf, strangers } from "../fan-out-run.ts";
import { executedOf, type RunReport, verdictOf } from "../run.ts";
import { concurrentWith } from "./past.ts";
import { hasBegun, missingAt, okCount, type Step } from "./step.ts";

type OperationOutcome = OutcomeOf<"causal">["operations"][number];

/** What a causal goal came to. @param token absent where nothing was run, or where it would be too large */
export function causalReport(plan: Plan, steps: readonly Step[], cancelled: boolean, token: string | undefined): RunReport {
  const operations = steps.map((step) => operationOutcome(step, steps));
  const rows = steps.flatMap(rowsOfStep);
  const ran = rows.filter((row) => row.status === "ok" || row.status === "error").length;
  const total = operations.reduce((sum, operation) => sum + operation.targeted, 0);
  const overPhases = (count: (fanOut: FanOut) => number) =>
    steps.reduce((sum, { phases }) => sum + phases.reduce((n, fanOut) => n + count(fanOut), 0), 0);
  const completed = operations.filter((operation) => operation.status === "completed").length;
  const executed = executedOf(
    total,
    ran,
    overPhases((fanOut) => fanOut.unknownCount()),
  );
  const outcome: Outcome = {
    type: "causal",
    operations,
    ...(token === undefined ? {} : { token }),
    ended: endedOf(steps, cancelled, completed),
    rows: [],
    rowsTotal: rows.length,
  };
  const targeted = new Set(steps.flatMap(({ targets }) => [...targets.agents.map((agent) => agent.id), ...targets.unknown]));
  const missing = missingOf(steps);
  const verdict = verdictOf({
    satisfied: completed === operations.length,
    cancelled,
    reached: completed,
    wanted: operations.length,
    what: "operations",
    executed,
    degrade: plan.request.degrade,
  });
  return {
    ...verdict,
    executed,
    outcome,
    rows,
    agents: {
      targeted: targeted.size,
      responded: targeted.size - missing.length,
      extra: overPhases((fanOut) => fanOut.extraCount),
      missing,
    },
  };
}

function endedOf(steps: readonly Step[], cancelled: boolean, completed: number): Ended {
  if (cancelled) return "cancelled";
  if (completed === steps.length) return "condition";
  return steps.some((step) => step.phases.some((fanOut) => fanOut.ended === "deadline")) ? "deadline" : "hopeless";
}

/** One line per agent, for the first operation that it is missing from. */
function missingOf(steps: readonly Step[]): MissingAgent[] {
  const missing = new Map<string, MissingAgent>();
  for (const step of steps) {
    const lines = [...step.phases.flatMap((fanOut) => fanOut.missing()), ...strangers(step.targets.unknown)];
    for (const line of lines) if (!missing.has(line.agent)) missing.set(line.agent, line);
  }
  return [...missing.values()];
}

function rowsOfStep(step: Step): Row[] {
  return step.phases.flatMap((fanOut) =>
    rowsOf(fanOut, true).map((row) => {
      const { agent = "" } = row;
      const missing = missingAt(step, agent, fanOut.answers.get(agent));
      return { ...row, index: step.index, ...(missing.length === 0 ? {} : { causalMissing: missing }) };
    }),
  );
}

function operationOutcome(step: Step, steps: readonly Step[]): OperationOutcome {
  const targeted = step.targets.agents.length + step.targets.unknown.length;
  const responded = step.phases.reduce((sum, fanOut) => sum + okCount(fanOut), 0);
  const begun = hasBegun(step);
  const status = responded === targeted ? "completed" : !begun ? "not-run" : responded > 0 ? "partial" : "failed";
  return {
    ...{ index: step.index, operation: step.operation.operation, after: [...step.after], status, targeted, responded },
    ...(begun ? orderOutcome(step, steps) : {}),
  };
}

function orderOutcome(step: Step, steps: readonly Step[]): Pick<OperationOutcome, "clock" | "concurrent" | "gaps"> {
  const clock = step.event?.clock.encode();
  const gaps = step.phases.reduce((sum, fanOut) => {
    const told = [...fanOut.answers].filter(([agent, reply]) => missingAt(step, agent, reply).length > 0);
    return sum + told.length;
  }, 0);
  return {
    ...(clock === undefined || clock.length > limits.causalTokenCharsMax ? {} : { clock }),
    concurrent: concurrentWith(step, steps),
    gaps,
  };
}
