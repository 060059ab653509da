import type { JsonValue } from "@nexus/contracts";
import { describe, expect, it } from "vitest";
import { createFleet, type Member, type Script, silent } from "../scripted-fleet.ts";

/**
 * Proves what a vote comes to, through the engine in virtual time: ballots and what is none, silence that could still tip the
 * decision, and that an undecided vote never passes for a weaker yes.
 */

const says =
  (value: JsonValue, afterMs = 0): Script =>
  () => ({ value, afterMs });
const member = (value: JsonValue): Member => ({ script: says(value) });
const mute: Member = { script: silent };
const vote = (rule: object = { rule: "majority" }) => ({ goal: { operation: "ask", vote: rule } });

describe("decisions", () => {
  it.each<[string, object, Record<string, Member>, object]>([
    [
      "majority for",
      { rule: "majority" },
      { a: member("for"), b: member("for"), c: member("against") },
      { decision: "accepted" },
    ],
    ["majority against", { rule: "majority" }, { a: member("for"), b: member("against") }, { decision: "rejected" }],
    [
      "a tie that accepts",
      { rule: "majority", ties: "accept" },
      { a: member("for"), b: member("against") },
      { decision: "accepted" },
    ],
    [
      "ballots in an object",
      { rule: "unanimous" },
      { a: member({ vote: "for" }), b: member("for") },
      { decision: "accepted", for: 2 },
    ],
    ["one against the unanimous", { rule: "unanimous" }, { a: member("for"), b: member("against") }, { decision: "rejected" }],
    [
      "a quorum of votes",
      { rule: "quorum", quorum: 2 },
      { a: member("for"), b: member("for"), c: mute },
      { decision: "accepted" },
    ],
    [
      "weights",
      { rule: "weighted", weights: { a: 5 } },
      { a: member("for"), b: member("against"), c: mute },
      { decision: "accepted" },
    ],
    [
      "abstainers that are left out",
      { rule: "majority", abstentions: "ignore" },
      { a: member("for"), b: member("abstain"), c: member("abstain") },
      { decision: "accepted", abstained: 2 },
    ],
  ])("%s", async (_, rule, members, expected) => {
    const fleet = createFleet(members);
    const { report } = await fleet.run("consensus", vote(rule));
    expect({ status: report?.status, ...report?.outcome }).toMatchObject({ status: "completed", ...expected });
    await fleet.expectNothingLeft();
  });

  it("ends as soon as no further ballot can change it", async () => {
    const members = { a: member("for"), b: member("for"), c: { script: says("against", 900) } };
    const fleet = createFleet(members);
    const { report } = await fleet.run("consensus", vote());
    expect(fleet.clock.monotonicMs()).toBe(0);
    expect(report).toMatchObject({ outcome: { decision: "accepted", ended: "condition", for: 2, electorate: 3 } });
  });
});

describe("without a quorum", () => {
  it.each<[string, Record<string, Member>]>([
    ["the silent could tip it", { a: member("for"), b: mute }],
    ["who refuses stays in the electorate", { a: member("for"), b: { script: () => ({ status: "refused" }) } }],
    ["who fails stays in the electorate", { a: member("for"), b: { script: () => ({ status: "error" }) } }],
  ])("%s", async (_, members) => {
    const { report } = await createFleet(members).run("consensus", { ...vote(), degrade: ["partial"] });
    expect(report).toMatchObject({ status: "failed", executed: expect.any(String), error: { code: "no-quorum" } });
    expect(report?.outcome).toMatchObject({ decision: "undecided", for: 1, electorate: 2 });
  });

  it("what is no ballot is an error of its agent, and no vote", async () => {
    const { report } = await createFleet({ a: member("for"), b: member("yes") }).run("consensus", vote());
    expect(report).toMatchObject({ status: "failed", executed: "all", error: { code: "no-quorum" } });
    expect(report?.agents.missing).toMatchObject([{ agent: "b", reason: "error" }]);
    expect(report?.rows[1]).toMatchObject({ agent: "b", status: "error", error: { code: "invalid-field" } });
  });

  it("strangers, and those whom nobody knows, vote as the silent do", async () => {
    const fleet = createFleet({ a: member("for"), b: mute });
    const running = fleet.start("consensus", { ...vote(), agents: { ids: ["a", "b", "unknown"] } });
    await fleet.pass(10);
    fleet.say("stranger", `${fleet.heard[0]?.frame.operationId}`, { value: "for" });
    const { report } = await fleet.ended(running);
    expect(report).toMatchObject({ error: { code: "no-quorum" }, agents: { extra: 1 } });
    expect(report?.outcome).toMatchObject({ for: 1, electorate: 3 });
  });

  it("cancelled is cancelled", async () => {
    const fleet = createFleet({ a: member("for"), b: mute });
    const running = fleet.start("consensus", vote());
    await fleet.pass(10);
    running.cancel();
    expect((await fleet.ended(running)).report).toMatchObject({ status: "failed", error: { code: "cancelled" } });
    await fleet.expectNothingLeft();
  });
});

it.each([
  ["a commit", { operation: "ask", commit: true }],
  ["a vote to be committed", { operation: "ask", vote: { rule: "majority" }, commit: true }],
])("%s is refused, and asks nobody", async (_, goal) => {
  const fleet = createFleet({ a: member("for") });
  expect(() => fleet.start("consensus", { goal })).toThrow(
    expect.objectContaining({ code: "not-implemented", field: "goal.commit" }),
  );
  await fleet.pass(10);
  expect(fleet.heard).toEqual([]);
});
