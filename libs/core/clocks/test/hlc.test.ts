import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareHlc, decodeHlc, encodeHlc, Hlc, type HlcStamp, hlcLimits, isHlcStamp } from "../src/index.ts";

/**
 * Proves the hybrid clock (H1–H3) by tables of what is refused, and by processes that exchange stamps under wall clocks that
 * jump: what was heard of is before what is said. fast-check prints seed and path of a failure.
 */

const NOW = 1_764_000_000_000;
const anyStamp = fc.record({ wallMs: fc.nat({ max: hlcLimits.wallMsMax }), counter: fc.nat({ max: hlcLimits.counterMax }) });

describe("now", () => {
  it("follows the wall clock, and counts where that stands still or goes back", () => {
    const clock = new Hlc();
    expect([NOW, NOW, NOW + 5.9, NOW, NOW + 6].map((epochMs) => clock.now(epochMs))).toEqual([
      { wallMs: NOW, counter: 0 },
      { wallMs: NOW, counter: 1 },
      { wallMs: NOW + 5, counter: 0 },
      { wallMs: NOW + 5, counter: 1 },
      { wallMs: NOW + 6, counter: 0 },
    ]);
  });

  it("borrows the next millisecond where the counter is at its end", () => {
    const clock = new Hlc({}, { wallMs: NOW, counter: hlcLimits.counterMax });
    expect(clock.now(NOW)).toEqual({ wallMs: NOW + 1, counter: 0 });
  });

  it("goes on above what an earlier life had reached", () => {
    const clock = new Hlc({}, { wallMs: NOW, counter: 7 });
    expect(clock.now(NOW - 60_000)).toEqual({ wallMs: NOW, counter: 8 });
  });

  it("comes to an explicit end, never back to the beginning", () => {
    const last = { wallMs: hlcLimits.wallMsMax, counter: hlcLimits.counterMax };
    const clock = new Hlc({}, last);
    expect(() => clock.now(NOW)).toThrow("has come to its end");
    expect(clock.last).toEqual(last);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, -1, hlcLimits.wallMsMax + 1])("refuses a wall clock at %d", (epochMs) => {
    const clock = new Hlc();
    expect(() => clock.now(epochMs)).toThrow(RangeError);
    expect(() => clock.observe({ wallMs: 0, counter: 0 }, epochMs)).toThrow(RangeError);
    expect(clock.last).toEqual({ wallMs: 0, counter: 0 });
  });
});

describe("observe", () => {
  it("lifts what is said afterwards above what was heard", () => {
    const clock = new Hlc();
    expect(clock.observe({ wallMs: NOW + 9_000, counter: 3 }, NOW)).toBe("ok");
    expect(clock.now(NOW + 1)).toEqual({ wallMs: NOW + 9_000, counter: 4 });
  });

  it("refuses a stamp that is too far ahead, and is not moved by it (H2)", () => {
    const clock = new Hlc({ aheadMsMax: 500 });
    expect(clock.observe({ wallMs: NOW + 500, counter: 0 }, NOW)).toBe("ok");
    expect(clock.observe({ wallMs: NOW + 501, counter: 0 }, NOW)).toBe("too-far-ahead");
    expect(clock.last).toEqual({ wallMs: NOW + 500, counter: 0 });
  });

  it.each<[string, HlcStamp]>([
    ["2^53", { wallMs: 2 ** 53, counter: 0 }],
    ["a wall clock beyond its bound", { wallMs: hlcLimits.wallMsMax + 1, counter: 0 }],
    ["NaN", { wallMs: Number.NaN, counter: 0 }],
    ["infinity", { wallMs: Number.POSITIVE_INFINITY, counter: 0 }],
    ["a negative time", { wallMs: -1, counter: 0 }],
    ["a fraction", { wallMs: NOW + 0.5, counter: 0 }],
    ["a counter of 2^53", { wallMs: NOW, counter: 2 ** 53 }],
    ["a counter beyond its bound", { wallMs: NOW, counter: hlcLimits.counterMax + 1 }],
    ["a negative counter", { wallMs: NOW, counter: -1 }],
    ["text", { wallMs: "1" as unknown as number, counter: 0 }],
  ])("refuses %s", (_, stamp) => {
    const clock = new Hlc({}, { wallMs: NOW, counter: 1 });
    expect(clock.observe(stamp, NOW)).toBe("invalid");
    expect(clock.last).toEqual({ wallMs: NOW, counter: 1 });
    expect(() => new Hlc({}, stamp)).toThrow(RangeError);
    expect(() => encodeHlc(stamp)).toThrow(RangeError);
  });
});

describe("properties", () => {
  it("what was heard of is before what is said, however wall clocks jump (H1)", () => {
    const step = fc.record({
      at: fc.nat(3),
      to: fc.nat(3),
      skewMs: fc.integer({ min: -5_000, max: 5_000 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const clocks = Array.from({ length: 4 }, () => new Hlc());
        const latest: (HlcStamp | undefined)[] = [];
        for (const { at, to, skewMs } of steps) {
          const stamp = clocks[at]?.now(NOW + skewMs) ?? { wallMs: 0, counter: 0 };
          const before = latest[at];
          if (before !== undefined) expect(compareHlc(before, stamp)).toBeLessThan(0);
          latest[at] = stamp;
          expect(clocks[to]?.observe(stamp, NOW)).toBe("ok");
          const known = latest[to];
          if (known === undefined || compareHlc(known, stamp) < 0) latest[to] = stamp;
        }
      }),
    );
  });

  it("as text they are read back, and sort as they compare", () => {
    fc.assert(
      fc.property(anyStamp, anyStamp, (a, b) => {
        const [textA, textB] = [encodeHlc(a), encodeHlc(b)];
        expect(textA).toHaveLength(13);
        expect(decodeHlc(textA)).toEqual(a);
        expect(Math.sign(compareHlc(a, b))).toBe(textA < textB ? -1 : textA > textB ? 1 : 0);
      }),
    );
  });

  it("of any text, what is read is written the same again", () => {
    const texts = fc.oneof(
      fc.string(),
      fc.stringMatching(/^[0-9a-zA-Z]{12,14}$/),
      fc.constantFrom("zzzzzzzzzzzzz", "000000000zzzz"),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const stamp = decodeHlc(text);
        if (stamp === undefined) return;
        expect(isHlcStamp(stamp)).toBe(true);
        expect(encodeHlc(stamp)).toBe(text);
      }),
    );
    expect(decodeHlc("000000000zzzz")).toBeUndefined();
  });
});
