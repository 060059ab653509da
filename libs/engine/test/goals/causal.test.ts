import { describe, expect, it } from "vitest";
import { rungs } from "../../src/index.ts";
import { tableDefaults } from "../../src/table/routing-table.ts";
import { createFleet, type Script, silent } from "../scripted-fleet.ts";

/**
 * Proves causal order through the engine in virtual time (K1–K4): steps, coordinated ones included, what becomes of those
 * behind a failure, and that nothing of a run goes on after its end. The order over all graphs is in causal-order.property.
 */

const step = (more: object = {}) => ({ type: "broadcast", operation: "ask", ...more });
const causal = (...operations: object[]) => ({ goal: { operations } });
const later: Script = () => ({ afterMs: 100, value: 1 });
const refuses: Script = () => ({ status: "refused" });

describe("order", () => {
  it("K1: a step waits for every agent of the one before; by default that is the step before", async () => {
    const fleet = createFleet({ a: { script: later }, b: {} });
    const { report } = await fleet.run("causal", causal(step(), step(), step()));
    expect(fleet.order()).toEqual(["a 0", "b 0", "a 1", "b 1", "a 2", "b 2"]);
    expect(fleet.heard.map(({ atMs }) => atMs)).toEqual([0, 0, 100, 100, 200, 200]);
    expect(report).toMatchObject({ status: "completed", executed: "all", outcome: { ended: "condition" } });
    await fleet.expectNothingLeft();
  });

  it("K3: independent steps run at once, and one behind both waits for both", async () => {
    const slower: Script = ({ frame }) => ({ afterMs: frame.operationId.endsWith("/1") ? 300 : 100 });
    const fleet = createFleet({ a: { script: slower } });
    await fleet.run("causal", causal(step(), step({ after: [] }), step({ after: [0, 1] })));
    expect(fleet.heard.map(({ atMs }) => atMs)).toEqual([0, 0, 300]);
  });

  it("a coordinated step asks its coordinator first, and hands its answer to the others", async () => {
    const script: Script = ({ agent }) => ({ value: `of ${agent}`, afterMs: 50 });
    const fleet = createFleet({ a: { script }, b: { script }, c: { script } });
    const { report } = await fleet.run("causal", causal(step({ type: "coordinated", coordinator: "b" }), step()));
    expect(fleet.order()).toEqual(["b 0", "a 0", "c 0", "a 1", "b 1", "c 1"]);
    expect(fleet.heard.slice(0, 3).map(({ frame }) => frame.coordination)).toEqual([
      undefined,
      { coordinator: "b", answer: "of b" },
      { coordinator: "b", answer: "of b" },
    ]);
    expect(report?.outcome).toMatchObject({ operations: [{ status: "completed", targeted: 3, responded: 3 }, {}] });
  });

  it("a coordinator from outside of the request's agents is asked as well", async () => {
    const fleet = createFleet({ a: { groups: ["g"] }, boss: {} });
    const coordinated = step({ type: "coordinated", coordinator: "boss" });
    const { report } = await fleet.run("causal", { ...causal(coordinated), agents: { group: "g" } });
    expect(fleet.order()).toEqual(["boss 0", "a 0"]);
    expect(report?.status).toBe("completed");
  });
});

describe("behind a failure (K2)", () => {
  it.each<[string, Script]>([
    ["refuses", refuses],
    ["fails", () => ({ status: "error" })],
    ["is silent", silent],
  ])("a step of which one agent %s has no successor", async (_, script) => {
    const fleet = createFleet({ a: {}, b: { script } });
    const { report } = await fleet.run("causal", causal(step(), step(), step({ after: [1] })));
    expect(fleet.order().filter((line) => !line.endsWith(" 0"))).toEqual([]);
    expect(report).toMatchObject({
      ...{ status: "failed", executed: "some" },
      outcome: { operations: [{ status: "partial", responded: 1 }, { status: "not-run" }, { status: "not-run" }] },
    });
    await fleet.expectNothingLeft();
  });

  it("what does not depend on it runs, and the goal is reached in part", async () => {
    const fleet = createFleet({ a: {}, b: { script: refuses, operations: ["ask"] } });
    const toA = { type: "targeted", agents: { ids: ["a"] } };
    const { report } = await fleet.run("causal", causal(step(), step({ ...toA, after: [] }), step({ ...toA, after: [1] })));
    expect(report).toMatchObject({ status: "partial", error: { code: "incomplete" }, outcome: { ended: "hopeless" } });
    expect(report?.agents).toMatchObject({ targeted: 2, responded: 1, missing: [{ agent: "b", reason: "refused" }] });
  });

  it("a coordinator that fails leaves the others unasked", async () => {
    const fleet = createFleet({ a: {}, boss: { script: refuses } });
    const { report } = await fleet.run("causal", causal(step({ type: "coordinated", coordinator: "boss" })));
    expect(fleet.order()).toEqual(["boss 0"]);
    expect(report?.agents.missing).toEqual([
      { agent: "boss", reason: "refused" },
      { agent: "a", reason: "not-sent" },
    ]);
  });

  it("one that nobody knows is refused before anything is sent", () => {
    const fleet = createFleet({ a: {} });
    expect(() => fleet.start("causal", causal(step({ type: "coordinated", coordinator: "nobody" }), step()))).toThrow(
      expect.objectContaining({ code: "no-targets", field: "goal.operations.0.coordinator" }),
    );
  });

  it("one that was forgotten since leaves the others unasked: an effect without its cause would break the promise", async () => {
    const fleet = createFleet({ a: {}, boss: { operations: ["ask"] } });
    const goal = causal(step({ type: "coordinated", coordinator: "boss" }), step());
    const plan = fleet.planOf("causal", { agents: { ids: ["a"] }, ...goal });
    fleet.table.bye("boss", { v: 1, boot: "b" });
    fleet.table.expire(tableDefaults.forgetAfterMs + 1);
    const { report } = await fleet.ended(fleet.engine.start(plan));
    expect(fleet.order()).toEqual([]);
    expect(report).toMatchObject({ status: "failed", executed: "none", outcome: { operations: [{ status: "not-run" }, {}] } });
  });

  it("an agent of a step that nobody knows holds back what comes after", async () => {
    const fleet = createFleet({ a: {} });
    const targeted = step({ type: "targeted", agents: { ids: ["a", "nobody"] } });
    const { report } = await fleet.run("causal", causal(targeted, step()));
    expect(fleet.order()).toEqual(["a 0"]);
    expect(report?.outcome).toMatchObject({ operations: [{ status: "partial", targeted: 2 }, { status: "not-run" }] });
  });

  it("a step that is for nobody at all is refused before anything is sent", async () => {
    const fleet = createFleet({ a: {} });
    const nobody = step({ type: "targeted", agents: { group: "nobody" } });
    expect(() => fleet.start("causal", causal(step(), nobody))).toThrow(
      expect.objectContaining({ code: "no-targets", field: "goal.operations.1.agents" }),
    );
  });
});

describe("the end", () => {
  it("cancel stops what runs and begins nothing new", async () => {
    const fleet = createFleet({ a: { script: later }, b: { script: silent } });
    const running = fleet.start("causal", causal(step(), step()));
    await fleet.pass(150);
    running.cancel();
    const { report } = await fleet.ended(running);
    await fleet.pass(500);
    expect(fleet.cancelled).toEqual(["b"]);
    expect(fleet.order()).toEqual(["a 0", "b 0"]);
    expect(report).toMatchObject({ error: { code: "cancelled" }, outcome: { ended: "cancelled" } });
    await fleet.expectNothingLeft();
  });

  it("an agent that dies is not waited for", async () => {
    const fleet = createFleet({ a: {}, b: { script: silent } });
    const running = fleet.start("causal", causal(step(), step()));
    await fleet.pass(20);
    fleet.die("b");
    const { report } = await fleet.ended(running);
    expect(fleet.clock.monotonicMs()).toBe(20);
    expect(report?.agents.missing).toContainEqual({ agent: "b", reason: "dead" });
  });

  it("the deadline is one for all steps", async () => {
    const fleet = createFleet({ a: { script: () => ({ afterMs: 400 }) } });
    const { report } = await fleet.run("causal", { ...causal(step(), step(), step()), timeoutMs: 1_000 });
    expect(fleet.clock.monotonicMs()).toBe(1_000);
    expect(report?.outcome).toMatchObject({
      ...{ ended: "deadline" },
      operations: [{ status: "completed" }, { status: "completed" }, { status: "failed" }],
    });
  });
});

describe("a fault of publishing", () => {
  it("ends every step with the attempt: nothing is published behind the end (K4)", async () => {
    const fault = (_: string, frame: object) => "operationId" in frame && String(frame.operationId).endsWith("/1");
    const fleet = createFleet({ a: { script: later } }, { fault });
    const { error, decision } = await fleet.run("causal", causal(step(), step({ after: [] }), step({ after: [0] })));
    expect(error).toMatchObject({ code: "disconnected" });
    expect(decision.attempts).toHaveLength(1);
    expect(fleet.clock.monotonicMs()).toBe(0);
    await fleet.expectNothingLeft();
    await fleet.pass(1_000);
    expect(fleet.order()).toEqual(["a 0"]);
  });

  it("is taken over by a rung that keeps the order, which asks nobody again who has answered", async () => {
    let broken = true;
    const fault = (agent: string, frame: object) => {
      const fails = broken && agent === "b" && "operationId" in frame && String(frame.operationId).endsWith("/1");
      if (fails) broken = false;
      return fails;
    };
    const [foundation] = rungs;
    if (foundation === undefined) throw new Error("there is no foundation");
    const second = { ...foundation, strategy: "second" };
    const fleet = createFleet({ a: { script: later }, b: { script: later } }, { fault, rungs: [foundation, second] });
    const { report, decision } = await fleet.run("causal", causal(step(), step(), step()));
    expect(decision.attempts.map(({ strategy }) => strategy)).toEqual(["foundation", "second"]);
    expect(report?.status).toBe("completed");
    expect(fleet.order()).toEqual(["a 0", "b 0", "a 1", "b 1", "a 2", "b 2"]);
    await fleet.expectNothingLeft();
  });
});
