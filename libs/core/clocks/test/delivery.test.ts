import { describe, expect, it } from "vitest";
import {
  CausalDelivery,
  type CausalMessage,
  type DeliveryOptions,
  type Dot,
  type DotRange,
  dotLimits,
  type Effect,
} from "../src/index.ts";

/**
 * Proves the recipient's side (D1–D5) case by case, with the time as an argument. That nothing of it breaks among many, under
 * loss, duplicates, reordering and restarts, is in `npm run sim -- causal` and its test.
 */

const dot = (session: string, scope: string, seq: number): Dot => ({ session, scope, seq });
const scopes = new Set(["*", "", "g"]);
const create = (options: Partial<DeliveryOptions> = {}) => new CausalDelivery<string>({ scopes, ...options });

/** Of session r1 in group g, unless it says otherwise; it is called like its dot. */
function message(seq: number, more: Partial<CausalMessage<string>> = {}): CausalMessage<string> {
  const own = more.dot ?? dot("r1", "g", seq);
  const body = `${own.session}/${own.scope}/${own.seq}`;
  return { dot: own, before: own.seq - 1, after: [], body, bytes: 100, untilMs: 1e9, ...more };
}

/** One line for each effect. */
function told(effects: readonly Effect<string>[]): string[] {
  return effects.map(lineOf);
}

function lineOf(effect: Effect<string>): string {
  switch (effect.kind) {
    case "deliver": {
      const missing = effect.missing.map((run) => ` ${run.cause ? "without its cause" : "without"} ${nameOf(run)}`);
      return `deliver ${effect.message.body}${missing.join("")}`;
    }
    case "drop":
      return `drop ${effect.message.body}`;
    case "ask":
      return `ask ${effect.range.session} for ${effect.range.scope} ${effect.range.from}-${effect.range.to}`;
    case "gap":
      return `gap ${nameOf(effect.range)} ${effect.reason}`;
  }
}

function nameOf({ session, scope, from, to }: DotRange): string {
  return `${session}/${scope}/${from}-${to}`;
}

describe("order (D1)", () => {
  it("of one session and scope is that of sending; a hole is waited behind, and asked for", () => {
    const delivery = create();
    expect(told(delivery.receive(message(1), 0).effects)).toEqual(["deliver r1/g/1"]);
    expect(delivery.receive(message(3), 1)).toEqual({ verdict: "waiting", effects: [] });
    expect(delivery.receive(message(4), 1)).toEqual({ verdict: "waiting", effects: [] });
    expect(delivery.wakeMs).toBe(21);
    expect(told(delivery.sweep(20))).toEqual([]);
    expect(told(delivery.sweep(21))).toEqual(["ask r1 for g 2-2"]);
    expect([told(delivery.sweep(22)), delivery.wakeMs]).toEqual([[], 271]);
    expect(told(delivery.sweep(271))).toEqual(["ask r1 for g 2-2"]);
    expect(told(delivery.receive(message(2), 300).effects)).toEqual(["deliver r1/g/2", "deliver r1/g/3", "deliver r1/g/4"]);
    expect([delivery.size, delivery.bytes, delivery.wakeMs]).toEqual([0, 0, undefined]);
  });

  it("nobody waits for what was sent to others: what was before is what was before for this one", () => {
    const delivery = create();
    expect(delivery.receive(message(40, { before: 0 }), 0).verdict).toBe("delivered");
    expect(delivery.receive(message(57, { before: 40 }), 0).verdict).toBe("delivered");
  });

  it("other scopes and other sessions do not wait for it", () => {
    const delivery = create();
    delivery.receive(message(2), 0);
    expect(delivery.receive(message(1, { dot: dot("r2", "g", 1) }), 0).verdict).toBe("delivered");
    expect(delivery.receive(message(1, { dot: dot("r1", "*", 1) }), 0).verdict).toBe("delivered");
    expect(delivery.receive(message(1, { dot: dot("r1", "", 1) }), 0).verdict).toBe("delivered");
  });

  it("what depends on another waits until that has ended, wherever it came from", () => {
    const delivery = create();
    const cause = dot("r2", "", 7);
    delivery.receive(message(1, { after: [cause] }), 0);
    expect(told(delivery.sweep(20))).toEqual(["ask r2 for  1-7"]);
    expect(told(delivery.receive(message(7, { dot: cause, before: 0 }), 30).effects)).toEqual(["deliver r2//7"]);
    expect(told(delivery.sweep(5_000))).toEqual([]);
    expect(told(delivery.ended(cause, true, 6_000))).toEqual(["deliver r1/g/1"]);
  });

  it("a dependency in a scope that the agent is not in is none of its own", () => {
    expect(create().receive(message(1, { after: [dot("r2", "other", 7)] }), 0).verdict).toBe("delivered");
  });

  it("the session's word that nothing was for this one closes a hole", () => {
    const delivery = create();
    delivery.receive(message(9, { after: [dot("r2", "g", 5)] }), 0);
    expect(told(delivery.skip({ session: "r2", scope: "g", from: 1, to: 5 }, false, 5).effects)).toEqual([]);
    expect(told(delivery.skip({ session: "r1", scope: "g", from: 1, to: 8 }, false, 6).effects)).toEqual(["deliver r1/g/9"]);
  });
});

describe("the session's word", () => {
  it("does not jump over what waits, nor over a hole that it says nothing of", () => {
    const delivery = create();
    delivery.receive(message(3), 0);
    delivery.receive(message(7), 0);
    const skip = (from: number, to: number, lost = false) =>
      told(delivery.skip({ session: "r1", scope: "g", from, to }, lost, 1).effects);
    expect(skip(2, 6)).toEqual([]);
    expect(skip(1, 6, true)).toEqual(["gap r1/g/1-2 lost", "deliver r1/g/3 without r1/g/1-2"]);
    expect(skip(4, 9)).toEqual(["deliver r1/g/7"]);
    expect(skip(4, 9)).toEqual([]);
    expect(delivery.receive(message(10), 2).verdict).toBe("delivered");
  });

  it("is not believed of a scope that the agent is not in", () => {
    const step = create().skip({ session: "r1", scope: "h", from: 1, to: 2 }, true, 0);
    expect(step.verdict).toEqual({ refused: expect.any(String) });
  });
});

describe("at most once (D2)", () => {
  it("repeats are told apart by what became of the first", () => {
    const delivery = create();
    delivery.receive(message(1), 0);
    delivery.receive(message(3), 0);
    expect([1, 3, 3].map((seq) => delivery.receive(message(seq), 1).verdict)).toEqual(["past", "duplicate", "duplicate"]);
    expect(delivery.size).toBe(1);
  });
});

describe("bounds (D3)", () => {
  it.each<[string, Partial<DeliveryOptions>]>([
    ["count", { countMax: 2 }],
    ["bytes", { bytesMax: 250 }],
  ])("beyond its %s nothing waits: it is dropped, counted, and asked for again", (_, options) => {
    const delivery = create(options);
    expect([3, 4, 5].map((seq) => delivery.receive(message(seq), 0).verdict)).toEqual(["waiting", "waiting", "dropped"]);
    expect([delivery.size, delivery.overflows]).toEqual([2, 1]);
    delivery.receive(message(1), 1);
    expect(told(delivery.receive(message(2), 2).effects)).toEqual(["deliver r1/g/2", "deliver r1/g/3", "deliver r1/g/4"]);
    expect(told(delivery.sweep(22))).toEqual(["ask r1 for g 5-5"]);
    expect(told(delivery.receive(message(5), 30).effects)).toEqual(["deliver r1/g/5"]);
    expect(delivery.wakeMs).toBeUndefined();
  });

  it("what finds no room and does not come again is given up as well", () => {
    const delivery = create({ countMax: 0 });
    delivery.receive(message(2), 0);
    expect(told(delivery.sweep(2_000))).toEqual(["gap r1/g/1-2 overflow"]);
    expect(delivery.receive(message(2), 2_001).verdict).toBe("passed-over");
  });

  it("remembers no more sessions than it may; one that was idle for long makes room", () => {
    const delivery = create({ streamsMax: 2, streamIdleMs: 1_000 });
    const of = (session: string, nowMs: number) => delivery.receive(message(1, { dot: dot(session, "g", 1) }), nowMs).verdict;
    for (const session of ["r1", "r2"]) {
      expect(of(session, 0)).toBe("delivered");
      delivery.ended(dot(session, "g", 1), true, 0);
    }
    expect(of("r3", 999)).toEqual({ refused: "too many sessions are remembered to take in another" });
    expect(of("r2", 999)).toBe("past");
    expect(of("r3", 1_000)).toBe("delivered");
    expect(of("r4", 1_001)).toMatchObject({ refused: expect.any(String) });
    expect([delivery.streams, delivery.overflows]).toEqual([2, 3]);
  });

  it("a message whose own time is up is dropped, keeps its place, and frees its bytes", () => {
    const delivery = create();
    delivery.receive(message(2, { untilMs: 100 }), 0);
    delivery.receive(message(3), 0);
    expect(delivery.wakeMs).toBe(20);
    expect(told(delivery.sweep(100))).toEqual(["drop r1/g/2", "ask r1 for g 1-1"]);
    expect([delivery.size, delivery.bytes]).toEqual([2, 100]);
    expect(told(delivery.receive(message(1), 110).effects)).toEqual(["deliver r1/g/1", "deliver r1/g/3 without r1/g/2-2"]);
    expect(delivery.receive(message(2), 120).verdict).toBe("passed-over");
  });
});

describe("what cannot be had (D4)", () => {
  it("is given up when the message has waited long enough, is told with it, and never delivered later", () => {
    const delivery = create();
    delivery.receive(message(3), 0);
    expect(told(delivery.sweep(1_999))).toEqual(["ask r1 for g 1-2"]);
    expect(told(delivery.sweep(2_000))).toEqual(["gap r1/g/1-2 aged", "deliver r1/g/3 without r1/g/1-2"]);
    expect([1, 2].map((seq) => delivery.receive(message(seq), 2_001).verdict)).toEqual(["passed-over", "passed-over"]);
  });

  it("is given up at once where the session has lost it", () => {
    const delivery = create();
    delivery.receive(message(3, { after: [dot("r1", "g", 2)] }), 0);
    const { effects } = delivery.skip({ session: "r1", scope: "g", from: 1, to: 2 }, true, 5);
    expect(told(effects)).toEqual(["gap r1/g/1-2 lost", "deliver r1/g/3 without its cause r1/g/2-2 without r1/g/1-2"]);
  });

  it("of a session that is gone is told to everybody who depends on it, and waited for once", () => {
    const delivery = create();
    const cause = dot("dead", "g", 4);
    delivery.receive(message(1, { after: [cause] }), 0);
    expect(told(delivery.sweep(2_000))).toEqual(["gap dead/g/4-4 aged", "deliver r1/g/1 without its cause dead/g/4-4"]);
    expect(told(delivery.receive(message(2, { after: [cause] }), 2_001).effects)).toEqual([
      "deliver r1/g/2 without its cause dead/g/4-4",
    ]);
    expect(delivery.receive(message(4, { dot: cause, before: 0 }), 2_002).verdict).toBe("passed-over");
    expect(delivery.receive(message(5, { dot: dot("dead", "g", 5), before: 4 }), 2_003).verdict).toBe("delivered");
  });

  it("a cause that came and never ran is told as missing", () => {
    const delivery = create();
    const cause = dot("r2", "g", 1);
    delivery.receive(message(1, { dot: cause }), 0);
    delivery.receive(message(1, { after: [cause] }), 0);
    expect(told(delivery.ended(cause, false, 1))).toEqual(["deliver r1/g/1 without its cause r2/g/1-1"]);
  });

  it("what waits here itself is not missing, and two that wait for each other do not for ever", () => {
    const delivery = create();
    delivery.receive(message(1, { after: [dot("r2", "g", 1)] }), 0);
    delivery.receive(message(1, { dot: dot("r2", "g", 1), after: [dot("r1", "g", 1)] }), 0);
    expect(told(delivery.sweep(2_000))).toEqual([]);
    expect(delivery.wakeMs).toBe(4_000);
    expect(told(delivery.sweep(4_000))).toEqual([
      "gap r2/g/1-1 aged",
      "drop r2/g/1",
      "deliver r1/g/1 without its cause r2/g/1-1",
    ]);
    expect(delivery.size).toBe(0);
  });

  it("an old hole is given up though younger messages stand before it", () => {
    const delivery = create();
    delivery.receive(message(5), 0);
    delivery.receive(message(2), 1_900);
    expect(told(delivery.sweep(2_000))).toEqual([
      "gap r1/g/1-1 aged",
      "deliver r1/g/2 without r1/g/1-1",
      "gap r1/g/3-4 aged",
      "deliver r1/g/5 without r1/g/3-4",
    ]);
  });
});

describe("what others claim of a session (D5)", () => {
  it("delays their own message, and not the session's", () => {
    const delivery = create();
    const forged = dot("r2", "g", 1_000_000);
    delivery.receive(message(1, { after: [forged] }), 0);
    expect(delivery.receive(message(1, { dot: dot("r2", "g", 1) }), 1).verdict).toBe("delivered");
    expect(told(delivery.sweep(2_000))).toEqual([
      "gap r2/g/1000000-1000000 aged",
      "deliver r1/g/1 without its cause r2/g/1000000-1000000",
    ]);
    expect(delivery.receive(message(2, { dot: dot("r2", "g", 2) }), 2_001).verdict).toBe("delivered");
  });

  it("of many sessions that never were, no more is remembered than may be", () => {
    const delivery = create({ afterMax: 256 });
    const forged = (from: number) => Array.from({ length: 200 }, (_, at) => dot(`x${from + at}`, "g", 1));
    delivery.receive(message(1, { after: forged(0) }), 0);
    delivery.receive(message(2, { after: forged(200) }), 0);
    const effects = told(delivery.sweep(2_000));
    expect(effects.filter((line) => line.startsWith("gap"))).toHaveLength(400);
    expect(effects.filter((line) => line.startsWith("deliver"))).toHaveLength(2);
    expect([delivery.streams, delivery.overflows]).toEqual([1, 144]);
  });
});

describe("hostile values", () => {
  const bad = [2 ** 53, dotLimits.seqMax + 1, Number.NaN, Number.POSITIVE_INFINITY, -1, 0.5, "1" as unknown as number];

  it.each(bad)("a count of %s is refused, wherever it stands", (seq) => {
    const delivery = create();
    const refused = { verdict: { refused: expect.any(String) }, effects: [] };
    expect(delivery.receive(message(1, { dot: dot("r1", "g", seq) }), 0)).toEqual(refused);
    expect(delivery.receive(message(dotLimits.seqMax, { before: seq }), 0)).toEqual(refused);
    expect(delivery.receive(message(1, { after: [dot("r1", "g", seq)] }), 0)).toEqual(refused);
    expect(delivery.skip({ session: "r1", scope: "g", from: seq, to: dotLimits.seqMax }, true, 0)).toEqual(refused);
    expect(delivery.skip({ session: "r1", scope: "g", from: 1, to: seq }, true, 0)).toEqual(refused);
    expect(delivery.streams).toBe(0);
  });

  it.each([
    ["a scope that the agent is not in", { dot: dot("r1", "h", 1) }, 'not in the scope "h"'],
    ["a scope that is none", { dot: dot("r1", "g.h", 1) }, "no dot"],
    ["a session that is none", { dot: dot("R1", "g", 1) }, "no dot"],
    ["a send before itself", { before: 1 }, "below its own"],
    ["too many dependencies", { after: Array.from({ length: 257 }, () => dot("r2", "g", 1)) }, "more than 256"],
    ["a dependency that is none", { after: [dot("", "g", 1)] }, "dependency is no dot"],
    ["a time that is none", { untilMs: Number.NaN }, "must be numbers"],
    ["a size that is none", { bytes: -1 }, "must be numbers"],
  ])("%s is refused", (_, more, why) => {
    expect(create().receive(message(1, more), 0).verdict).toEqual({ refused: expect.stringContaining(why) });
  });
});
