import { createMemoryBroker } from "@nexus/adapter-memory";
import { systemClock } from "@nexus/adapter-node";
import { NexusError } from "@nexus/contracts";
import { createVirtualClock } from "@nexus/testing";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { isTransportFault, patiently, pause, requestWatched } from "../src/patience.ts";

/**
 * Proves how calls wait, are repeated and are given up, in virtual time: the clock's, and that of the timers that the library
 * for retries sets itself.
 */

const busy = (retryAfterMs?: number) => new NexusError("overloaded", "busy", retryAfterMs === undefined ? {} : { retryAfterMs });

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date", "performance"] }));
afterEach(() => void vi.useRealTimers());

/** Runs an attempt that fails with each error in turn and then succeeds; tells when it was made. */
async function attempts(errors: readonly Error[], more: { retries?: number; untilMs?: number; signal?: AbortSignal } = {}) {
  const beganMs = performance.now();
  const atMs: number[] = [];
  const attempt = async () => {
    atMs.push(performance.now() - beganMs);
    const error = errors[atMs.length - 1];
    if (error !== undefined) throw error;
    return "done";
  };
  const patience = {
    ...{ retries: 5, signal: more.signal, mayRetry: (error: NexusError) => error.retryable },
    ...{ untilMs: beganMs + (more.untilMs ?? 60_000), ...(more.retries === undefined ? {} : { retries: more.retries }) },
  };
  const working = patiently(attempt, patience, systemClock).catch((error: unknown) => error);
  await vi.runAllTimersAsync();
  return { atMs, outcome: await working };
}

describe("patiently", () => {
  it("repeats with delays that grow, each within its jitter", async () => {
    const { atMs, outcome } = await attempts([busy(), busy(), busy()]);
    expect(outcome).toBe("done");
    const delays = atMs.slice(1).map((ms, index) => ms - (atMs[index] ?? 0));
    for (const [index, delay] of delays.entries()) {
      expect(delay).toBeGreaterThanOrEqual(100 * 2 ** index);
      expect(delay).toBeLessThanOrEqual(200 * 2 ** index);
    }
  });

  it("never before the refusal's own time", async () => {
    const { atMs, outcome } = await attempts([busy(3_000)]);
    expect(outcome).toBe("done");
    expect(atMs[1]).toBeGreaterThanOrEqual(3_000);
    expect(atMs[1]).toBeLessThan(3_300);
  });

  it.each<[string, Error]>([
    ["what would be refused again", new NexusError("no-targets", "nobody")],
    ["what is no error of ours", new TypeError("a defect for the test")],
  ])("not for %s", async (_, error) => {
    const { atMs, outcome } = await attempts([error]);
    expect([atMs.length, outcome]).toEqual([1, error]);
  });

  it("not more often than it may, nor when no time is left", async () => {
    const errors = Array.from({ length: 20 }, () => busy());
    expect((await attempts(errors, { retries: 2 })).atMs).toHaveLength(3);
    const late = await attempts([busy(5_000)], { untilMs: 4_000 });
    expect([late.atMs.length, (late.outcome as NexusError).code]).toEqual([1, "overloaded"]);
    const { atMs } = await attempts(errors, { untilMs: 500 });
    for (const ms of atMs) expect(ms).toBeLessThan(500);
  });

  it("given up by its caller while it waits, it says so at once", async () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 1_000);
    const beganMs = performance.now();
    const { outcome } = await attempts([busy(10_000), busy(10_000)], { signal: controller.signal });
    expect(outcome).toMatchObject({ code: "cancelled", executed: "unknown" });
    expect(performance.now() - beganMs).toBeLessThan(2_000);
  });
});

describe("pause", () => {
  it("ends when its time is up, or early when the caller gives up, and leaves no timer", async () => {
    const virtual = createVirtualClock();
    let ended = 0;
    const count = () => void ended++;
    const controller = new AbortController();
    const pauses = [pause(100, virtual, undefined), pause(100, virtual, controller.signal)].map((paused) => paused.then(count));
    controller.abort();
    await pauses[1];
    expect([ended, virtual.pending]).toEqual([1, 1]);
    virtual.advance(100);
    await pauses[0];
    await pause(100, virtual, controller.signal);
    expect([ended, virtual.pending]).toEqual([2, 0]);
  });
});

describe("requestWatched", () => {
  const setUp = () => {
    const virtual = createVirtualClock();
    const broker = createMemoryBroker({ clock: virtual, defer: queueMicrotask });
    const [bus, other] = [broker.connect(), broker.connect()];
    return { virtual, broker, bus, other };
  };

  it("does not sit out its time when the connection breaks", async () => {
    const { virtual, broker, bus, other } = setUp();
    other.subscribe("q", () => {});
    const asking = requestWatched(bus, "q", new Uint8Array(), { timeoutMs: 60_000 });
    broker.disconnect(bus);
    await expect(asking).rejects.toMatchObject({ code: "disconnected", executed: "unknown" });
    expect(virtual.monotonicMs()).toBe(0);
  });

  it("otherwise is what a request is: answered, timed out, given up, without a responder", async () => {
    const { virtual, bus, other } = setUp();
    const ask = (signal?: AbortSignal) =>
      requestWatched(bus, "q", new Uint8Array([1]), { timeoutMs: 50, ...(signal === undefined ? {} : { signal }) });
    await expect(ask()).rejects.toMatchObject({ code: "no-responders" });
    const deaf = other.subscribe("q", () => {});
    const waiting = ask();
    virtual.advance(50);
    await expect(waiting).rejects.toMatchObject({ code: "timeout" });
    const controller = new AbortController();
    const given = ask(controller.signal);
    controller.abort();
    await expect(given).rejects.toMatchObject({ code: "cancelled" });
    deaf.unsubscribe();
    other.subscribe("q", ({ reply, data }) => {
      if (reply !== undefined) other.publish(reply, data);
    });
    expect((await ask()).data).toEqual(new Uint8Array([1]));
    expect(virtual.pending).toBe(0);
  });
});

it.each([
  ["no-responders", true],
  ["disconnected", true],
  ["timeout", true],
  ["overloaded", false],
  ["cancelled", false],
] as const)("%s is a fault of the way: %s", (code, expected) => {
  expect(isTransportFault(new NexusError(code, "x"))).toBe(expected);
});
