import { type CurvePoint, curveOf, decodeHistogram, merged } from "../latency.ts";
import type { Machine } from "../machine.ts";
import { measureOf, type PhaseResult } from "../measure.ts";
import { ratiosOf, type Spread, spreadOf } from "../ratios.ts";
import type { Phases } from "../schedule.ts";
import { type Aim, type Candidate, type Load, type Measure, measures, type Role, type Suite } from "../suite.ts";

/** What is known of a run but for its results. */
export interface RunFacts {
  readonly suite: Suite;
  readonly loads: readonly Load[];
  /** ISO 8601, UTC. */
  readonly takenAt: string;
  readonly machine: Machine;
  readonly versions: Readonly<Record<string, string>>;
  readonly seed: number;
  readonly quick: boolean;
  /** Under a profiler the figures are no measurement. */
  readonly profiled: boolean;
  readonly phases: Phases;
  readonly roles: readonly Role[];
}

/** Everything that a run came to: what `--json` writes, and what the table and the page are made of. */
export interface Report extends Omit<RunFacts, "suite"> {
  readonly format: 1;
  readonly suite: string;
  readonly summary: string;
  readonly candidates: readonly Candidate[];
  readonly floor: string;
  readonly valid: boolean;
  readonly voidReasons: readonly string[];
  readonly groups: readonly Group[];
  readonly aims: readonly AimReport[];
  readonly results: readonly PhaseResult[];
}

/** One candidate under one load, over all rounds. */
export interface Group {
  readonly load: string;
  readonly candidate: string;
  readonly requests: number;
  readonly values: Readonly<Partial<Record<Measure, Spread>>>;
  /** To the floor, of the same round; absent for the floor itself. */
  readonly ratios: Readonly<Partial<Record<Measure, Spread>>> | undefined;
  /** Of all rounds together. */
  readonly curve: readonly CurvePoint[];
  readonly correctedCurve: readonly CurvePoint[];
  /** Microseconds per request, by role. */
  readonly cpuUsByRole: Readonly<Record<string, number>>;
}

export interface AimReport extends Aim {
  /** Absent where nothing was measured of it. */
  readonly ratio: Spread | undefined;
  /** By the median ratio. */
  readonly holds: boolean;
  /** Rounds in which it held. */
  readonly heldIn: number;
  readonly rounds: number;
}

/** @param random uniform in [0, 1), for the bootstrap */
export function reportOf(facts: RunFacts, results: readonly PhaseResult[], random: () => number): Report {
  const { suite, loads, ...rest } = facts;
  const voidReasons = results.flatMap(faultsOf);
  const aims = suite.aims.filter((aim) => loads.some(({ name }) => name === aim.load));
  return {
    format: 1,
    ...rest,
    suite: suite.name,
    summary: suite.summary,
    candidates: suite.candidates,
    floor: suite.floor,
    loads,
    valid: voidReasons.length === 0 && results.length > 0,
    voidReasons: results.length === 0 ? ["nothing was measured"] : voidReasons,
    groups: loads.flatMap((load) => suite.candidates.map(({ name }) => groupOf(load.name, name, suite.floor, results, random))),
    aims: aims.map((aim) => aimReportOf(aim, results, random)),
    results,
  };
}

/** A run is void when errors occurred or a load was not reached. */
function faultsOf({ round, load, candidate, errors, errorSamples, notReached }: PhaseResult): string[] {
  const where = `round ${round + 1}, ${load}, ${candidate}`;
  return [
    ...(errors === 0 ? [] : [`${where}: ${errors} errors, such as ${errorSamples[0] ?? "(none kept)"}`]),
    ...(notReached === undefined ? [] : [`${where}: the load was not reached: ${notReached}`]),
  ];
}

function groupOf(load: string, candidate: string, floor: string, results: readonly PhaseResult[], random: () => number): Group {
  const own = results.filter((result) => result.load === load && result.candidate === candidate);
  const values: Partial<Record<Measure, Spread>> = {};
  const ratios: Partial<Record<Measure, Spread>> = {};
  for (const measure of measures) {
    const byRound = [...roundsOf(results, load, candidate, measure).values()];
    if (byRound.length > 0) values[measure] = spreadOf(byRound, random);
    const all = ratiosBetween(results, load, measure, candidate, floor);
    if (all.length > 0) ratios[measure] = spreadOf(all, random);
  }
  return {
    load,
    candidate,
    requests: own.reduce((sum, { requests }) => sum + requests, 0),
    values,
    ratios: candidate === floor ? undefined : ratios,
    curve: curveOf(merged(own.map(({ histogram }) => decodeHistogram(histogram)))),
    correctedCurve: curveOf(merged(own.map(({ correctedHistogram }) => decodeHistogram(correctedHistogram)))),
    cpuUsByRole: cpuByRole(own),
  };
}

function cpuByRole(results: readonly PhaseResult[]): Record<string, number> {
  const requests = results.reduce((sum, result) => sum + result.requests, 0);
  const micros: Record<string, number> = {};
  if (requests === 0) return micros;
  for (const { cpuSeconds } of results) {
    for (const [role, seconds] of Object.entries(cpuSeconds)) micros[role] = (micros[role] ?? 0) + (seconds * 1e6) / requests;
  }
  return Object.fromEntries(Object.entries(micros).map(([role, us]) => [role, Math.round(us * 10) / 10]));
}

function aimReportOf(aim: Aim, results: readonly PhaseResult[], random: () => number): AimReport {
  const ratios = ratiosBetween(results, aim.load, aim.measure, aim.candidate, aim.base);
  const ratio = ratios.length === 0 ? undefined : spreadOf(ratios, random);
  const keeps = (value: number): boolean => ("atMost" in aim.bound ? value <= aim.bound.atMost : value >= aim.bound.atLeast);
  return {
    ...aim,
    ratio,
    holds: ratio !== undefined && keeps(ratio.median),
    heldIn: ratios.filter(keeps).length,
    rounds: ratios.length,
  };
}

function ratiosBetween(
  results: readonly PhaseResult[],
  load: string,
  measure: Measure,
  candidate: string,
  base: string,
): readonly number[] {
  const [own, other] = [roundsOf(results, load, candidate, measure), roundsOf(results, load, base, measure)];
  return ratiosOf(own, other).map(({ ratio }) => ratio);
}

function roundsOf(
  results: readonly PhaseResult[],
  load: string,
  candidate: string,
  measure: Measure,
): ReadonlyMap<number, number> {
  const rounds = new Map<number, number>();
  for (const result of results) {
    const value = measureOf(result, measure);
    if (result.load === load && result.candidate === candidate && value !== undefined) rounds.set(result.round, value);
  }
  return rounds;
}
