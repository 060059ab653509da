import { build, decodeFromCompressedBase64, encodeIntoCompressedBase64, type Histogram } from "hdr-histogram-js";

/** Latencies in whole microseconds, with three significant digits: HdrHistogram (Gil Tene). */

const MICROS_MAX = 600_000_000;
const BITS = 64;

export function createHistogram(): Histogram {
  return build({
    bitBucketSize: BITS,
    autoResize: false,
    lowestDiscernibleValue: 1,
    highestTrackableValue: MICROS_MAX,
    numberOfSignificantValueDigits: 3,
  });
}

export function recordMs(histogram: Histogram, latencyMs: number): void {
  histogram.recordValue(Math.min(MICROS_MAX, Math.max(1, Math.round(latencyMs * 1_000))));
}

/**
 * What the histogram would hold had requests gone on being sent while one was slow (coordinated omission): for each
 * latency L above the interval i, the requests that L held back are added, with L − i, L − 2i, … down to i.
 */
export function correctedForOmission(histogram: Histogram, expectedIntervalUs: number): Histogram {
  return histogram.copyCorrectedForCoordinatedOmission(Math.max(1, Math.round(expectedIntervalUs))) as Histogram;
}

/** Of one phase or several together, in microseconds. */
export interface Percentiles {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
  readonly mean: number;
}

/** All zero for an empty histogram. */
export function percentilesOf(histogram: Histogram): Percentiles {
  const at = (percentile: number): number => (histogram.totalCount === 0 ? 0 : histogram.getValueAtPercentile(percentile));
  return {
    p50: at(50),
    p90: at(90),
    p99: at(99),
    p999: at(99.9),
    max: histogram.totalCount === 0 ? 0 : histogram.maxValue,
    mean: histogram.totalCount === 0 ? 0 : Math.round(histogram.mean * 10) / 10,
  };
}

/** A point of the percentile curve: the share of requests that took longer is 1 / `outOf`. */
export interface CurvePoint {
  readonly outOf: number;
  readonly us: number;
}

const POINTS_PER_DECADE = 8;

/** From the fastest request towards the slowest, evenly on a logarithmic scale, as far as the count carries. */
export function curveOf(histogram: Histogram): readonly CurvePoint[] {
  const points: CurvePoint[] = [];
  for (let step = 0; ; step++) {
    const outOf = 10 ** (step / POINTS_PER_DECADE);
    if (outOf > histogram.totalCount) return points;
    points.push({ outOf, us: histogram.getValueAtPercentile(100 * (1 - 1 / outOf)) });
  }
}

export function encodeHistogram(histogram: Histogram): string {
  return encodeIntoCompressedBase64(histogram);
}

export function decodeHistogram(text: string): Histogram {
  return decodeFromCompressedBase64(text, BITS);
}

/** All that several histograms hold. */
export function merged(histograms: readonly Histogram[]): Histogram {
  const all = createHistogram();
  for (const histogram of histograms) all.add(histogram);
  return all;
}
