import { limits, type OutcomeOf } from "@nexus/contracts";
import { decodeToken, dotLimits, encodeToken, tokenLimits, VectorClock } from "@nexus/core-clocks";
import { noTelemetry } from "@nexus/ports";
import { describe, expect, it } from "vitest";
import { createFleet, type Fleet, helloOf, type Member, type Script, silent } from "../scripted-fleet.ts";

/**
 * Proves the order of causal goals among each other, in virtual time: places in frames, clocks and who is concurrent by them,
 * tokens and what they make whom wait for (K5), gaps in the result, hostile tokens. That agents keep to it is proved in
 * @nexus/agent, and for both together in causal-requests.property.
 */

const step = (more: object = {}) => ({ type: "broadcast", operation: "ask", ...more });
const to = (...ids: string[]) => step({ type: "targeted", agents: { ids } });
const later: Script = () => ({ afterMs: 100, value: 1 });

async function causal(fleet: Fleet, operations: object[], more: object = {}) {
  const { after, ...rest } = more as { after?: string };
  const goal = { operations, ...(after === undefined ? {} : { after }) };
  const running = fleet.start("causal", { goal, timeoutMs: 1_000, ...rest }, fleet.ids.requestId());
  const { report } = await fleet.ended(running);
  if (report === undefined) throw new Error("nothing was run");
  const outcome = report.outcome as OutcomeOf<"causal">;
  return { report, outcome, token: outcome.token ?? "" };
}
const keeping = (...ids: string[]): Record<string, Member> => Object.fromEntries(ids.map((id) => [id, { causal: true }]));
const placesOf = ({ heard }: Fleet) => heard.map(({ agent, frame: { causal: place } }) => ({ agent, ...place }));

describe("places", () => {
  it("are counted by scope, and each agent is told which send of the scope it had before", async () => {
    const fleet = createFleet({ a: { groups: ["g"], labels: { zone: "x" } }, b: {} });
    const inGroup = step({ agents: { group: "g" } });
    await causal(fleet, [step(), inGroup, step(), to("b")]);
    await causal(fleet, [step({ type: "coordinated", coordinator: "b" })]);
    await causal(fleet, [step()], { agents: { labels: { zone: "x" } } });
    expect(placesOf(fleet)).toEqual([
      { agent: "a", scope: "*", seq: 1, before: 0 },
      { agent: "b", scope: "*", seq: 1, before: 0 },
      { agent: "a", scope: "g", seq: 1, before: 0 },
      { agent: "a", scope: "*", seq: 2, before: 1 },
      { agent: "b", scope: "*", seq: 2, before: 1 },
      { agent: "b", scope: "", seq: 1, before: 0 },
      { agent: "b", scope: "", seq: 2, before: 1 },
      { agent: "a", scope: "", seq: 3, before: 0 },
      { agent: "a", scope: "", seq: 4, before: 3 },
    ]);
    expect(fleet.heard.map(({ frame }) => frame.boot)).toEqual(fleet.heard.map(() => "b"));
  });

  it("are the same in a repeat", async () => {
    const fleet = createFleet({ a: { script: (_, count) => (count === 1 ? undefined : {}) } });
    await causal(fleet, [step()]);
    expect(placesOf(fleet)).toEqual(Array(2).fill({ agent: "a", scope: "*", seq: 1, before: 0 }));
  });

  it("whoever joins late starts where it joined", async () => {
    const fleet = createFleet({ a: {} });
    await causal(fleet, [step(), step()]);
    fleet.add("late", {});
    await causal(fleet, [step(), step()]);
    expect(placesOf(fleet).filter(({ agent }) => agent === "late")).toEqual([
      { agent: "late", scope: "*", seq: 3, before: 0 },
      { agent: "late", scope: "*", seq: 4, before: 3 },
    ]);
  });

  it("other goals have none", async () => {
    const fleet = createFleet({ a: {} });
    await fleet.run("broadcast", { goal: { operation: "ask" } });
    expect(Object.keys(fleet.heard[0]?.frame ?? {}).filter((field) => field === "causal" || field === "boot")).toEqual([]);
  });
});

describe("clocks", () => {
  it("show what came before what, and what was concurrent", async () => {
    const fleet = createFleet({ a: { script: later }, b: { script: later } });
    const { outcome } = await causal(fleet, [step(), step({ after: [] }), step({ after: [0, 1] }), step({ after: [0] })]);
    expect(outcome.operations.map(({ clock, concurrent, gaps }) => [clock, concurrent, gaps])).toEqual([
      ["router:1", [1], 0],
      ["router:1.1", [0, 3], 0],
      ["router:1,1.2", [3], 0],
      ["router:2", [1, 2], 0],
    ]);
  });

  it("go on with a token's, and its own is the merge of all that was run", async () => {
    const fleet = createFleet({ a: { script: later } });
    const first = await causal(fleet, [step(), step({ after: [] })]);
    expect(decodeToken(first.token)).toEqual({ clock: VectorClock.decode("router:1,1.1"), pending: [] });
    const elsewhere = encodeToken({ clock: VectorClock.decode("other:7"), pending: [] });
    const second = await causal(fleet, [step()], { after: elsewhere });
    expect(second.outcome.operations[0]?.clock).toBe("other:7;router:2");
    expect(second.token).toBe("c1|other:7;router:2||.");
  });

  it("what was not run has none, and a request of which nothing was run has no token", async () => {
    const fleet = createFleet({ a: { script: silent }, b: { causal: true } });
    const { outcome } = await causal(fleet, [to("a"), to("b")]);
    expect(outcome.operations[1]).toEqual({
      index: 1,
      operation: "ask",
      after: [0],
      status: "not-run",
      targeted: 1,
      responded: 0,
    });
    const plan = fleet.planOf("causal", { goal: { operations: [to("b")] } }, fleet.ids.requestId());
    fleet.table.bye("b", { v: 1, boot: "b" });
    const { report } = await fleet.ended(fleet.engine.start({ ...plan, targets: fleet.engine.targetsOf(plan.request) }));
    expect(report?.outcome).not.toHaveProperty("token");
  });

  it("a dry run takes no place and has no token", async () => {
    const fleet = createFleet({ a: {} });
    const { planned } = await fleet.ended(fleet.start("causal", { goal: { operations: [step()] }, dryRun: true }));
    expect(planned?.targeted).toBe(1);
    await causal(fleet, [step()]);
    expect(placesOf(fleet)).toMatchObject([{ seq: 1 }]);
  });
});

describe("tokens", () => {
  it("name who has not run what it was sent, and who was not sent it is not in them", async () => {
    const scripts: Record<string, Script> = {
      done: () => ({}),
      failed: () => ({ status: "error" }),
      refused: () => ({ status: "refused" }),
      silent,
    };
    const fleet = createFleet(Object.fromEntries(Object.entries(scripts).map(([id, script]) => [id, { script }])));
    fleet.add("gone", {});
    fleet.table.bye("gone", { v: 1, boot: "b" });
    const { token } = await causal(fleet, [to("done", "failed", "refused", "silent", "gone")]);
    expect(token).toBe("c1|router:1|router//1/refused,silent|.");
  });

  it("K5: what is unanswered goes before all of a later request, at those who have not answered it alone", async () => {
    const slow: Script = ({ frame }, count) => (count <= 3 || frame.operationId.endsWith("/2") ? undefined : { afterMs: 10 });
    const fleet = createFleet({ ...keeping("a", "b"), slow: { causal: true, script: slow } });
    const { token } = await causal(fleet, [step()]);
    expect(token).toBe("c1|router:1|router/*/1/slow|.");
    fleet.heard.length = 0;
    const second = await causal(fleet, [step(), step()], { after: token });
    const after = [{ session: "router", scope: "*", seq: 1 }];
    expect(placesOf(fleet).filter((place) => place.after !== undefined)).toEqual([
      { agent: "slow", scope: "*", seq: 2, before: 1, after },
    ]);
    // Who has run something behind it has nothing more to wait for.
    expect(second.token).toBe("c1|router:3||.");
  });

  it("what agents are too many to be named is heeded by all", async () => {
    const fleet = createFleet({ ...keeping("a") });
    const token = encodeToken({ clock: VectorClock.zero, pending: [{ session: "r", scope: "g", seq: 1, agents: undefined }] });
    const { token: next } = await causal(fleet, [step()], { after: token });
    expect(placesOf(fleet)).toMatchObject([{ after: [{ session: "r", scope: "g", seq: 1 }] }]);
    expect(decodeToken(next).pending).toEqual(decodeToken(token).pending);
  });

  it("name hundreds of agents, so that others need not heed what these have not answered", async () => {
    const silentOnes = Array.from({ length: 300 }, (_, at) => [`s${at}`, { script: silent }] as const);
    const fleet = createFleet({ ...Object.fromEntries(silentOnes), old: {} });
    const { token } = await causal(fleet, [step()]);
    const { pending } = decodeToken(token);
    expect(pending.map(({ agents }) => agents?.length)).toEqual([128, 128, 44]);
    expect(new Set(pending.flatMap(({ agents }) => agents))).toEqual(new Set(silentOnes.map(([id]) => id)));
    fleet.heard.length = 0;
    const next = await causal(fleet, [step()], { after: token });
    expect(fleet.order()).toEqual(["old 0"]);
    expect(next.outcome.operations).toMatchObject([{ status: "partial", responded: 1 }]);
  });

  it("leave thousands unnamed, and have all heed them", async () => {
    const silentOnes = Array.from({ length: 700 }, (_, at) => [`s${at}-${"x".repeat(56)}`, { script: silent }] as const);
    const fleet = createFleet(Object.fromEntries(silentOnes));
    const { token } = await causal(fleet, [step()]);
    expect(token.length).toBeLessThanOrEqual(tokenLimits.charsMax);
    expect(decodeToken(token).pending.map(({ agents }) => agents?.length)).toContain(undefined);
  });

  it("of a cancelled request name those who were cut short", async () => {
    const fleet = createFleet({ a: { script: silent } });
    const running = fleet.start("causal", { goal: { operations: [step(), step()] } });
    await fleet.pass(1);
    running.cancel();
    const { report } = await fleet.ended(running);
    expect(report?.outcome).toMatchObject({ token: "c1|router:1|router/*/1/a|." });
  });

  it("that would be too large are left out, and counted", async () => {
    const counted: string[] = [];
    const telemetry = {
      ...noTelemetry,
      count: (name: string, _: number, why: object = {}) => void counted.push(name, ...Object.values(why)),
    };
    const fleet = createFleet({ a: { script: silent, causal: true } }, { telemetry });
    const pending = Array.from({ length: tokenLimits.pendingMax }, (_, at) => ({
      session: "r",
      scope: "g",
      seq: at + 1,
      agents: ["z"],
    }));
    const { outcome } = await causal(fleet, [step()], { after: encodeToken({ clock: VectorClock.zero, pending }) });
    expect(outcome.token).toBeUndefined();
    expect(counted).toContain("causal-token");
  });
});

describe("agents that keep no order", () => {
  const token = encodeToken({ clock: VectorClock.zero, pending: [{ session: "r", scope: "", seq: 6, agents: ["old"] }] });
  const seen = { session: "r", scope: "", from: 6, to: 6, cause: true };

  it("K5: are not sent what would have to wait there", async () => {
    const fleet = createFleet({ old: {}, ...keeping("new") });
    const { report, outcome } = await causal(fleet, [step(), step()], { after: token });
    expect(fleet.order()).toEqual(["new 0"]);
    expect(outcome.operations.map(({ status }) => status)).toEqual(["partial", "not-run"]);
    expect(report.agents.missing).toMatchObject([
      { agent: "old", reason: "not-sent", message: expect.stringContaining("r//6") },
      {},
    ]);
    expect(outcome.token).toBe("c1|router:1|r//6/old|.");
  });

  it("are sent it with `unordered`, and the result tells of the gap", async () => {
    const fleet = createFleet({ old: {}, ...keeping("new") });
    const { report, outcome } = await causal(fleet, [step()], { after: token, degrade: ["unordered"] });
    expect(outcome.operations[0]).toMatchObject({ status: "completed", gaps: 1 });
    expect(report.rows.map(({ agent, causalMissing }) => [agent, causalMissing])).toEqual([
      ["old", [seen]],
      ["new", undefined],
    ]);
    expect(outcome.token).toBe("c1|router:1|r//6/old|.");
  });

  it("are sent what they need not wait for, such as what comes after an operation of a group that they are not in", async () => {
    const pending = [{ session: "r", scope: "g", seq: 1, agents: undefined }];
    const fleet = createFleet({ old: {}, in: { groups: ["g"] } });
    await causal(fleet, [step()], { after: encodeToken({ clock: VectorClock.zero, pending }) });
    expect(fleet.order()).toEqual(["old 0"]);
  });
});

it("another life of an agent need not wait for what it was never sent", async () => {
  const fleet = createFleet({ old: { script: (_, count) => (count === 1 ? undefined : {}), boot: "b1" } });
  const { token } = await causal(fleet, [step()], { timeoutMs: 100 });
  expect(token).toBe("c1|router:1|router/*/1/old|.");
  fleet.heard.length = 0;
  await causal(fleet, [step()], { after: token });
  expect(fleet.heard).toEqual([]);
  fleet.table.hello("old", helloOf({ boot: "b2" }), 0);
  const { report } = await causal(fleet, [step()], { after: token });
  expect(report.status).toBe("completed");
  expect(placesOf(fleet)).toEqual([{ agent: "old", scope: "*", seq: 2, before: 0 }]);
});

describe("gaps", () => {
  it("that agents tell of are in rows and counts", async () => {
    const missing = [{ session: "r", scope: "g", from: 1, to: 2, cause: false }];
    const fleet = createFleet({ a: { script: () => ({ causalMissing: missing }) }, b: {} });
    const { report, outcome } = await causal(fleet, [step(), to("b")], { degrade: ["unordered"] });
    expect(outcome.operations.map(({ gaps }) => gaps)).toEqual([1, 0]);
    expect(report.rows.map((row) => row.causalMissing)).toEqual([missing, undefined, undefined]);
    expect(fleet.heard.map(({ frame }) => frame.causal?.unordered)).toEqual([true, true, true]);
  });
});

describe("hostile tokens", () => {
  const entries = (count: number) => VectorClock.of(Array.from({ length: count }, (_, at) => [`s${at}`, 1] as const));
  it.each([
    ["no token", "hello"],
    ["one that is cut off", "c1|router:1|"],
    ["a count of 2^53", `c1||r/*/${(2 ** 53).toString(36)}|.`],
    ["a scope that is none", "c1||r/>/1|."],
    ["an agent that is none", "c1||r/*/1/A|."],
    ["a send of ours that we have not sent", "c1||router/*/2|."],
    ["a send of ours in a scope that we never sent to", "c1||router/g/1|."],
    ["a count of ours that we have not reached", "c1|router:2||."],
    ["a lane of ours that we never had", "c1|router:7.1||."],
    ["a clock that leaves no room", encodeToken({ clock: entries(512), pending: [] })],
  ])("%s is refused, and nothing is sent", async (_, after) => {
    const fleet = createFleet({ ...keeping("a") });
    await causal(fleet, [step()]);
    expect(() => fleet.start("causal", { goal: { operations: [step()], after } }, fleet.ids.requestId())).toThrow(
      expect.objectContaining({ code: "invalid-field", field: "goal.after" }),
    );
    expect(fleet.heard).toHaveLength(1);
    await fleet.expectNothingLeft();
  });

  it("the largest that is none of these is taken", async () => {
    const fleet = createFleet({ ...keeping("a") });
    const { token } = await causal(fleet, [step()], { after: encodeToken({ clock: entries(511), pending: [] }) });
    expect(decodeToken(token).clock.size).toBe(512);
  });
});

it("bounds of the wire are those of the order", () => {
  expect([limits.causalSeqMax, limits.causalTokenCharsMax, limits.causalAfterMax]).toEqual([
    dotLimits.seqMax,
    tokenLimits.charsMax,
    tokenLimits.pendingMax,
  ]);
});
