import { describe, expect, it } from "vitest";
import { type Asked, bench } from "./bench.ts";

/**
 * Proves what becomes of requests while their router is cut off from the bus: what is under way waits for the bus, as no
 * other rung has another one, and ends well where that comes back in time; what was not begun fails at once, so that it
 * can be sent again. In virtual time.
 */

const TIMEOUT_MS = 4_000;
/** An eighth of the timeout: the silence after which an agent is asked again. */
const REPEAT_MS = 500;
const timeoutMs = TIMEOUT_MS;
const balance = (count: number) => ({
  goal: { operation: "work", pieces: Array.from({ length: count }, (_, index) => index) },
  timeoutMs,
});

describe("a router that is cut off", () => {
  it.each([
    ["balance", balance(3)],
    ["gather", { goal: { operation: "work" }, timeoutMs }],
    ["broadcast", { goal: { operation: "work" }, timeoutMs }],
    ["consensus", { goal: { operation: "work", vote: { rule: "unanimous" } }, timeoutMs }],
    ["causal", { goal: { operations: [{ type: "broadcast", operation: "work" }] }, timeoutMs }],
  ] as const)("asks again for what was under way in a %s, when it is back", async (type, body) => {
    const b = bench({ a0: { capacity: 1 }, a1: { capacity: 1 }, a2: { capacity: 1 } });
    const run = b.start(type, body);
    await b.settle();
    b.answer(b.asked[0] as Asked, { value: "for" });
    b.disconnect();
    await b.move(TIMEOUT_MS / 2);
    expect(b.asked).toHaveLength(3);
    b.reconnect();
    await b.move(REPEAT_MS);
    const again = b.asked.slice(3);
    const ids = (asked: readonly Asked[]) => asked.map(({ agent, frame }) => `${agent} ${frame.operationId}`);
    expect(ids(again).sort()).toEqual(ids(b.asked.slice(1, 3)).sort());
    for (const asked of again) {
      expect(asked.frame.boot).toBe(`boot-${asked.agent}`); // a new life must not run it
      b.answer(asked, { value: "for" });
    }
    const { report, decision } = await run.done;
    expect(report).toMatchObject({ status: "completed", executed: "all" });
    expect([decision.attempts.length, b.dispatcher.heldTotal]).toEqual([1, 0]);
  });

  it("gives what waits for room when it is back, and nothing before", async () => {
    const b = bench({ a0: { capacity: 1 } });
    const run = b.start("balance", balance(2));
    await b.settle();
    b.disconnect();
    b.answer(b.asked[0] as Asked);
    await b.move(TIMEOUT_MS / 2);
    expect(b.asked).toHaveLength(1);
    b.reconnect();
    await b.move(REPEAT_MS);
    b.answer(b.asked[1] as Asked);
    expect((await run.done).report).toMatchObject({ status: "completed", outcome: { done: 2 } });
  });

  it("begins the next causal operation when it is back", async () => {
    const b = bench({ a0: { capacity: 1 } });
    const operations = ["first", "second"].map((payload) => ({ type: "broadcast", operation: "work", payload }));
    const run = b.start("causal", { goal: { operations }, timeoutMs });
    await b.settle();
    b.disconnect();
    b.answer(b.asked[0] as Asked);
    await b.move(TIMEOUT_MS / 2);
    b.reconnect();
    await b.move(REPEAT_MS);
    expect(b.asked.map(({ frame }) => frame.payload)).toEqual(["first", "second"]);
    b.answer(b.asked[1] as Asked);
    expect((await run.done).report?.status).toBe("completed");
  });

  it.each([
    ["balance", balance(2)],
    ["gather", { goal: { operation: "work" }, timeoutMs }],
  ] as const)("fails a %s at once that it could not begin", async (type, body) => {
    const b = bench({ a0: { capacity: 1 } });
    b.disconnect();
    expect(await b.start(type, body).done).toMatchObject({ executed: "none", error: { code: "disconnected" } });
    expect([b.clock.monotonicMs(), b.dispatcher.heldTotal]).toEqual([0, 0]);
  });

  it.each([
    ["balance", balance(2), "some"],
    ["gather", { goal: { operation: "work" }, timeoutMs }, "some"],
  ] as const)("ends a %s at its deadline where it stays away, and says what it does not know", async (type, body, executed) => {
    const b = bench({ a0: { capacity: 1 }, a1: { capacity: 1 } });
    const run = b.start(type, body);
    await b.settle();
    b.answer(b.asked[0] as Asked);
    b.disconnect();
    await b.move(TIMEOUT_MS);
    const { report } = await run.done;
    expect(report).toMatchObject({ status: "partial", executed, outcome: { ended: "deadline" } });
    expect(report?.agents.missing).toMatchObject([{ agent: b.asked[1]?.agent, reason: "slow" }]);
  });

  it.each([
    ["balance", balance(1)],
    ["gather", { goal: { operation: "work" }, timeoutMs }],
    ["causal", { goal: { operations: [{ type: "broadcast", operation: "work" }] }, timeoutMs }],
  ] as const)("can still cancel a %s", async (type, body) => {
    const b = bench({ a0: { capacity: 1 } });
    const run = b.start(type, body);
    await b.settle();
    b.disconnect();
    run.cancel();
    expect((await run.done).report).toMatchObject({ error: { code: "cancelled" }, executed: "unknown" });
    expect([b.cancelled, b.dispatcher.heldTotal]).toEqual([[], 0]);
  });
});

it("sends what fits a message, and ends what does not, without another rung", async () => {
  const b = bench({ a0: { capacity: 2 } }, { maxPayloadBytes: 2_048 });
  const run = b.start("balance", { goal: { operation: "work", pieces: ["fits", "x".repeat(3_000)] } });
  await b.settle();
  b.answer(b.asked[0] as Asked);
  const { decision, report } = await run.done;
  expect(decision.attempts.map(({ strategy, error }) => [strategy, error?.code])).toEqual([["foundation", undefined]]);
  expect(report?.rows).toMatchObject([{ status: "ok" }, { status: "not-sent", error: { code: "too-large" } }]);
  expect([b.answer(b.asked[0] as Asked), b.dispatcher.late, b.dispatcher.heldTotal]).toEqual([false, 1, 0]);
});

it("fails at once, on one rung, with what is too large for every rung", async () => {
  const b = bench({ a0: { capacity: 2 } }, { maxPayloadBytes: 2_048 });
  for (const [type, goal] of [
    ["gather", { operation: "work", payload: "x".repeat(3_000) }],
    ["balance", { operation: "work", pieces: ["x".repeat(3_000)] }],
  ] as const) {
    const { decision, executed, error } = await b.start(type, { goal }).done;
    expect(error).toMatchObject({ code: "too-large", field: "goal.payload", executed: "none", retryable: false });
    expect([decision.attempts.length, executed]).toEqual([1, "none"]);
  }
  expect([b.asked, b.dispatcher.heldTotal]).toEqual([[], 0]);
});
