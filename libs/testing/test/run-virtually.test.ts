import { describe, expect, it } from "vitest";
import { createVirtualClock, nextTurn, runVirtually, type VirtualClock } from "../src/index.ts";

/** Proves: work ends at its own virtual time, what needs no time comes before the next timer, and work that cannot end fails. */

const pass = (clock: VirtualClock, ms: number) => new Promise<void>((resolve) => clock.schedule(ms, resolve));

describe("runVirtually", () => {
  it("takes work through an hour in no time, and stops at its end", async () => {
    const clock = createVirtualClock();
    clock.schedule(7_200_000, () => {});
    const work = async () => {
      for (let minute = 0; minute < 60; minute++) await pass(clock, 60_000);
      return clock.monotonicMs();
    };
    expect(await runVirtually(clock, work())).toBe(3_600_000);
    expect(clock.monotonicMs()).toBe(3_600_000);
  });

  it("lets happen what needs no time before it moves on", async () => {
    const clock = createVirtualClock();
    const seen: string[] = [];
    clock.schedule(5, () => seen.push("timer"));
    const chain = async () => {
      for (let link = 0; link < 50; link++) await Promise.resolve();
      queueMicrotask(() => seen.push("microtask"));
      await pass(clock, 5);
    };
    await runVirtually(clock, chain());
    expect(seen).toEqual(["microtask", "timer"]);
  });

  it("fails as the work fails", async () => {
    const clock = createVirtualClock();
    const work = pass(clock, 1).then(() => {
      throw new Error("on purpose");
    });
    await expect(runVirtually(clock, work)).rejects.toThrow("on purpose");
  });

  it("fails where nothing is left to wait for, or time leads nowhere", async () => {
    const clock = createVirtualClock();
    await expect(runVirtually(clock, new Promise(() => {}))).rejects.toThrow("no timer is left");
    const again = (): void => void clock.schedule(1, again);
    again();
    await expect(runVirtually(clock, new Promise(() => {}))).rejects.toThrow("timers ran");
  });

  it("nextTurn comes after the microtasks of microtasks", async () => {
    let count = 0;
    const more = (): void => {
      if (++count < 100) queueMicrotask(more);
    };
    more();
    await nextTurn();
    expect(count).toBe(100);
  });
});
