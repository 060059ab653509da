import { createVirtualClock } from "@nexus/testing";
import { describe, expect, it } from "vitest";
import { decodeHistogram, percentilesOf } from "../src/latency.ts";
import { runClosedLoop } from "../src/load/closed-loop.ts";
import { runOpenLoop, UNDER_WAY_MAX } from "../src/load/open-loop.ts";
import type { Load } from "../src/suite.ts";

/**
 * Proves, in virtual time: an open loop counts from when a request was due, whether the answers or the generator are
 * late; a closed one holds requests back, says what it would have seen otherwise, and each says when it missed its load.
 */

type Clock = ReturnType<typeof createVirtualClock>;

/** Answers after `tookMs(k)`. */
function service(clock: Clock, tookMs: (request: number) => number) {
  let requests = 0;
  return () => new Promise<void>((resolve) => clock.schedule(tookMs(requests++), resolve));
}

/** Lets time pass in steps, with all that promises do in between. */
async function pass(clock: Clock, ms: number, stepMs = 0.25): Promise<void> {
  for (let passed = 0; passed < ms; passed += stepMs) {
    clock.advance(stepMs);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function pacing(clock: Clock, everyMs: number) {
  return (_perSecond: number, due: () => void) => {
    let stopped = false;
    const tick = (): void => {
      if (stopped) return;
      due();
      clock.schedule(everyMs, tick);
    };
    clock.schedule(everyMs, tick);
    return () => {
      stopped = true;
    };
  };
}

const latencies = (encoded: string) => percentilesOf(decodeHistogram(encoded));
const window = { leadInMs: 10, measureMs: 100 };

describe("an open loop", () => {
  const rate: Extract<Load, { kind: "rate" }> = { name: "rate", kind: "rate", perSecond: 1_000 };
  const run = async (tookMs: (request: number) => number, paceMs: number, load = rate) => {
    const clock = createVirtualClock();
    const report = runOpenLoop(service(clock, tookMs), load, window, {
      nowMs: () => clock.monotonicMs(),
      pace: pacing(clock, paceMs),
    });
    await pass(clock, 400);
    return report;
  };

  it("sees what answers take", async () => {
    const report = await run(() => 2, 1);
    expect(report).toMatchObject({ requests: 100, errors: 0, notReached: undefined });
    expect(latencies(report.latency)).toMatchObject({ p50: 2_000, max: 2_000 });
    expect(report.corrected).toBe(report.latency);
  });

  it("counts the generator's own lateness, and tells it", async () => {
    const report = await run(() => 2, 10);
    expect(latencies(report.latency).max).toBeGreaterThanOrEqual(10_500);
    expect(latencies(report.lateness ?? "").max).toBeGreaterThanOrEqual(8_500);
    expect(report.notReached).toBeUndefined();
  });

  it("does not wait for a slow answer", async () => {
    const report = await run((request) => (request === 50 ? 50 : 1), 1);
    expect(report.requests).toBe(100);
    expect(latencies(report.latency)).toMatchObject({ p50: 1_000, max: expect.closeTo(50_000, -2) });
  });

  it("says when answers do not keep up", async () => {
    expect((await run((request) => request * 2, 1)).notReached).toMatch(/of 100 were answered in time/);
  });

  it("holds back beyond its bound, and says so", async () => {
    const report = await run(() => 300, 1, { ...rate, perSecond: (UNDER_WAY_MAX * 1_000) / 50 });
    expect(report.notReached).toMatch(/could not be sent/);
  });
});

describe("a closed loop", () => {
  const two = { name: "two", kind: "in-flight", inFlight: 2 } as const;
  const run = async (send: (clock: Clock) => () => Promise<void>) => {
    const clock = createVirtualClock();
    const report = runClosedLoop(send(clock), two, window, () => clock.monotonicMs());
    await pass(clock, 400);
    return report;
  };

  it("keeps N under way", async () => {
    const report = await run((clock) => service(clock, () => 2));
    expect(report).toMatchObject({ errors: 0, notReached: undefined, lateness: undefined });
    expect(report.requests).toBeGreaterThanOrEqual(98);
    expect(latencies(report.latency)).toMatchObject({ p50: 2_000, max: 2_000 });
  });

  it("puts back what a slow answer held back", async () => {
    const report = await run((clock) => service(clock, (request) => (request === 20 ? 40 : 1)));
    const [seen, corrected] = [decodeHistogram(report.latency), decodeHistogram(report.corrected)];
    expect(percentilesOf(seen).p90).toBe(1_000);
    expect(percentilesOf(corrected).p90).toBeGreaterThan(10_000);
    expect(corrected.totalCount).toBeGreaterThan(seen.totalCount);
  });

  it("counts errors and keeps a few of them", async () => {
    let sent = 0;
    const report = await run((clock) => {
      const good = service(clock, () => 1);
      return () => (sent++ % 10 === 3 ? Promise.reject(new Error("no")) : good());
    });
    expect(report.errors).toBeGreaterThan(0);
    expect(report.errorSamples).toEqual(["no"]);
  });

  it("does not spin where sending fails at once", async () => {
    const SPINNING = 20_000;
    let failed = 0;
    await run((clock) => () => {
      if (++failed === SPINNING) clock.advance(1_000); // ends the loop, which would not yield by itself
      return Promise.reject(new Error("no"));
    });
    expect(failed).toBeLessThan(SPINNING);
  });

  it("is not reached where fewer are under way than were asked for", async () => {
    const report = await run((clock) => {
      const answered = service(clock, (request) => (request === 0 ? 80 : 2));
      let sent = 0;
      return () => (sent++ === 0 ? answered().then(() => Promise.reject(new Error("no"))) : answered());
    });
    expect(report.notReached).toMatch(/^1\.[0-3] requests were under way on average, not 2$/);
  });

  it("is not reached where nothing is answered", async () => {
    expect((await run((clock) => service(clock, () => 250))).notReached).toBe("nothing was answered");
  });
});
