import { noTelemetry } from "@nexus/ports";
import { describe, expect, it } from "vitest";
import { createFleet, type Fleet, helloOf, silent } from "../scripted-fleet.ts";

/**
 * Proves what an agent gets that misses causal operations: what is under way again, as it was sent, and of what is over, was
 * never published or was for others the word that there is nothing to wait for; to this very life of it alone.
 */

const ask = (from: number, to: number, more: object = {}) => ({ v: 1 as const, boot: "b", scope: "*", from, to, ...more });
const nothing = (from: number, to: number, lost: boolean) => ({
  ...{ v: 1, kind: "causal-nothing", boot: "b", router: "router", scope: "*", from, to, lost },
});
const operations = [{ type: "broadcast", operation: "ask", payload: { deep: [1] } }];

/** A request that agent a does not answer, after one that it did. */
async function underWay(
  fleet: Fleet = createFleet({ a: { causal: true, script: (_, count) => (count === 1 ? {} : undefined) }, b: {} }),
) {
  await fleet.ended(fleet.start("causal", { goal: { operations } }, fleet.ids.requestId()));
  const running = fleet.start("causal", { goal: { operations }, timeoutMs: 60_000 }, fleet.ids.requestId());
  await fleet.pass(1);
  const [sent] = fleet.heard.filter(({ agent }) => agent === "a").slice(-1);
  fleet.heard.length = 0;
  return { fleet, running, sent };
}

describe("an agent that misses operations", () => {
  it("gets again what is under way, as it was sent, and of what is over hears so", async () => {
    const { fleet, sent } = await underWay();
    expect(fleet.engine.causalAsked("a", ask(1, 9))).toBe(2);
    await fleet.pass(1);
    expect(fleet.nothings).toEqual([{ agent: "a", frame: nothing(1, 1, true) }]);
    expect(fleet.heard).toMatchObject([{ agent: "a", frame: { ...sent?.frame, remainingMs: expect.any(Number) } }]);
    expect(sent?.frame).toMatchObject({ boot: "b", causal: { scope: "*", seq: 2, before: 1 }, payload: { deep: [1] } });
  });

  it("hears that there is nothing once it was cancelled, or its time was up", async () => {
    const { fleet, running } = await underWay();
    running.cancel();
    await fleet.ended(running);
    fleet.engine.causalAsked("a", ask(2, 2));
    await fleet.pass(1);
    expect(fleet.nothings).toEqual([{ agent: "a", frame: nothing(2, 2, true) }]);
    expect(fleet.heard).toEqual([]);
  });

  it.each([
    ["of another life", "a", ask(1, 2, { boot: "b2" })],
    ["of nobody who is known", "nobody", ask(1, 2)],
    ["of what was never sent", "a", ask(3, 9)],
    ["of a scope that was never sent to", "a", ask(1, 2, { scope: "g" })],
  ])("gets no answer to a question %s", async (_, agent, question) => {
    const { fleet } = await underWay();
    expect(fleet.engine.causalAsked(agent, question)).toBe(0);
    await fleet.pass(1);
    expect([fleet.heard, fleet.nothings]).toEqual([[], []]);
  });

  it("hears of what was for others that it need not wait", async () => {
    const { fleet } = await underWay();
    fleet.add("c", {});
    fleet.engine.causalAsked("c", ask(1, 2));
    await fleet.pass(1);
    expect(fleet.nothings).toEqual([{ agent: "c", frame: nothing(1, 2, false) }]);
  });

  it("hears nothing while the bus is away", async () => {
    const { fleet } = await underWay();
    fleet.disconnect();
    fleet.engine.causalAsked("a", ask(1, 1));
    await fleet.pass(1);
    expect(fleet.nothings).toEqual([]);
  });
});

it("lives that are not known any more are forgotten", async () => {
  const { fleet } = await underWay();
  fleet.table.hello("a", helloOf({ boot: "b2", causal: true }), 0);
  fleet.engine.forgetGone();
  // As if it had never been sent anything: the next one has none before it.
  fleet.table.hello("a", helloOf({ boot: "b", incarnation: 1, causal: true }), 0);
  fleet.start("causal", { goal: { operations } }, fleet.ids.requestId());
  await fleet.pass(1);
  expect(fleet.heard.map(({ agent, frame }) => [agent, frame.causal?.before])).toEqual([
    ["b", 2],
    ["a", 0],
  ]);
});

it("what is too much to be kept goes out, and is counted", async () => {
  const counted: string[] = [];
  const telemetry = {
    ...noTelemetry,
    count: (_name: string, amount: number, why: object = {}) => void counted.push(`${amount} ${Object.values(why)}`),
  };
  const fleet = createFleet({ a: { script: silent } }, { telemetry });
  const large = [{ ...operations[0], payload: "x".repeat(1_000_000) }];
  for (let count = 0; count < 18; count++) fleet.start("causal", { goal: { operations: large } }, fleet.ids.requestId());
  await fleet.pass(1);
  expect(counted.filter((line) => line.endsWith("causal-ledger"))).toEqual(["1 causal-ledger", "1 causal-ledger"]);
});
