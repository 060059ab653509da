import { type AgentFrame, type CausalOrder, causalAskSchema, decode, type JsonValue, parseFrame } from "@nexus/contracts";
import { describe, expect, it } from "vitest";
import type { OperationContext } from "../src/index.ts";
import { bench, deferred, operation, subjects } from "./bench.ts";

/**
 * Proves what an agent does with causal operations (I1–I3), through the bus and in virtual time: order, questions, gaps in
 * handler, answer and telemetry, repeats, leaving. The order itself is proved in @nexus/core-clocks and by `npm run sim -- causal`.
 */

const order = (seq: number, more: Partial<CausalOrder> = {}): CausalOrder => ({ scope: "g", seq, before: seq - 1, ...more });

async function start(capacity = 4) {
  const world = await bench();
  const began: { payload: JsonValue | undefined; missing: OperationContext["causalMissing"] }[] = [];
  const holds = new Map<JsonValue | undefined, ReturnType<typeof deferred<null>>>();
  const { boot } = await world.connection.addAgent({
    id: "a1",
    groups: ["g"],
    capacity,
    handlers: {
      echo: (payload, { causalMissing }) => {
        began.push({ payload, missing: causalMissing });
        return holds.get(payload)?.promise ?? null;
      },
    },
  });
  const asked: { router: string; question: object }[] = [];
  world.routerBus.subscribe(subjects.everyAgentAsk("r1"), ({ subject, data }) => {
    asked.push({ router: subject.split(".").at(-1) ?? "", question: parseFrame(causalAskSchema, decode(data), "question") });
  });
  await world.settle();
  /** Operation `index`, which is the send `index` of group g unless its order says otherwise. */
  const frame = (index: number, causal: CausalOrder = order(index), more: object = {}): AgentFrame =>
    operation(index, { type: "causal", payload: index, remainingMs: 10_000, boot, causal, ...more });
  const pass = async (ms: number) => {
    world.clock.advance(ms);
    await world.settle();
  };
  /** A handler that goes on until it is let go. */
  const hold = (payload: number) => {
    const held = deferred<null>();
    holds.set(payload, held);
    return async () => {
      held.resolve(null);
      await world.settle();
    };
  };
  const orderSeen = () => began.map(({ payload }) => payload);
  return { ...world, boot, began, order: orderSeen, asked, frame, pass, hold };
}

describe("order", () => {
  it("is that of sending, whatever comes first; what is missing is asked for", async () => {
    const world = await start();
    await world.send("a1", world.frame(3), world.frame(2));
    expect(world.order()).toEqual([]);
    await world.pass(20);
    expect(world.asked).toEqual([{ router: "r1", question: { v: 1, boot: world.boot, scope: "g", from: 1, to: 1 } }]);
    expect(world.counted("causalQuestions")).toBe(1);
    await world.send("a1", world.frame(1));
    expect(world.order()).toEqual([1, 2, 3]);
    expect(world.replies().map(({ status, causalMissing }) => [status, causalMissing])).toEqual(Array(3).fill(["ok", undefined]));
  });

  it("what it is after must have ended, wherever that came from", async () => {
    const world = await start();
    const end = world.hold(7);
    const first = world.frame(7, { scope: "*", seq: 7, before: 0 }, { router: "r2" });
    await world.send("a1", first, world.frame(1, order(1, { after: [{ session: "r2", scope: "*", seq: 7 }] })));
    expect(world.order()).toEqual([7]);
    await end();
    expect(world.order()).toEqual([7, 1]);
  });

  it("hundreds that are set free at once are begun by a loop (I3)", async () => {
    const world = await start(1);
    const frames = Array.from({ length: 900 }, (_, at) => world.frame(900 - at));
    await world.send("a1", ...frames);
    expect(world.order()).toEqual(Array.from({ length: 900 }, (_, at) => at + 1));
    expect(world.errors).toEqual([]);
  });

  it("operations that have no order do not wait", async () => {
    const world = await start();
    await world.send("a1", world.frame(2), operation(9, { payload: 9 }));
    expect(world.order()).toEqual([9]);
  });
});

describe("gaps (I1, I2)", () => {
  const cause = { session: "dead", scope: "g", seq: 5 };
  const missing = [{ session: "dead", scope: "g", from: 5, to: 5, cause: true }];

  it("an operation whose cause is missing is refused, and its answer says which", async () => {
    const world = await start();
    await world.send("a1", world.frame(1, order(1, { after: [cause] })));
    await world.pass(2_000);
    expect(world.order()).toEqual([]);
    expect(world.replies()).toMatchObject([{ status: "refused", error: { code: "causal-gap" }, causalMissing: missing }]);
    expect(world.counted("causalGaps", "aged")).toBe(1);
  });

  it("where the request allows it, it runs, and handler and answer are told", async () => {
    const world = await start();
    await world.send("a1", world.frame(1, order(1, { after: [cause], unordered: true })));
    await world.pass(2_000);
    expect(world.began).toEqual([{ payload: 1, missing }]);
    expect(world.replies()).toMatchObject([{ status: "ok", causalMissing: missing }]);
  });

  it("what only went before it in its scope does not hold it for ever; what comes too late is refused", async () => {
    const world = await start();
    await world.send("a1", world.frame(3));
    await world.pass(2_000);
    const gone = [{ session: "r1", scope: "g", from: 1, to: 2, cause: false }];
    expect(world.began).toEqual([{ payload: 3, missing: gone }]);
    await world.send("a1", world.frame(2));
    expect(world.order()).toEqual([3]);
    expect(world.replies()).toMatchObject([
      { status: "ok", causalMissing: gone },
      { status: "refused", error: { code: "causal-gap" } },
    ]);
  });

  it("the router's word that nothing is to come is taken at once, if it is for this life", async () => {
    const world = await start();
    const nothing = { v: 1, kind: "causal-nothing", router: "r1", scope: "g", from: 1, to: 2, lost: true } as const;
    await world.send("a1", world.frame(3), { ...nothing, boot: "other" });
    expect(world.order()).toEqual([]);
    await world.send("a1", { ...nothing, boot: world.boot });
    expect(world.order()).toEqual([3]);
    expect(world.counted("causalGaps", "lost")).toBe(1);
  });

  it("what was refused did not run: who is after it is told", async () => {
    const world = await start();
    await world.send("a1", world.frame(1, order(1), { operation: "unknown" }));
    await world.send("a1", world.frame(2, order(2, { after: [{ session: "r1", scope: "g", seq: 1 }] })));
    expect(world.replies().map(({ error }) => error?.code)).toEqual(["unknown-operation", "causal-gap"]);
  });

  it("what was refused for want of its cause did not run either", async () => {
    const world = await start();
    await world.send("a1", world.frame(1, order(1, { after: [cause] })));
    await world.pass(2_000);
    await world.send("a1", world.frame(2, order(2, { after: [{ session: "r1", scope: "g", seq: 1 }] })));
    expect(world.order()).toEqual([]);
    expect(world.replies().map(({ error }) => error?.code)).toEqual(["causal-gap", "causal-gap"]);
  });

  it("one whose time is up while it waits is answered so", async () => {
    const world = await start();
    await world.send("a1", world.frame(2, order(2), { remainingMs: 500 }));
    await world.pass(500);
    expect(world.replies()).toMatchObject([{ status: "expired", error: { code: "expired" } }]);
  });
});

describe("repeats", () => {
  it("of what waits change nothing, of what ended get the stored answer", async () => {
    const world = await start();
    await world.send("a1", world.frame(2), world.frame(2));
    await world.send("a1", world.frame(1), world.frame(1), world.frame(2));
    expect(world.order()).toEqual([1, 2]);
    expect(world.replies().map(({ operationId, status }) => `${operationId.slice(-1)} ${status}`)).toEqual([
      "1 ok",
      "2 ok",
      "1 ok",
      "2 ok",
    ]);
  });

  it("under another router's count join what runs, and both counts end with it", async () => {
    const world = await start();
    const end = world.hold(1);
    await world.send("a1", world.frame(1), world.frame(1, order(1), { router: "r2" }));
    const after = ["r1", "r2"].map((session) => ({ session, scope: "g", seq: 1 }));
    await world.send("a1", world.frame(2, order(2, { after })));
    expect(world.order()).toEqual([1]);
    await end();
    expect(world.order()).toEqual([1, 2]);
  });
});

describe("what cannot be", () => {
  it.each([
    ["a scope that it is not in", order(1, { scope: "h" }), 'not in the scope "h"'],
    ["a send of another scope as its own", { scope: "other", seq: 2 ** 48, before: 0 }, "not in the scope"],
  ])("%s is refused with a reason", async (_, causal, why) => {
    const world = await start();
    await world.send("a1", world.frame(1, causal));
    const [reply] = world.replies();
    expect(reply).toMatchObject({ status: "refused", error: { code: "invalid-field", field: "causal" } });
    expect(reply?.error?.message).toContain(why);
  });

  it.each([2 ** 53, 2 ** 48 + 1, -1, 0, 0.5, null, "1"])("a count of %s is dropped as not understood", async (seq) => {
    const world = await start();
    await world.send("a1", world.frame(1, { scope: "g", seq, before: 0 } as CausalOrder));
    expect([world.order(), world.counted("framesDropped")]).toEqual([[], 1]);
  });

  it("one that is meant for another life is refused, and moves nothing", async () => {
    const world = await start();
    await world.send("a1", world.frame(1, order(1), { boot: "other" }), world.frame(1));
    expect(world.replies().map(({ status, error }) => error?.code ?? status)).toEqual(["other-boot", "ok"]);
  });
});

it("beyond the bound nothing waits: it is counted, and asked for again", async () => {
  const world = await start();
  await world.send("a1", ...Array.from({ length: 1_030 }, (_, at) => world.frame(at + 2)));
  expect(world.counted("boundsReached", "causal-buffer")).toBe(6);
});

it("an agent that leaves answers what waits, and leaves no timer", async () => {
  const world = await start();
  await world.send("a1", world.frame(2));
  const drained = world.connection.drain();
  await world.pass(2_000);
  await drained;
  expect(world.replies()).toMatchObject([{ status: "refused", error: { code: "draining" } }]);
  expect(world.order()).toEqual([]);
});
