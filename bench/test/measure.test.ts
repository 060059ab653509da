import { describe, expect, it } from "vitest";
import { createHistogram, encodeHistogram } from "../src/latency.ts";
import { measureAll } from "../src/measure.ts";
import type { RoleProcess } from "../src/processes/role-process.ts";
import { WARM_UP_ROUND } from "../src/schedule.ts";
import type { Role } from "../src/suite.ts";
import { suite } from "./samples.ts";

/** Proves: a candidate's cost is that of its own processes within the marks, and a warm-up is no result. */

const load = { name: "1 in flight", kind: "in-flight", inFlight: 1 } as const;

/** This process plays every role; it works for 100 ms before the marks, and for 200 ms between them. */
function measured(roles: readonly string[], round = 0) {
  const histogram = createHistogram();
  histogram.recordValue(1_000);
  const latency = encodeHistogram(histogram);
  const report = { requests: 10, durationMs: 200, errors: 0, errorSamples: [], latency, corrected: latency };
  const played = (name: string): Role => ({ name, pid: process.pid });
  const generator = {
    ...played("load-generator"),
    async order(_order: object, onMark: (mark: "begin" | "end") => void) {
      work(100);
      onMark("begin");
      work(200);
      onMark("end");
      work(100);
      return report;
    },
  };
  const running = { roles: roles.map(played), versions: {}, driverOf: () => ({}), stop: async () => {} };
  const deps = { running, generator: generator as unknown as RoleProcess, progress: () => {} };
  const slot = { round, load: load.name, candidate: "ours" };
  return measureAll([slot], [load], suite.phases, deps as unknown as Parameters<typeof measureAll>[3]);
}

function work(ms: number): void {
  const { user, system } = process.cpuUsage();
  const spentMs = () => {
    const now = process.cpuUsage();
    return (now.user + now.system - user - system) / 1_000;
  };
  while (spentMs() < ms);
}

describe.runIf(process.platform === "linux")("a phase", () => {
  it("costs a candidate what its processes took between the marks", async () => {
    const [result] = await measured(["router"]);
    expect(result?.cpuSeconds["router"]).toBeGreaterThanOrEqual(0.17);
    expect(result?.cpuSeconds["router"]).toBeLessThan(0.29);
    expect(result?.cpuUsPerRequest).toBeCloseTo(((result?.cpuSeconds["router"] ?? 0) * 1e6) / 10, 0);
  });

  it("costs it nothing of the load generator and of the bench, whose time is told", async () => {
    const [result] = await measured([]);
    expect(Object.keys(result?.cpuSeconds ?? {}).sort()).toEqual(["bench", "load-generator"]);
    expect(result?.cpuUsPerRequest).toBeUndefined();
  });

  it("is no result where it warms up", async () => {
    expect(await measured(["router"], WARM_UP_ROUND)).toEqual([]);
  });
});
