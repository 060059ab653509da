import { NexusError } from "@nexus/contracts";
import { describe, expect, it } from "vitest";
import { createFleet, type Member, type Script, silent } from "../../scripted-fleet.ts";

/**
 * Proves what becomes of pieces of work, through the engine in virtual time (L1–L3, P1, P2): windows, refusals that move on, silence,
 * agents that go, cancellation, room that others hold. What holds whatever agents do is in balance-run.property.
 */

const work = (count: number, more: object = {}) => ({
  goal: { operation: "ask", pieces: Array.from({ length: count }, (_, index) => index) },
  ...more,
});
const refuses: Script = () => ({ status: "refused", error: new NexusError("draining", "leaving") });
const takes =
  (afterMs: number): Script =>
  () => ({ afterMs, value: 1 });
/** Which agent heard which pieces. */
const heardBy = (fleet: ReturnType<typeof createFleet>, agent: string) =>
  fleet.heard.filter((heard) => heard.agent === agent).map(({ frame }) => frame.payload);

describe("pieces", () => {
  it("each goes to one agent, in turn, and comes back in its row", async () => {
    const script: Script = ({ agent, frame }) => ({ value: `${agent}:${frame.payload}` });
    const fleet = createFleet({ a: { script }, b: { script } });
    const { report } = await fleet.run("balance", work(4));
    expect(report?.rows.map(({ index, value }) => [index, `${value}`.slice(2)])).toEqual([0, 1, 2, 3].map((n) => [n, `${n}`]));
    expect([heardBy(fleet, "a").length, heardBy(fleet, "b").length]).toEqual([2, 2]);
    expect(report).toMatchObject({ status: "completed", executed: "all", outcome: { done: 4, ended: "everyone" } });
    await fleet.expectNothingLeft();
  });

  it("without pieces the payload is the one piece", async () => {
    const fleet = createFleet({ a: {} });
    const { report } = await fleet.run("balance", { goal: { operation: "ask", payload: { n: 7 } } });
    expect(fleet.heard.map(({ frame }) => frame.payload)).toEqual([{ n: 7 }]);
    expect(report?.outcome).toMatchObject({ pieces: 1, done: 1 });
  });

  it("a piece that is null is null, whatever the payload", async () => {
    const fleet = createFleet({ a: {} });
    await fleet.run("balance", { goal: { operation: "ask", payload: "all of it", pieces: [null, 1] } });
    expect(heardBy(fleet, "a")).toEqual([null, 1]);
  });

  it("L1: no agent has more than its capacity at once", async () => {
    const fleet = createFleet({ a: { capacity: 2, script: takes(100) } });
    const { report } = await fleet.run("balance", work(5));
    expect(fleet.heard.map(({ atMs }) => atMs)).toEqual([0, 0, 100, 100, 200]);
    expect(report?.status).toBe("completed");
  });

  it("L2: waits for room that another request holds, and takes it when it is given back", async () => {
    const fleet = createFleet({ a: { capacity: 1, script: takes(70) } });
    const other = fleet.start("gather", { goal: { operation: "ask" } }, "01ARZ3NDEKTSV4RRFFQ69G5FAA");
    const { report } = await fleet.run("balance", work(2));
    expect(report).toMatchObject({ status: "completed", outcome: { done: 2, ended: "everyone" } });
    expect(fleet.heard.map(({ atMs }) => atMs)).toEqual([0, 70, 140]);
    await fleet.ended(other);
    await fleet.expectNothingLeft();
  });
});

describe("refusals", () => {
  it("move on to another agent (P1), and are no failure", async () => {
    const fleet = createFleet({ a: { script: refuses }, b: {} });
    const { report } = await fleet.run("balance", work(3));
    expect(report).toMatchObject({ status: "completed", agents: { responded: 1, missing: [] } });
    expect(heardBy(fleet, "b")).toHaveLength(3);
  });

  it("of every agent end a piece as refused, with why; nobody is asked twice", async () => {
    const members = Object.fromEntries(["a", "b", "c", "d"].map((id): [string, Member] => [id, { script: refuses }]));
    const fleet = createFleet(members);
    const { report } = await fleet.run("balance", work(1));
    expect(fleet.heard.map(({ agent }) => agent).sort()).toEqual(["a", "b", "c", "d"]);
    expect(report).toMatchObject({
      status: "failed",
      executed: "none",
      error: { code: "no-answer" },
      outcome: { ended: "hopeless" },
    });
    expect(report?.rows).toMatchObject([{ index: 0, status: "refused", error: { code: "draining" } }]);
    expect(report?.agents.missing).toMatchObject([{ reason: "refused", message: "leaving" }]);
  });

  it("of an agent that is full let the piece wait for it (L2), until it has room", async () => {
    const busy = new NexusError("overloaded", "busy", { retryAfterMs: 30 });
    const fleet = createFleet({ a: { script: (_, count) => (count < 3 ? { status: "refused", error: busy } : { value: 1 }) } });
    const { report } = await fleet.run("balance", work(1));
    expect(fleet.heard.map(({ atMs }) => atMs)).toEqual([0, 30, 60]);
    expect(report).toMatchObject({ status: "completed", outcome: { ended: "everyone" } });
  });

  it("a piece that nobody can take any more holds up no other (L2)", async () => {
    let first = true;
    const once: Script = () => {
      const refused = first;
      first = false;
      return refused ? { status: "refused" } : { value: 1 };
    };
    const fleet = createFleet({ a: { capacity: 1, script: once }, dead: {} });
    fleet.table.bye("dead", { v: 1, boot: "b" });
    const { report } = await fleet.run("balance", work(3, { agents: { ids: ["a", "dead"] } }));
    expect(fleet.clock.monotonicMs()).toBe(0);
    expect(report).toMatchObject({ status: "partial", executed: "some", outcome: { done: 2, ended: "hopeless" } });
    expect(report?.rows.map(({ status }) => status)).toEqual(["refused", "ok", "ok"]);
  });

  it("of another life: what the first one did is not known, and nobody else gets the piece (P1)", async () => {
    const otherBoot = new NexusError("other-boot", "a repeat for a former life");
    const script: Script = (_, count) => (count === 1 ? undefined : { status: "refused", error: otherBoot });
    const fleet = createFleet({ a: { script }, b: { script } });
    const { report } = await fleet.run("balance", work(1));
    const [holder] = fleet.heard;
    expect(fleet.heard.map(({ agent }) => agent)).toEqual([holder?.agent, holder?.agent]);
    expect(report).toMatchObject({ status: "failed", executed: "unknown" });
    expect(report?.agents.missing).toEqual([{ agent: holder?.agent, reason: "dead" }]);
  });
});

describe("silence", () => {
  it("is answered with repeats under the same id, and ends at the deadline as unknown", async () => {
    const fleet = createFleet({ a: { script: silent }, b: { operations: ["other"] } });
    const { report } = await fleet.run("balance", work(1, { timeoutMs: 4_000 }));
    expect(fleet.heard.map(({ atMs }) => atMs)).toEqual([0, 500, 1_500]);
    expect(report).toMatchObject({ status: "failed", executed: "unknown", outcome: { ended: "deadline" } });
    expect(report?.rows).toEqual([{ agent: "a", index: 0, status: "unknown" }]);
    expect(report?.agents.missing).toEqual([{ agent: "a", reason: "slow" }]);
    await fleet.expectNothingLeft();
  });

  it("moves an idempotent piece to an agent that has room, and takes whichever answers first", async () => {
    const fleet = createFleet({ a: { script: takes(3_400) }, b: { script: takes(800), operations: [] } });
    const running = fleet.start("balance", work(1, { idempotent: true, timeoutMs: 4_000 }));
    await fleet.pass(100);
    const b = fleet.table.get("b");
    if (b !== undefined) (b.operations as Set<string>).add("ask");
    const { report } = await fleet.ended(running);
    expect(fleet.order()).toEqual(["a 0", "a 0", "a 0", "b 0"]);
    expect(report?.rows).toMatchObject([{ agent: "a", status: "ok" }]);
    await fleet.expectNothingLeft();
  });

  it("of the only agent there is costs an idempotent piece nothing: it is still waited for", async () => {
    const fleet = createFleet({ a: { capacity: 8, script: takes(3_500) } });
    const { report } = await fleet.run("balance", work(1, { idempotent: true, timeoutMs: 4_000 }));
    expect(report).toMatchObject({ status: "completed", outcome: { done: 1 } });
  });

  it("progress counts as a sign of life", async () => {
    const working = Array.from({ length: 9 }, (_, tick) => ({ afterMs: tick * 200, progress: tick / 10 }));
    const fleet = createFleet({ a: { script: () => [...working, { afterMs: 1_900, value: 1 }] } });
    const { report } = await fleet.run("balance", work(1, { timeoutMs: 4_000 }));
    expect(fleet.heard).toHaveLength(1);
    expect(report?.status).toBe("completed");
  });
});

describe("agents that go, and who never had the piece", () => {
  it.each([
    ["ends as unknown", {}, "failed", 1],
    ["goes to another where that does no harm", { idempotent: true }, "completed", 2],
  ])("the piece of one that dies %s (P1)", async (_, more, status, heard) => {
    const first = { heard: false };
    const script: Script = () => {
      const isFirst = !first.heard;
      first.heard = true;
      return isFirst ? undefined : { value: 1 };
    };
    const fleet = createFleet({ a: { script }, b: { script } });
    const running = fleet.start("balance", work(1, more));
    await fleet.pass(10);
    const holder = fleet.heard[0]?.agent ?? "";
    fleet.die(holder);
    const { report } = await fleet.ended(running);
    expect(fleet.clock.monotonicMs()).toBe(10);
    expect({ status: report?.status, heard: fleet.heard.length }).toEqual({ status, heard });
    expect(report?.agents.missing).toEqual(status === "failed" ? [{ agent: holder, reason: "dead" }] : []);
    await fleet.expectNothingLeft();
  });

  it("P2: an answer of an agent that never had the piece is extra", async () => {
    const fleet = createFleet({ a: { script: takes(100) } });
    const running = fleet.start("balance", work(1));
    await fleet.pass(10);
    fleet.say("stranger", `${fleet.heard[0]?.frame.operationId}`, { value: "forged" });
    const { report } = await fleet.ended(running);
    expect(report).toMatchObject({ rows: [{ agent: "a", value: 1 }], agents: { extra: 1 } });
  });

  it("nobody is left: what was not sent says so", async () => {
    const fleet = createFleet({ a: { capacity: 1, script: silent } });
    const running = fleet.start("balance", work(3));
    await fleet.pass(10);
    fleet.die("a");
    const { report } = await fleet.ended(running);
    expect(report?.outcome).toMatchObject({ ended: "hopeless" });
    expect(report?.rows.map(({ status }) => status)).toEqual(["unknown", "not-sent", "not-sent"]);
  });

  it("cancel tells those who have a piece, and nobody gets one any more", async () => {
    const fleet = createFleet({ a: { capacity: 1, script: silent } });
    const running = fleet.start("balance", work(2));
    await fleet.pass(10);
    running.cancel();
    const { report } = await fleet.ended(running);
    await fleet.pass(10);
    expect(report).toMatchObject({ status: "failed", error: { code: "cancelled" }, outcome: { ended: "cancelled" } });
    expect({ cancelled: fleet.cancelled, order: fleet.order() }).toEqual({ cancelled: ["a"], order: ["a 0"] });
    await fleet.expectNothingLeft();
  });

  it("each reason for a missing answer", async () => {
    const fleet = createFleet({
      suspect: { capacity: 1, script: silent },
      broken: { capacity: 1, script: () => ({ status: "error" }) },
    });
    const running = fleet.start("balance", { ...work(2), agents: { ids: ["suspect", "broken", "stranger"] } });
    await fleet.pass(10);
    const suspect = fleet.table.get("suspect");
    if (suspect !== undefined) suspect.state = "suspect";
    const { report } = await fleet.ended(running);
    expect(report?.agents.missing).toMatchObject([
      { agent: "suspect", reason: "suspect" },
      { agent: "broken", reason: "error" },
      { agent: "stranger", reason: "not-sent" },
    ]);
  });
});
