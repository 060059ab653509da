import { describe, expect, it } from "vitest";
import { createFleet, type Member, silent } from "../scripted-fleet.ts";

/** Proves what a broadcast comes to, through the engine in virtual time: each `ack`, and who is named as missing. */

const refusing: Member = { script: () => ({ status: "refused" }) };
const mute: Member = { script: silent };

describe("acknowledgements", () => {
  it.each<[string, string | undefined, Record<string, Member>, object]>([
    ["each, by default", undefined, { a: {}, b: {} }, { status: "completed", ack: "each", acknowledged: 2, wanted: 2 }],
    ["each, and one is silent", "each", { a: {}, b: mute }, { status: "partial", acknowledged: 1, ended: "deadline" }],
    ["each, and one refuses", "each", { a: {}, b: refusing }, { status: "partial", acknowledged: 1, ended: "hopeless" }],
    ["quorum", "quorum", { a: {}, b: {}, c: mute }, { status: "completed", acknowledged: 2, wanted: 2, ended: "condition" }],
    ["half is no quorum", "quorum", { a: {}, b: refusing }, { status: "partial", acknowledged: 1, wanted: 2 }],
    ["nobody", "quorum", { a: refusing }, { status: "failed", acknowledged: 0 }],
  ])("%s", async (_, ack, members, expected) => {
    const fleet = createFleet(members);
    const goal = { operation: "ask", ...(ack === undefined ? {} : { ack }) };
    const { report } = await fleet.run("broadcast", { goal });
    expect({ status: report?.status, ...report?.outcome }).toMatchObject(expected);
    await fleet.expectNothingLeft();
  });

  it("carries the answers in its rows", async () => {
    const { report } = await createFleet({ a: { script: () => ({ value: { n: 1 } }) } }).run("broadcast", {
      goal: { operation: "ask" },
    });
    expect(report?.rows).toEqual([{ agent: "a", status: "ok", value: { n: 1 } }]);
  });
});

describe("without acknowledgement", () => {
  const goal = { operation: "ask", ack: "none" };

  it("is done when everything is published: nothing is awaited, whether it ran is not known", async () => {
    const fleet = createFleet({ a: {}, b: mute });
    const { report } = await fleet.run("broadcast", { goal });
    expect(fleet.clock.monotonicMs()).toBe(0);
    expect(report).toMatchObject({
      status: "completed",
      executed: "unknown",
      agents: { targeted: 2, responded: 0, missing: [] },
    });
    expect(fleet.heard.map(({ frame }) => frame.reply)).toEqual([false, false]);
    await fleet.expectNothingLeft();
  });

  it("names those to whom nothing was published", async () => {
    const fleet = createFleet({ a: {}, gone: {} });
    fleet.table.bye("gone", { v: 1, boot: "b" });
    const { report } = await fleet.run("broadcast", { goal, agents: { ids: ["a", "gone", "stranger"] } });
    expect(report?.agents.missing).toMatchObject([
      { agent: "gone", reason: "left" },
      { agent: "stranger", reason: "not-sent" },
    ]);
  });

  it("names them, too, where publishing broke off: those before had it, and nothing descends", async () => {
    const fleet = createFleet({ a: {}, b: {}, c: {} }, { fault: (agent) => agent === "b" });
    const { report, decision, error } = await fleet.run("broadcast", { goal });
    expect(error).toMatchObject({ code: "disconnected", executed: "unknown" });
    expect(decision.attempts).toHaveLength(1);
    expect(report?.agents.missing).toEqual([
      { agent: "b", reason: "not-sent" },
      { agent: "c", reason: "not-sent" },
    ]);
    expect(fleet.heard.map(({ agent }) => agent)).toEqual(["a"]);
  });

  it("descends where nothing was published yet", async () => {
    let broken = true;
    const fault = () => {
      const fails = broken;
      broken = false;
      return fails;
    };
    const fleet = createFleet({ a: {}, b: {} }, { fault });
    const { report, decision } = await fleet.run("broadcast", { goal });
    expect(decision.attempts.map(({ strategy }) => strategy)).toEqual(["foundation", "round-robin"]);
    expect(report?.status).toBe("completed");
  });
});
