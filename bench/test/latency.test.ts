import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  correctedForOmission,
  createHistogram,
  curveOf,
  decodeHistogram,
  encodeHistogram,
  merged,
  percentilesOf,
} from "../src/latency.ts";

/**
 * Proves: the correction of a closed loop adds exactly the requests that a slow answer held back, as a dumb twin writes
 * them down one by one; percentiles are those of the sorted list, within the histogram's three digits.
 */

/** Latencies as they would have been seen by requests sent every `interval`. */
function correctedTwin(latencies: readonly number[], interval: number): number[] {
  return latencies.flatMap((latency) => {
    const seen = [latency];
    for (let rest = latency - interval; rest >= interval; rest -= interval) seen.push(rest);
    return seen;
  });
}

function histogramOf(latencies: readonly number[]) {
  const histogram = createHistogram();
  for (const latency of latencies) histogram.recordValue(latency);
  return histogram;
}

/** Nearest rank. */
function percentileTwin(latencies: readonly number[], percentile: number): number {
  const sorted = latencies.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((percentile / 100) * sorted.length) - 1)] as number;
}

/** Below 2,048 the histogram is exact. */
const exact = fc.array(fc.integer({ min: 1, max: 2_000 }), { minLength: 1, maxLength: 200 });
const wide = fc.array(fc.integer({ min: 1, max: 5_000_000 }), { minLength: 1, maxLength: 200 });

describe("a latency histogram", () => {
  it("is corrected as the twin does", () => {
    fc.assert(
      fc.property(exact, fc.integer({ min: 1, max: 500 }), (latencies, interval) => {
        const corrected = correctedForOmission(histogramOf(latencies), interval);
        const expected = histogramOf(correctedTwin(latencies, interval));
        expect(corrected.totalCount).toBe(expected.totalCount);
        expect(percentilesOf(corrected)).toEqual(percentilesOf(expected));
      }),
    );
  });

  it("has the percentiles of the sorted list", () => {
    fc.assert(
      fc.property(wide, (latencies) => {
        const { p50, p99, max } = percentilesOf(histogramOf(latencies));
        const close = (actual: number, wanted: number) =>
          expect(Math.abs(actual - wanted)).toBeLessThanOrEqual(wanted / 1_000 + 0.5);
        close(p50, percentileTwin(latencies, 50));
        close(p99, percentileTwin(latencies, 99));
        close(max, Math.max(...latencies));
      }),
    );
  });

  it("survives its encoding, and several are one", () => {
    fc.assert(
      fc.property(wide, wide, (one, other) => {
        const both = merged([one, other].map((latencies) => decodeHistogram(encodeHistogram(histogramOf(latencies)))));
        const { p50, p90, p99 } = percentilesOf(histogramOf([...one, ...other]));
        expect(percentilesOf(both)).toMatchObject({ p50, p90, p99 });
        expect(both.totalCount).toBe(one.length + other.length);
      }),
    );
  });

  it("has a curve that only rises and ends where the count does", () => {
    fc.assert(
      fc.property(wide, (latencies) => {
        const curve = curveOf(histogramOf(latencies));
        expect(curve.map(({ us }) => us)).toEqual(curve.map(({ us }) => us).toSorted((a, b) => a - b));
        expect(curve.every(({ outOf }) => outOf <= latencies.length)).toBe(true);
        expect(curve).toHaveLength(1 + Math.floor(8 * Math.log10(latencies.length) + 1e-9));
      }),
    );
  });

  it("says zero where nothing was recorded", () => {
    expect(percentilesOf(createHistogram())).toEqual({ p50: 0, p90: 0, p99: 0, p999: 0, max: 0, mean: 0 });
    expect(curveOf(createHistogram())).toEqual([]);
  });
});
