import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { clockLimits, dotLimits, Lanes, lineOf, VectorClock } from "../src/index.ts";

/**
 * Proves the vector clock (V1–V3): its order is that of what happened before what, by a graph of events that knows no clocks;
 * its text is read back; what is hostile is refused. fast-check prints seed and path of a failure.
 */

const of = (counts: Record<string, number>) => VectorClock.of(Object.entries(counts));

describe("order", () => {
  it.each([
    [{}, {}, "equal"],
    [{ r1: 1 }, { r1: 1 }, "equal"],
    [{}, { r1: 1 }, "before"],
    [{ r1: 1 }, { r1: 2 }, "before"],
    [{ r1: 2, r2: 1 }, { r1: 1 }, "after"],
    [{ r1: 1 }, { r2: 1 }, "concurrent"],
    [{ r1: 2, r2: 1 }, { r1: 1, r2: 2 }, "concurrent"],
    [{ r1: 1 }, { "r1.1": 1 }, "concurrent"],
  ] as const)("%j is to %j: %s", (a, b, causality) => expect(of(a).compare(of(b))).toBe(causality));

  it("is that of the events: before exactly where a path of messages leads", () => {
    const step = fc.record({ at: fc.nat(3), from: fc.option(fc.nat(40)) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const events: { clock: VectorClock; before: Set<number> }[] = [];
        const latest: (number | undefined)[] = [];
        for (const { at, from } of steps) {
          const causes = [latest[at], from ?? undefined].filter((cause) => cause !== undefined && cause < events.length);
          let clock = VectorClock.zero;
          const before = new Set<number>();
          for (const cause of causes as number[]) {
            clock = clock.merge(events[cause]?.clock ?? VectorClock.zero);
            for (const earlier of [cause, ...(events[cause]?.before ?? [])]) before.add(earlier);
          }
          latest[at] = events.push({ clock: clock.tick(`p${at}`), before }) - 1;
        }
        for (const [a, one] of events.entries()) {
          for (const [b, other] of events.entries()) {
            const path = a === b ? "equal" : other.before.has(a) ? "before" : one.before.has(b) ? "after" : "concurrent";
            expect(one.clock.compare(other.clock)).toBe(path);
          }
        }
      }),
    );
  });
});

const clocks = fc
  .dictionary(fc.constantFrom("r1", "r2", "r2.1", "r2.36", "r-3_x"), fc.integer({ min: 1, max: dotLimits.seqMax }))
  .map((counts) => of(counts));

describe("merge and tick", () => {
  it("merge is commutative, associative, idempotent, and around its parts (V3)", () => {
    fc.assert(
      fc.property(clocks, clocks, clocks, (a, b, c) => {
        expect(a.merge(b).encode()).toBe(b.merge(a).encode());
        expect(a.merge(b).merge(c).encode()).toBe(a.merge(b.merge(c)).encode());
        expect(a.merge(a).encode()).toBe(a.encode());
        expect([a.isWithin(a.merge(b)), b.isWithin(a.merge(b))]).toEqual([true, true]);
      }),
    );
  });

  it("leaves the clock that it was done to as it was", () => {
    const clock = of({ r1: 1 });
    expect(
      clock
        .tick("r1")
        .tick("r2")
        .merge(of({ r3: 5 }))
        .entries(),
    ).toEqual([
      ["r1", 2],
      ["r2", 1],
      ["r3", 5],
    ]);
    expect(clock.entries()).toEqual([["r1", 1]]);
  });

  it("is bounded in entries and in counts (V2)", () => {
    const full = VectorClock.of(Array.from({ length: clockLimits.entriesMax }, (_, at) => [`r${at}`, 1] as const));
    expect(full.tick("r0").count("r0")).toBe(2);
    expect(() => full.tick("other")).toThrow("at most 512 entries");
    expect(() => full.merge(of({ other: 1 }))).toThrow("at most 512 entries");
    expect(() => VectorClock.of([...full.entries(), ["other", 1]])).toThrow("at most 512 entries");
    expect(() => of({ r1: dotLimits.seqMax }).tick("r1")).toThrow("cannot tick");
    expect(() => of({ r1: 5 }).tick("r1", 5)).toThrow("cannot tick from 5 to 5");
  });

  it.each([2 ** 53, dotLimits.seqMax + 1, Number.NaN, Number.POSITIVE_INFINITY, 0, -1, 1.5, "1"])(
    "refuses a count of %s",
    (count) => {
      expect(() => VectorClock.of([["r1", count as number]])).toThrow("a clock counts in");
    },
  );

  it.each(["", "R1", "a.b", "r1.0", "r1.01", "r1.1.1", "r1.1000000", "*", "__proto__", "é", "x".repeat(64), 7])(
    "refuses an entry for %s",
    (line) => {
      expect(() => VectorClock.of([[line as string, 1]])).toThrow("has no entry for");
      expect(() => VectorClock.zero.tick(line as string)).toThrow("cannot tick");
    },
  );

  it("refuses two entries for one line", () => {
    expect(() => VectorClock.of([["r1", 1], ["r1", 2]])).toThrow("one entry for r1"); // biome-ignore format: a pair
  });
});

describe("text", () => {
  it("is compact, and has each session once", () => {
    expect(of({ "router-b": 36, "router-a.2": 5, "router-a": 1 }).encode()).toBe("router-a:1,2.5;router-b:10");
    expect(VectorClock.zero.encode()).toBe("");
  });

  it("is read back, and is the same for equal clocks", () => {
    fc.assert(
      fc.property(clocks, (clock) => {
        const read = VectorClock.decode(clock.encode());
        expect(read.compare(clock)).toBe("equal");
        expect(read.encode()).toBe(clock.encode());
      }),
    );
  });

  it.each([
    ["r1", "no counts"],
    ["r1:", "counts in"],
    ["r1:0", "counts in"],
    ["r1:01", "counts in"],
    ["r1:-1", "counts in"],
    ["r1:zzzzzzzzzz", "counts in"],
    ["r1:zzzzzzzzzzzzzz", "counts in"],
    ["r1:1,0.1", "no entry"],
    ["r1:1;r1:2", "one entry"],
    ["r2:1;r1:1", "one way only"],
    ["r1:1;", "no counts"],
    ["*:1", "no entry"],
    ["r1:1,1.2,1.3", "one entry"],
  ])("%s: %s", (text, message) => {
    expect(() => VectorClock.decode(text)).toThrow(message);
  });

  it("of any text, is refused or written the same again", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[ar][0-9]?:[0-9a-c.,;:r]{1,12}$/)), (text) => {
        try {
          expect(VectorClock.decode(text).encode()).toBe(text);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
    );
  });

  it("with too many entries is not read to its end", () => {
    const text = Array.from({ length: 100_000 }, (_, at) => `r${String(at).padStart(6, "0")}:1`).join(";");
    expect(() => VectorClock.decode(text)).toThrow("at most 512 entries");
    expect(() => VectorClock.decode(`r:${Array.from({ length: 100_000 }, (_, at) => `${at + 1}.1`).join(",")}`)).toThrow(
      "at most 512",
    );
  });
});

describe("lanes", () => {
  it("what overlaps has lanes of its own; what is free is taken again, lowest first", () => {
    const lanes = new Lanes("r1");
    expect([lanes.take(), lanes.take(), lanes.take()]).toEqual([0, 1, 2]);
    lanes.giveBack(2);
    lanes.giveBack(0);
    expect([lanes.take(), lanes.take(), lanes.take()]).toEqual([0, 2, 3]);
    expect(lanes.size).toBe(4);
  });

  it.each([
    ["", true],
    ["r1:2", true],
    ["r1:3", false],
    ["r1:1.1;r2:9", true],
    ["r1:1.2", false],
    ["r1:2.1", false],
    ["r11:9", true],
  ])("know what they have had of %j: %s", (text, had) => {
    const lanes = new Lanes("r1");
    for (const lane of [lanes.take(), lanes.take()]) lanes.next(lane ?? 0);
    lanes.next(0);
    expect(lanes.hasHad(VectorClock.decode(text))).toBe(had);
  });

  it("a lane goes on counting where it was", () => {
    const lanes = new Lanes("r1");
    expect([lanes.next(0), lanes.next(0), lanes.next(1)]).toEqual([
      { line: "r1", count: 1 },
      { line: "r1", count: 2 },
      { line: lineOf("r1", 1), count: 1 },
    ]);
  });
});
