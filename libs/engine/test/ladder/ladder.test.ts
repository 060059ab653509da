import { NexusError } from "@nexus/contracts";
import { noTelemetry, silentLogger } from "@nexus/ports";
import { describe, expect, it } from "vitest";
import { rungs } from "../../src/index.ts";
import { walkDown } from "../../src/ladder/ladder.ts";
import { createFleet, type Script, silent } from "../scripted-fleet.ts";

/**
 * Proves the walk down, in virtual time: a fault of the mechanism hands over what was achieved, a slow agent is none, nobody
 * who answered is asked again, nothing descends after an unacknowledged publish, and the record tells each attempt.
 */

const ask = { operation: "ask" };
/** Publishing to the agent fails the first time that `when` holds. */
function failingOnce(agent: string, when: () => boolean = () => true) {
  let failed = false;
  return (to: string): boolean => {
    if (failed || to !== agent || !when()) return false;
    failed = true;
    return true;
  };
}

describe("a fault hands over what was achieved", () => {
  it("a gather: who answered before the fault is not asked again, who did not is, under the same id", async () => {
    // `a` answers at once. `b` is silent until it is asked again; publishing to it then fails.
    const late: Script = (_, count) => (count === 1 ? undefined : { value: 10 });
    const clock = { nowMs: () => 0 };
    const fault = failingOnce("b", () => clock.nowMs() > 0);
    const fleet = createFleet({ a: { script: () => ({ value: 1 }) }, b: { script: late } }, { fault });
    clock.nowMs = () => fleet.clock.monotonicMs();
    const { report, decision } = await fleet.run("gather", { goal: { ...ask, reduce: { kind: "sum" } }, timeoutMs: 4_000 });
    expect(fleet.heard.map(({ agent, atMs }) => [agent, atMs])).toEqual([
      ["a", 0],
      ["b", 0],
      ["b", 500],
    ]);
    expect(new Set(fleet.heard.map(({ frame }) => frame.operationId)).size).toBe(1);
    expect(report).toMatchObject({ status: "completed", outcome: { value: 11, contributors: 2 } });
    expect(decision).toMatchObject({ layer: "emergency", strategy: "round-robin" });
    expect(decision.attempts).toMatchObject([
      { strategy: "foundation", startedMs: 0, durationMs: 500, messages: 2, answers: 1, error: { code: "disconnected" } },
      {
        strategy: "round-robin",
        startedMs: 500,
        durationMs: 0,
        messages: 1,
        answers: 1,
        why: "the rung above failed: disconnected",
      },
    ]);
    expect(decision.costs).toMatchObject({ foundation: { messages: 2 }, emergency: { messages: 1 } });
    await fleet.expectNothingLeft();
  });

  it("a vote: a ballot that was cast before the fault counts once", async () => {
    const members = { a: { script: () => ({ value: "for" }) }, b: { script: () => ({ value: "for" }) } };
    const fleet = createFleet(members, { fault: failingOnce("b") });
    const { report } = await fleet.run("consensus", { goal: { ...ask, vote: { rule: "unanimous" } } });
    expect(report?.outcome).toMatchObject({ decision: "accepted", for: 2, electorate: 2 });
  });

  it("a balance: no piece goes to a second agent", async () => {
    let publishes = 0;
    const fleet = createFleet({ a: {}, b: {}, c: {} }, { fault: () => ++publishes === 4 });
    const { report, decision } = await fleet.run("balance", { goal: { ...ask, pieces: [1, 2, 3, 4, 5, 6] } });
    expect(report).toMatchObject({ status: "completed", outcome: { done: 6, ended: "everyone" } });
    expect(decision.attempts).toHaveLength(2);
    const holders = new Map<string, Set<string>>();
    for (const { agent, frame } of fleet.heard) {
      holders.set(frame.operationId, (holders.get(frame.operationId) ?? new Set()).add(agent));
    }
    expect([...holders.values()].map((agents) => agents.size)).toEqual([1, 1, 1, 1, 1, 1]);
    await fleet.expectNothingLeft();
  });
});

describe("what is no fault, or has no rung below", () => {
  it("a slow agent is a missing answer", async () => {
    const fleet = createFleet({ a: { script: silent }, b: { script: silent } });
    const { report, decision } = await fleet.run("gather", { goal: ask, timeoutMs: 150 });
    expect(decision.attempts).toHaveLength(1);
    expect(report).toMatchObject({ status: "failed", executed: "unknown", error: { code: "no-answer" } });
    expect(report?.agents.missing.map(({ reason }) => reason)).toEqual(["slow", "slow"]);
    await fleet.expectNothingLeft();
  });

  it("after an unacknowledged publish there is no descent", async () => {
    const fleet = createFleet({ a: {}, b: {} }, { fault: failingOnce("b") });
    const { decision, error } = await fleet.run("broadcast", { goal: { ...ask, ack: "none" } });
    expect(decision.attempts).toHaveLength(1);
    expect(error).toMatchObject({ code: "disconnected" });
  });

  it("a bus that is away fails every rung; whatever was sent is not known, and nothing is left", async () => {
    const fleet = createFleet({ a: {}, b: {} }, { fault: (agent) => agent === "b" });
    const { error, executed, decision, report } = await fleet.run("balance", { goal: { ...ask, pieces: [1, 2, 3] } });
    expect(decision.attempts.map(({ error: fault }) => fault?.code)).toEqual(["disconnected", "disconnected"]);
    expect(error?.executed).toBe(executed);
    expect(report?.rows).toHaveLength(3);
    await fleet.expectNothingLeft();
  });

  it("a defect ends the walk: no other rung could be trusted with what it left", async () => {
    const fleet = createFleet(
      { a: {} },
      {
        fault: () => {
          throw new TypeError("a defect for the test");
        },
      },
    );
    const { decision, error } = await fleet.run("gather", { goal: ask });
    expect(decision.attempts).toHaveLength(1);
    expect(error).toMatchObject({ code: "internal", message: expect.stringContaining("a defect for the test") });
    await fleet.expectNothingLeft();
  });

  it("no attempt begins behind the deadline", async () => {
    const fleet = createFleet({ a: {} });
    const plan = fleet.planOf("gather", { goal: ask, timeoutMs: 1_000 });
    const run = {
      attempt: async () => {
        fleet.clock.advance(1_000);
        throw new NexusError("disconnected", "too late");
      },
      ...{ agentGone() {}, cancel() {}, canDescend: () => true, report: () => expect.fail() },
    };
    const walk = await walkDown(plan, run, rungs, { clock: fleet.clock, logger: silentLogger, telemetry: noTelemetry });
    expect(walk.attempts).toHaveLength(1);
    expect(walk.error).toMatchObject({ code: "disconnected" });
  });
});

describe("which rungs", () => {
  it("a causal goal is refused where only the last resort is allowed: it could not keep the order", () => {
    const fleet = createFleet({ a: {} });
    const goal = { operations: [{ type: "broadcast", operation: "ask" }] };
    expect(() => fleet.start("causal", { goal, maxLayer: "emergency" })).toThrow(
      expect.objectContaining({ code: "promise-not-kept", field: "maxLayer" }),
    );
  });

  it("the last resort alone, where that is asked for: one message each, no repeats", async () => {
    const fleet = createFleet({ a: {}, b: { script: silent } }, { rungs });
    const { decision, report } = await fleet.run("gather", { goal: ask, maxLayer: "emergency" });
    expect(decision).toMatchObject({ layer: "emergency", strategy: "round-robin", ceiling: { by: "request" } });
    expect(report?.status).toBe("partial");
    expect(fleet.heard).toHaveLength(2);
  });

  it("a rung that needs a permission is passed over without it", async () => {
    const [foundation] = rungs;
    if (foundation === undefined) throw new Error("there is no foundation");
    const needs = { keeps: [], needs: ["partial"] } as const;
    const sampling = { ...foundation, layer: "performance" as const, strategy: "async", goals: { gather: needs } };
    const strategies = await Promise.all(
      [[], ["partial"]].map(async (degrade) => {
        const fleet = createFleet({ a: {} }, { rungs: [sampling, foundation] });
        return (await fleet.run("gather", { goal: ask, degrade })).decision.strategy;
      }),
    );
    expect(strategies).toEqual(["foundation", "async"]);
  });
});
