import { createHistogram, encodeHistogram, percentilesOf } from "../src/latency.ts";
import type { PhaseResult } from "../src/measure.ts";
import type { RunFacts } from "../src/report/report.ts";
import type { Suite } from "../src/suite.ts";

/** A suite and results that no process made. */

export const suite: Suite = {
  name: "made-up",
  summary: "nothing <at all>",
  candidates: [
    { name: "floor", kind: "floor", what: "the least" },
    { name: "ours", kind: "subject", what: "what is judged" },
  ],
  floor: "floor",
  loads: [
    { name: "8 in flight", kind: "in-flight", inFlight: 8 },
    { name: "100/s", kind: "rate", perSecond: 100 },
  ],
  aims: [
    { load: "8 in flight", measure: "p50", candidate: "ours", base: "floor", bound: { atMost: 1.5 } },
    { load: "8 in flight", measure: "requestsPerSecond", candidate: "ours", base: "floor", bound: { atLeast: 0.65 } },
  ],
  phases: { rounds: 2, warmUpMs: 1, leadInMs: 1, measureMs: 1_000 },
  start: () => Promise.reject(new Error("it cannot be started")),
};

export const facts: RunFacts = {
  suite,
  loads: suite.loads,
  takenAt: "2026-01-01T00:00:00.000Z",
  machine: {
    processor: "one",
    cores: 2,
    memoryGib: 4,
    system: "Linux 6",
    node: "v24.0.0",
    loadAverage: [0.1, 0.2, 0.3],
    commit: undefined,
  },
  versions: { "nats-server": "2.9.10" },
  seed: 1,
  quick: false,
  profiled: false,
  phases: suite.phases,
  roles: [{ name: "ours", pid: 1 }],
};

export function result(
  round: number,
  load: string,
  candidate: string,
  p50Us: number,
  more: Partial<PhaseResult> = {},
): PhaseResult {
  const histogram = createHistogram();
  for (let index = 0; index < 100; index++) histogram.recordValue(p50Us);
  const encoded = encodeHistogram(histogram);
  return {
    round,
    load,
    candidate,
    requests: 100,
    durationMs: 1_000,
    requestsPerSecond: 8e6 / p50Us,
    latencyUs: percentilesOf(histogram),
    correctedUs: percentilesOf(histogram),
    latenessUs: undefined,
    cpuSeconds: { ours: 0.02, "load-generator": 0.01 },
    cpuUsPerRequest: 200,
    othersCores: 0.5,
    errors: 0,
    errorSamples: [],
    notReached: undefined,
    histogram: encoded,
    correctedHistogram: encoded,
    ...more,
  };
}
