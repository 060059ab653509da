/** What several rounds say together. A shared machine disturbs single rounds, so the middle is told, with its spread. */

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** A 95 % interval of the median by bootstrap (Efron); absent below `BOOTSTRAP_MIN` values. */
  readonly interval: readonly [low: number, high: number] | undefined;
}

const BOOTSTRAP_MIN = 5;
const RESAMPLES = 2_000;

/** The mean of the two in the middle where there is no middle one. @throws RangeError without values */
export function medianOf(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError("there is no median of nothing");
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  const upper = sorted[half] as number;
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] as number) + upper) / 2;
}

/** @param random uniform in [0, 1), for the bootstrap @throws RangeError without values */
export function spreadOf(values: readonly number[], random: () => number): Spread {
  return {
    median: medianOf(values),
    min: Math.min(...values),
    max: Math.max(...values),
    interval: values.length < BOOTSTRAP_MIN ? undefined : bootstrap(values, random),
  };
}

/** O(resamples × values log values) */
function bootstrap(values: readonly number[], random: () => number): readonly [number, number] {
  const medians = Array.from({ length: RESAMPLES }, () =>
    medianOf(values.map(() => values[Math.floor(random() * values.length)] as number)),
  ).sort((a, b) => a - b);
  return [medians[Math.floor(RESAMPLES * 0.025)] as number, medians[Math.ceil(RESAMPLES * 0.975) - 1] as number];
}

/** Round by round; a round that lacks either, or whose base is 0, has no ratio. */
export function ratiosOf(
  candidate: ReadonlyMap<number, number>,
  base: ReadonlyMap<number, number>,
): readonly { readonly round: number; readonly ratio: number }[] {
  return [...candidate].flatMap(([round, value]) => {
    const other = base.get(round);
    return other === undefined || other === 0 ? [] : [{ round, ratio: value / other }];
  });
}
