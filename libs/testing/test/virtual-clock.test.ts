import type { Timer } from "@nexus/ports";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createVirtualClock } from "../src/index.ts";

/** Proves T1 to T4 by cases, and the order of timers by a twin that sorts. */

describe("virtual clock", () => {
  it("T1: runs by time, then by scheduling, as a sort would, less what was cancelled", () => {
    const timers = fc.array(fc.record({ delay: fc.nat(20), cancelled: fc.boolean() }), { maxLength: 60 });
    fc.assert(
      fc.property(timers, fc.array(fc.nat(7), { maxLength: 10 }), (given, moves) => {
        const clock = createVirtualClock();
        const ran: [number, number][] = [];
        const handles: Timer[] = given.map(({ delay }, index) =>
          clock.schedule(delay, () => ran.push([clock.monotonicMs(), index])),
        );
        for (const [index, { cancelled }] of given.entries()) if (cancelled) handles[index]?.cancel();
        for (const move of moves) clock.advance(move);
        const end = moves.reduce((a, b) => a + b, 0);
        const kept = given
          .map(({ delay, cancelled }, index) => ({ delay, cancelled, index }))
          .filter((timer) => !timer.cancelled);
        const due = kept.filter(({ delay }) => delay <= end).sort((a, b) => a.delay - b.delay || a.index - b.index);
        expect(ran).toEqual(moves.length === 0 ? [] : due.map(({ delay, index }) => [delay, index]));
        expect(clock.pending).toBe(kept.length - ran.length);
        expect(clock.monotonicMs()).toBe(end);
      }),
    );
  });

  it("T2: runs nothing inside schedule, and in the same move what was scheduled on the way", () => {
    const clock = createVirtualClock();
    const ran: string[] = [];
    clock.schedule(0, () => {
      ran.push("first");
      clock.schedule(5, () => ran.push(`second at ${clock.monotonicMs()}`));
      clock.schedule(50, () => ran.push("too late"));
    });
    expect(ran).toEqual([]);
    clock.advance(10);
    expect(ran).toEqual(["first", "second at 5"]);
    expect(clock.nextAtMs).toBe(50);
  });

  it("T3: gives up on timers that never end", () => {
    const clock = createVirtualClock();
    let ran = 0;
    const again = (): void => {
      ran++;
      clock.schedule(0, again);
    };
    again();
    expect(() => clock.runAll(100)).toThrow("100 timers ran");
    expect(ran).toBe(1 + 100);
    expect(() => clock.advance(1)).toThrow("still wait");
  });

  it("T4: moves both times together, and never back", () => {
    const clock = createVirtualClock({ startEpochMs: 1_000 });
    clock.advance(2.5);
    expect([clock.epochMs(), clock.monotonicMs()]).toEqual([1_002, 2.5]);
    expect(() => clock.advance(-1)).toThrow(RangeError);
    expect(() => clock.advanceTo(Number.NaN)).toThrow(RangeError);
    clock.schedule(7, () => {});
    expect(clock.runAll(10)).toBe(1);
    expect(clock.monotonicMs()).toBe(9.5);
    expect(clock.nextAtMs).toBeUndefined();
  });

  it("cancels from within another timer, and harmlessly after the fact", () => {
    const clock = createVirtualClock();
    const ran: string[] = [];
    clock.schedule(1, () => later.cancel());
    const later = clock.schedule(1, () => ran.push("cancelled"));
    clock.advance(1);
    later.cancel();
    expect(ran).toEqual([]);
  });
});
