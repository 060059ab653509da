import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CausalLedger, type LedgerOptions, type Recipient } from "../src/index.ts";

/** Proves the sender's side (L1–L4) by cases, and by a twin that keeps every list of who was sent what. */

const a = { agent: "a", boot: "a-1" };
const b = { agent: "b", boot: "b-1" };
const reborn = { agent: "a", boot: "a-2" };
const ledgerOf = (options: Partial<LedgerOptions> = {}) => new CausalLedger<string>({ session: "r1", ...options });

/** Sends, and has it go out to everybody. */
function publish(ledger: CausalLedger<string>, scope: string, to: Recipient[], message: string, bytes = 1) {
  const numbered = ledger.send(scope, to, message, bytes);
  for (const { agent } of to) ledger.published(numbered.dot, agent);
  return numbered;
}

/** The last send before, for each recipient. */
function lastOf(numbered: ReturnType<CausalLedger<string>["send"]>): Record<string, number> {
  return Object.fromEntries(numbered.before);
}

describe("counting", () => {
  it("is by scope, and says to each recipient which one was before for it (L1, L2)", () => {
    const ledger = ledgerOf();
    const first = publish(ledger, "g", [a], "1");
    expect(first.dot).toEqual({ session: "r1", scope: "g", seq: 1 });
    expect(lastOf(first)).toEqual({ a: 0 });
    expect(lastOf(publish(ledger, "g", [a, b], "2"))).toEqual({ a: 1, b: 0 });
    expect(lastOf(publish(ledger, "*", [a, b], "3"))).toEqual({ a: 0, b: 0 });
    expect(lastOf(publish(ledger, "g", [b], "4"))).toEqual({ b: 2 });
    expect(lastOf(publish(ledger, "g", [a, b], "5"))).toEqual({ a: 2, b: 3 });
    expect([ledger.position("g"), ledger.position("*"), ledger.position("other")]).toEqual([4, 1, 0]);
  });

  it("a life that comes begins where it is, and late news of the one before takes nothing from it", () => {
    const ledger = ledgerOf();
    publish(ledger, "g", [a], "1");
    expect(lastOf(publish(ledger, "g", [reborn], "2"))).toEqual({ a: 0 });
    expect(lastOf(publish(ledger, "g", [a], "3"))).toEqual({ a: 1 });
    expect(lastOf(publish(ledger, "g", [reborn], "4"))).toEqual({ a: 2 });
  });

  it("refuses what is no session or no scope", () => {
    for (const session of ["", "R", "a.b", "a/b", "__proto__"]) expect(() => ledgerOf({ session })).toThrow(RangeError);
    for (const scope of ["**", "A", "a.b", "a/b"]) expect(() => ledgerOf().send(scope, [a], "", 1)).toThrow(RangeError);
  });
});

describe("questions", () => {
  it("bring back what was sent to the asker, and to this life of it alone", () => {
    const ledger = ledgerOf();
    publish(ledger, "g", [a, b], "1");
    publish(ledger, "g", [b], "2");
    publish(ledger, "g", [a, reborn], "3");
    const resend = (seq: number, last: number, message: string) => ({
      ...{ kind: "resend", before: last, message },
      dot: { session: "r1", scope: "g", seq },
    });
    const nothingMore = { kind: "nothing", from: 3, to: 3, lost: false };
    expect(ledger.answer(b, "g", 1, 3)).toEqual([resend(1, 0, "1"), resend(2, 1, "2"), nothingMore]);
    expect(ledger.answer(b, "g", 3, 3)).toEqual([{ kind: "nothing", from: 3, to: 3, lost: false }]);
    expect(ledger.answer({ agent: "c", boot: "c-1" }, "g", 1, 3)).toEqual([{ kind: "nothing", from: 1, to: 3, lost: false }]);
  });

  it("do not bring back what is not published yet, and what is closed is lost for whom it went out to (L5)", () => {
    const ledger = ledgerOf();
    publish(ledger, "g", [b], "1");
    const second = ledger.send("g", [a, b], "2", 1_000);
    ledger.published(second.dot, "b");
    publish(ledger, "g", [a, b], "3");
    const before1 = { kind: "nothing", from: 1, to: 1, lost: false };
    expect(ledger.answer(a, "g", 1, 3)).toEqual([before1]);
    expect(ledger.answer(a, "g", 2, 3)).toEqual([]);
    const { bytes } = ledger;
    ledger.close(second.dot);
    ledger.close(second.dot);
    expect(ledger.bytes).toBe(bytes - 1_000);
    expect(ledger.answer(a, "g", 1, 3)).toMatchObject([
      before1,
      { from: 2, to: 2, lost: false },
      { kind: "resend", message: "3" },
    ]);
    expect(ledger.answer(b, "g", 2, 3)).toMatchObject([
      { from: 2, to: 2, lost: true },
      { kind: "resend", message: "3" },
    ]);
  });

  it.each([
    ["other", 1, 1],
    ["g", 2, 2],
    ["g", 2 ** 48, 2 ** 48],
    ["g", 0, 1],
    ["g", -1, 1],
    ["g", Number.NaN, 1],
    ["g", 1, 0],
    ["g", 1, Number.NaN],
  ])("of what was never sent have no answer: %s %d–%d", (scope, from, to) => {
    const ledger = ledgerOf();
    publish(ledger, "g", [a], "1");
    expect(ledger.answer(a, scope, from, to)).toEqual([]);
  });

  it("bring back no more than 64 at once", () => {
    const ledger = ledgerOf();
    for (let sent = 0; sent < 100; sent++) publish(ledger, "g", [a], String(sent));
    expect(ledger.answer(a, "g", 1, 100)).toHaveLength(64);
    expect(ledger.answer(a, "g", 65, 2 ** 48)).toHaveLength(36);
  });
});

it("knows of what it keeps which lives it went out to, and of the rest that it may have", () => {
  const ledger = ledgerOf({ sendsMax: 2 });
  const first = publish(ledger, "g", [a], "1");
  const { dot } = ledger.send("g", [a, b], "2", 0);
  ledger.published(dot, a.agent);
  const reached = (of = dot) => [a, b, reborn].map((life) => ledger.mayHaveReached(of, life));
  expect([reached(first.dot), reached()]).toEqual([
    [true, false, false],
    [true, false, false],
  ]);
  publish(ledger, "g", [b], "3");
  expect(reached(first.dot)).toEqual([true, true, true]);
});

describe("lives that are gone", () => {
  it("are forgotten, and no others", () => {
    const ledger = ledgerOf();
    publish(ledger, "g", [a, b], "1");
    ledger.forgetGone(({ agent, boot }) => (agent === a.agent && boot === a.boot ? "there" : "ended"));
    expect(ledger.lives).toBe(1);
    expect(lastOf(ledger.send("g", [a, b], "2", 0))).toEqual({ a: 1, b: 0 });
  });

  it.each([
    ["ended", false],
    ["away", true],
  ] as const)("of one that has %s, what is not kept any more may have been lost: %s", (state, lost) => {
    const ledger = ledgerOf({ sendsMax: 1 });
    publish(ledger, "g", [a], "1");
    publish(ledger, "g", [b], "2");
    ledger.forgetGone(() => state);
    expect(ledger.answer(a, "g", 1, 1)).toEqual([{ kind: "nothing", from: 1, to: 1, lost }]);
  });
});

describe("bounds", () => {
  it("what is too much goes out, oldest first, and is answered with lost (L3)", () => {
    const ledger = ledgerOf({ sendsMax: 2 });
    for (const message of ["1", "2", "3"]) publish(ledger, "g", [a], message);
    publish(ledger, "*", [b], "4");
    expect([ledger.size, ledger.forgotten]).toEqual([2, 2]);
    expect(ledger.answer(a, "g", 1, 3)).toMatchObject([
      { kind: "nothing", from: 1, to: 2, lost: true },
      { kind: "resend", message: "3" },
    ]);
    expect(ledger.answer(b, "g", 1, 3)).toMatchObject([
      { kind: "nothing", from: 1, to: 2, lost: false },
      { kind: "nothing", from: 3, to: 3, lost: false },
    ]);
  });

  it("who was sent its first behind what went out has lost nothing", () => {
    const ledger = ledgerOf({ sendsMax: 2 });
    publish(ledger, "g", [a], "1");
    publish(ledger, "g", [a, b], "2");
    publish(ledger, "g", [a, b], "3");
    const [toA, toB] = [ledger.answer(a, "g", 1, 1), ledger.answer(b, "g", 1, 1)];
    expect([toA, toB]).toMatchObject([[{ lost: true }], [{ lost: false }]]);
  });

  it("counts bytes, and those of the recipients", () => {
    const ledger = ledgerOf({ bytesMax: 3_000 });
    publish(ledger, "g", [a], "1", 1_000);
    publish(ledger, "g", [a], "2", 1_000);
    expect(ledger.size).toBe(2);
    publish(ledger, "g", [a], "3", 1_000);
    expect(ledger.size).toBe(2);
    publish(ledger, "g", [a], "4", 10_000);
    expect([ledger.size, ledger.bytes]).toEqual([0, 0]);
  });

  it("of lives that it could not keep nothing is claimed (L4)", () => {
    const ledger = ledgerOf({ livesMax: 1 });
    publish(ledger, "g", [a], "1");
    publish(ledger, "g", [b], "2");
    expect([ledger.lives, ledger.forgotten]).toEqual([1, 1]);
    expect(lastOf(publish(ledger, "g", [a], "3"))).toEqual({ a: 2 });
  });

  it("a life that has ended leaves nothing behind, and no doubt about others", () => {
    const ledger = ledgerOf({ livesMax: 1 });
    publish(ledger, "g", [a], "1");
    ledger.forget(a);
    expect(lastOf(publish(ledger, "g", [b], "2"))).toEqual({ b: 0 });
    expect(ledger.forgotten).toBe(0);
  });
});

it("says the same as a twin that keeps every list", () => {
  const recipients = fc.uniqueArray(fc.constantFrom("a", "b", "c", "d"), { maxLength: 4 });
  const send = fc.record({ scope: fc.constantFrom("*", "g", ""), to: recipients, boot: fc.nat(2) });
  fc.assert(
    fc.property(fc.array(send, { maxLength: 60 }), fc.integer({ min: 1, max: 20 }), (sends, sendsMax) => {
      const ledger = ledgerOf({ sendsMax });
      const lists = new Map<string, { readonly all: number; readonly order: number; readonly seq: number }[]>();
      const counts = new Map<string, number>();
      for (const [order, { scope, to, boot }] of sends.entries()) {
        const seq = (counts.get(scope) ?? 0) + 1;
        counts.set(scope, seq);
        const lives = to.map((agent) => ({ agent, boot: `${agent}-${boot}` }));
        const numbered = publish(ledger, scope, lives, String(order));
        expect(numbered.dot.seq).toBe(seq);
        for (const life of lives) {
          const key = `${scope} ${life.boot}`;
          const list = lists.get(key) ?? [];
          expect(numbered.before.get(life.agent)).toBe(list.at(-1)?.seq ?? 0);
          lists.set(key, [...list, { all: seq, order, seq }]);
        }
      }
      for (const scope of ["*", "g", ""]) {
        for (const boot of ["a-0", "b-1", "c-2"]) {
          const had = lists.get(`${scope} ${boot}`) ?? [];
          const kept = had.filter(({ order }) => order >= sends.length - sendsMax);
          const answers = ledger.answer({ agent: boot.slice(0, 1), boot }, scope, 1, counts.get(scope) ?? 0);
          const resent = answers.flatMap((answer) => (answer.kind === "resend" ? [answer.dot.seq] : []));
          expect(resent).toEqual(kept.map(({ seq }) => seq));
          const isLost = answers.some((answer) => answer.kind === "nothing" && answer.lost);
          expect(isLost).toBe(had.length > kept.length);
        }
      }
    }),
    { numRuns: 500 },
  );
});
