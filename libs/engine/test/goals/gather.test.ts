import { NexusError } from "@nexus/contracts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { wantedOf } from "../../src/goals/gather.ts";
import { createFleet, type Member, ok, type Script, silent } from "../scripted-fleet.ts";

/**
 * Proves what a gather comes to, through the engine in virtual time: each `until`, each reason for a missing answer,
 * repeats, cancellation, and agents that go meanwhile.
 */

const value =
  (n: number): Script =>
  () => ({ value: n });
const three = { a: { script: value(1) }, b: { script: value(2) }, c: { script: value(4) } };
const ask = (more: object = {}) => ({ operation: "ask", ...more });

describe("until", () => {
  it.each<[string, object, Record<string, Member>, object]>([
    ["all: everybody", {}, three, { status: "completed", wanted: 3, ended: "condition", contributors: 3 }],
    ["all: one is silent", {}, { ...three, b: { script: silent } }, { status: "partial", ended: "deadline", contributors: 2 }],
    [
      "first(1)",
      { until: { first: 1 } },
      { ...three, b: { script: silent } },
      { status: "completed", wanted: 1, contributors: 1 },
    ],
    ["first(9) of 3", { until: { first: 9 } }, three, { status: "partial", wanted: 9, ended: "hopeless", contributors: 3 }],
    ["fraction(0.5)", { until: { fraction: 0.5 } }, three, { status: "completed", wanted: 2, contributors: 2 }],
    ["quorum", { until: "quorum" }, { ...three, c: { script: silent } }, { status: "completed", wanted: 2, ended: "condition" }],
    ["quorum that is missed", { until: "quorum" }, { a: {}, b: { script: silent } }, { status: "partial", wanted: 2 }],
  ])("%s", async (_, more, members, expected) => {
    const fleet = createFleet(members);
    const { report } = await fleet.run("gather", { goal: ask(more) });
    expect({ status: report?.status, ...report?.outcome }).toMatchObject(expected);
    await fleet.expectNothingLeft();
  });

  it("a fraction of those asked is rounded up, as in exact arithmetic", () => {
    const wrong: object[] = [];
    for (let percent = 1; percent <= 100; percent++) {
      for (let targeted = 1; targeted <= 200; targeted++) {
        const wanted = wantedOf({ fraction: percent / 100 }, targeted);
        if (wanted !== Math.ceil((percent * targeted) / 100)) wrong.push({ percent, targeted, wanted });
      }
    }
    expect(wrong).toEqual([]);
    const shares = fc.tuple(fc.integer({ min: 1, max: 10_000 }), fc.integer({ min: 1, max: 10_000 }));
    fc.assert(
      fc.property(shares, ([tenThousandths, targeted]) => {
        const exact = Math.ceil((tenThousandths * targeted) / 10_000);
        expect(wantedOf({ fraction: tenThousandths / 10_000 }, targeted)).toBe(exact);
      }),
    );
  });
});

describe("who is missing, and why", () => {
  it("each reason", async () => {
    const fleet = createFleet({
      ...{ fine: {}, slow: { script: silent }, suspect: { script: silent }, left: {}, dead: {}, leaving: { script: silent } },
      refused: { script: () => ({ status: "refused" }) },
      broken: { script: () => ({ status: "error" }) },
      expired: { script: () => ({ status: "expired" }) },
      dying: { script: silent },
    });
    fleet.table.bye("left", { v: 1, boot: "b" });
    const dead = fleet.table.get("dead");
    if (dead !== undefined) dead.state = "dead";
    const ids = ["fine", "slow", "suspect", "left", "dead", "leaving", "refused", "broken", "expired", "dying", "stranger"];
    const running = fleet.start("gather", { goal: ask(), agents: { ids } });
    await fleet.pass(100);
    fleet.die("dying");
    fleet.table.bye("leaving", { v: 1, boot: "b" });
    const suspect = fleet.table.get("suspect");
    if (suspect !== undefined) suspect.state = "suspect";
    const { report } = await fleet.ended(running);
    expect(Object.fromEntries((report?.agents.missing ?? []).map(({ agent, reason }) => [agent, reason]))).toEqual({
      ...{ slow: "slow", suspect: "suspect", left: "left", dead: "dead", leaving: "left", refused: "refused" },
      ...{ broken: "error", expired: "expired", dying: "dead", stranger: "not-sent" },
    });
    expect(report).toMatchObject({ status: "partial", executed: "some", agents: { targeted: 11, responded: 1 } });
    await fleet.expectNothingLeft();
  });

  it("not awaited any more is no fault of an agent", async () => {
    const fleet = createFleet({ a: { script: value(1) }, b: { script: silent } });
    const { report } = await fleet.run("gather", { goal: ask({ until: { first: 1 } }) });
    expect(report?.agents.missing).toMatchObject([{ agent: "b", reason: "unknown" }]);
  });

  it.each([
    ["everybody refused", "refused", "none"],
    ["everybody expired", "expired", "none"],
    ["everybody failed", "error", "all"],
  ] as const)("%s: executed is %s, %s", async (_, status, executed) => {
    const script: Script = () => ({ status });
    const { report } = await createFleet({ a: { script }, b: { script } }).run("gather", { goal: ask() });
    expect(report).toMatchObject({ status: "failed", executed, error: { code: "no-answer", executed } });
  });

  it("an answer that cannot be reduced is an error of its agent", async () => {
    const fleet = createFleet({ a: { script: value(5) }, b: { script: () => ({ value: "five" }) } });
    const { report } = await fleet.run("gather", { goal: ask({ reduce: { kind: "sum" } }) });
    expect(report).toMatchObject({ status: "partial", executed: "all", outcome: { value: 5, contributors: 1, unusable: 1 } });
    expect(report?.agents.missing).toMatchObject([
      { agent: "b", reason: "error", message: expect.stringMatching(/not a number/) },
    ]);
  });
});

describe("repeats", () => {
  it("the silent are asked again under the same id, bound to their boot, at most three times in all", async () => {
    const fleet = createFleet({ a: { script: silent }, b: {} });
    await fleet.run("gather", { goal: ask(), timeoutMs: 4_000 });
    const toA = fleet.heard.filter(({ agent }) => agent === "a");
    expect(toA.map(({ atMs, frame }) => [atMs, frame.boot])).toEqual([
      [0, undefined],
      [500, "b"],
      [1_500, "b"],
    ]);
    expect(new Set(toA.map(({ frame }) => frame.operationId)).size).toBe(1);
    expect(fleet.heard.filter(({ agent }) => agent === "b")).toHaveLength(1);
  });

  it("progress puts a repeat off, and never the deadline", async () => {
    const working = Array.from({ length: 30 }, (_, tick) => ({ afterMs: (tick + 1) * 200, progress: 0.1 }));
    const fleet = createFleet({ a: { script: () => working } });
    const { report } = await fleet.run("gather", { goal: ask(), timeoutMs: 4_000 });
    expect(fleet.heard).toHaveLength(1);
    expect(report).toMatchObject({ status: "failed", error: { code: "no-answer" } });
    expect(fleet.clock.monotonicMs()).toBe(4_000);
    expect(fleet.events.filter(({ event }) => event === "progress").length).toBeGreaterThan(15);
  });

  it("another life that refuses a repeat does not know what the first one did", async () => {
    const error = new NexusError("other-boot", "a repeat for a former life");
    const script: Script = (_, count) => (count === 1 ? undefined : { status: "refused", error });
    const { report } = await createFleet({ a: { script } }).run("gather", { goal: ask() });
    expect(report).toMatchObject({ status: "failed", executed: "unknown" });
    expect(report?.agents.missing).toEqual([{ agent: "a", reason: "dead" }]);
  });
});

describe("what happens meanwhile", () => {
  it("cancel tells the agents that have not answered, and fails whatever was reached", async () => {
    const fleet = createFleet({ a: { script: value(1) }, b: { script: silent } });
    const running = fleet.start("gather", { goal: ask() });
    await fleet.pass(50);
    running.cancel();
    const { report } = await fleet.ended(running);
    expect(report).toMatchObject({
      status: "failed",
      error: { code: "cancelled", executed: "some" },
      outcome: { ended: "cancelled" },
    });
    await fleet.pass(1);
    expect(fleet.cancelled).toEqual(["b"]);
    await fleet.expectNothingLeft();
  });

  it("an agent that goes is not waited for", async () => {
    const fleet = createFleet({ a: { script: value(1) }, b: { script: silent } });
    const running = fleet.start("gather", { goal: ask() });
    await fleet.pass(50);
    fleet.die("b");
    const { report } = await fleet.ended(running);
    expect(fleet.clock.monotonicMs()).toBe(50);
    expect(report).toMatchObject({ status: "partial", executed: "some", outcome: { ended: "hopeless" } });
    await fleet.expectNothingLeft();
  });

  it("an answer after the end is late, and counts for nothing", async () => {
    const fleet = createFleet({ a: { script: value(1) }, b: { script: () => ({ value: 2, afterMs: 700 }) } });
    const { report } = await fleet.run("gather", { goal: ask(), timeoutMs: 600 });
    expect(report?.outcome).toMatchObject({ contributors: 1 });
    await fleet.pass(200);
    expect(fleet.dispatcher.late).toBeGreaterThanOrEqual(1);
    expect(report?.outcome).toMatchObject({ contributors: 1 });
  });

  it("a dry run asks nobody", async () => {
    const fleet = createFleet({ a: { script: ok } });
    const { report, decision, executed } = await fleet.run("gather", { goal: ask(), dryRun: true });
    expect({ report, executed, attempts: decision.attempts }).toEqual({ report: undefined, executed: "none", attempts: [] });
    expect(fleet.heard).toEqual([]);
  });
});

describe("targets (E1)", () => {
  it.each([
    ["a group that nobody is in", { group: "nobody" }, "ask", "agents"],
    ["ids that nobody has", { ids: ["x"] }, "ask", "agents"],
    ["an operation that nobody offers", { all: true }, "no-such", "goal.operation"],
  ])("%s: no-targets", (_, agents, operation, field) => {
    const fleet = createFleet({ a: {} });
    expect(() => fleet.start("gather", { goal: { operation }, agents })).toThrow(
      expect.objectContaining({ code: "no-targets", field }),
    );
  });
});
