import { decodeHistogram, type Percentiles, percentilesOf } from "./latency.ts";
import type { LoadReport } from "./load/load-report.ts";
import { type Spent, startSpending } from "./processes/processor-time.ts";
import type { RoleProcess } from "./processes/role-process.ts";
import type { PhaseOrder } from "./roles/load-generator.ts";
import { type Phases, type Slot, WARM_UP_ROUND } from "./schedule.ts";
import type { Load, Measure, Role, RunningSuite } from "./suite.ts";

/** One candidate under one load in one round. */
export interface PhaseResult {
  readonly round: number;
  readonly load: string;
  readonly candidate: string;
  readonly requests: number;
  readonly durationMs: number;
  readonly requestsPerSecond: number;
  readonly latencyUs: Percentiles;
  readonly correctedUs: Percentiles;
  /** Open loop: how late the load generator sent. */
  readonly latenessUs: Percentiles | undefined;
  /** By role, the load generator and the bench itself included. */
  readonly cpuSeconds: Readonly<Record<string, number>>;
  /** Of all roles but the load generator and the bench; absent where the system does not tell. */
  readonly cpuUsPerRequest: number | undefined;
  /** Cores that strangers kept busy meanwhile. */
  readonly othersCores: number | undefined;
  readonly errors: number;
  readonly errorSamples: readonly string[];
  readonly notReached: string | undefined;
  /** HdrHistograms, V2 compressed, base64; microseconds. */
  readonly histogram: string;
  readonly correctedHistogram: string;
}

/** Roles that are not the candidate's cost. */
const LOAD_ROLES = ["load-generator", "bench"];

export interface MeasureDeps {
  readonly running: RunningSuite;
  readonly generator: RoleProcess;
  readonly progress: (line: string) => void;
}

/** Runs the slots one after another. @returns the measured ones @throws Error where a role failed */
export async function measureAll(
  slots: readonly Slot[],
  loads: readonly Load[],
  phases: Phases,
  deps: MeasureDeps,
): Promise<PhaseResult[]> {
  const results: PhaseResult[] = [];
  for (const [done, slot] of slots.entries()) {
    const load = loads.find(({ name }) => name === slot.load);
    if (load === undefined) throw new Error(`there is no load "${slot.load}"`);
    const result = await measureSlot(slot, load, phases, deps);
    const round = slot.round === WARM_UP_ROUND ? "warm-up" : `round ${slot.round + 1}`;
    deps.progress(
      `${done + 1}/${slots.length} ${round}, ${slot.load}: ${slot.candidate} ${Math.round(result.requestsPerSecond)}/s, p50 ${result.latencyUs.p50} µs${troubleOf(result)}`,
    );
    if (slot.round !== WARM_UP_ROUND) results.push(result);
  }
  return results;
}

function troubleOf({ errors, errorSamples, notReached }: PhaseResult): string {
  return `${errors === 0 ? "" : `, ${errors} errors (${errorSamples[0]})`}${notReached === undefined ? "" : `, ${notReached}`}`;
}

async function measureSlot(slot: Slot, load: Load, phases: Phases, deps: MeasureDeps): Promise<PhaseResult> {
  const { running, generator } = deps;
  const roles: Role[] = [...running.roles, generator];
  const measureMs = slot.round === WARM_UP_ROUND ? phases.warmUpMs : phases.measureMs;
  const order: PhaseOrder = {
    driver: running.driverOf(slot.candidate),
    load,
    window: { leadInMs: phases.leadInMs, measureMs },
  };
  let spending: (() => Spent) | undefined;
  let spent: Spent | undefined;
  const report = await generator.order<PhaseOrder, LoadReport>(order, (mark) => {
    if (mark === "begin") spending = startSpending(roles);
    else spent = spending?.();
  });
  return resultOf(slot, report, spent ?? spending?.());
}

function resultOf(slot: Slot, report: LoadReport, spent: Spent | undefined): PhaseResult {
  const { requests, durationMs, errors, errorSamples, notReached } = report;
  const cpuSeconds = spent?.seconds ?? {};
  const own = Object.entries(cpuSeconds).filter(([name]) => !LOAD_ROLES.includes(name));
  const ownSeconds = own.reduce((sum, [, seconds]) => sum + seconds, 0);
  return {
    ...slot,
    requests,
    durationMs,
    requestsPerSecond: Math.round((requests / durationMs) * 1_000_000) / 1_000,
    latencyUs: percentilesOf(decodeHistogram(report.latency)),
    correctedUs: percentilesOf(decodeHistogram(report.corrected)),
    latenessUs: report.lateness === undefined ? undefined : percentilesOf(decodeHistogram(report.lateness)),
    cpuSeconds,
    cpuUsPerRequest: own.length === 0 || requests === 0 ? undefined : Math.round((ownSeconds * 1e7) / requests) / 10,
    othersCores: spent?.othersCores,
    errors,
    errorSamples,
    notReached,
    histogram: report.latency,
    correctedHistogram: report.corrected,
  };
}

export function measureOf(result: PhaseResult, measure: Measure): number | undefined {
  if (measure === "p50" || measure === "p99") return result.latencyUs[measure];
  return result[measure];
}
