import { describe, expect, it } from "vitest";
import { type Asked, bench } from "./bench.ts";

/**
 * Proves that balance requests share the room that agents have: beyond it they wait, in turn, and are told at once when
 * there is some; they give up only when no agent could ever take what is left. In virtual time, which stands still except
 * where a test moves it.
 */

const pieces = (count: number) => ({ goal: { operation: "work", pieces: Array.from({ length: count }, (_, index) => index) } });

describe("a balance request", () => {
  it("that finds every agent full waits for room, and gets it when an answer leaves some", async () => {
    const b = bench({ a0: { capacity: 1 }, a1: { capacity: 1 } });
    const first = b.start("balance", pieces(2));
    const second = b.start("balance", pieces(2));
    await b.settle();
    expect(b.asked.map(({ frame }) => frame.operationId)).toEqual([`${first.id}/0`, `${first.id}/1`]);
    for (const asked of [...b.asked]) b.answer(asked);
    await b.settle();
    expect((await first.done).report).toMatchObject({ status: "completed", outcome: { ended: "everyone" } });
    expect(b.asked.slice(2).map(({ frame }) => frame.operationId)).toEqual([`${second.id}/0`, `${second.id}/1`]);
    for (const asked of b.asked.slice(2)) b.answer(asked);
    expect((await second.done).report).toMatchObject({ status: "completed", outcome: { done: 2 } });
    expect([b.clock.monotonicMs(), b.dispatcher.heldTotal]).toEqual([0, 0]);
  });

  it("waits for the room that another goal takes", async () => {
    const b = bench({ a0: { capacity: 1 } });
    const gather = b.start("gather", { goal: { operation: "work" } });
    const balance = b.start("balance", pieces(1));
    await b.settle();
    b.answer(b.asked[0] as Asked);
    await gather.done;
    await b.settle();
    b.answer(b.asked[1] as Asked);
    expect((await balance.done).report?.status).toBe("completed");
  });

  it("with much work holds up nobody: room goes round", async () => {
    const b = bench({ a0: { capacity: 2 } });
    const large = b.start("balance", pieces(40));
    const small = [b.start("balance", pieces(2)), b.start("balance", pieces(2))];
    let answered = 0;
    while (b.asked.length < 44) {
      await b.settle();
      b.answer(b.asked[answered++] as Asked);
    }
    const places = (id: string) => b.asked.flatMap(({ frame }, place) => (frame.operationId.startsWith(id) ? [place] : []));
    // Of each three places that become free, one is each request's.
    expect(small.map(({ id }) => places(id))).toEqual([
      [3, 6],
      [4, 7],
    ]);
    await b.settle();
    for (const asked of b.asked.slice(answered)) b.answer(asked);
    for (const run of [large, ...small]) expect((await run.done).report?.status).toBe("completed");
    expect(new Set(b.asked.map(({ frame }) => frame.operationId)).size).toBe(44);
  });

  it("never gives an agent more than its capacity", async () => {
    const b = bench({ a0: { capacity: 3 }, a1: { capacity: 1 } });
    const runs = [5, 1, 7, 3].map((count) => b.start("balance", pieces(count)));
    const open: Asked[] = [];
    for (let taken = 0; taken < 16; ) {
      await b.settle();
      open.push(...b.asked.slice(taken));
      taken = b.asked.length;
      for (const [agent, capacity] of [["a0", 3] as const, ["a1", 1] as const]) {
        const mine = open.filter((asked) => asked.agent === agent).length;
        expect([mine, b.dispatcher.held(agent)]).toEqual([Math.min(mine, capacity), mine]);
      }
      b.answer(open.shift() as Asked);
    }
    for (const asked of open) b.answer(asked);
    for (const run of runs) expect((await run.done).report?.status).toBe("completed");
    expect(b.dispatcher.heldTotal).toBe(0);
  });

  it("waits until what the last resort gave beyond the capacity has ended", async () => {
    const b = bench({ a0: { capacity: 1 } });
    const resort = b.start("balance", { ...pieces(3), maxLayer: "emergency" });
    const run = b.start("balance", pieces(1));
    await b.settle();
    const given = [...b.asked];
    for (const [answered, asked] of given.entries()) {
      expect(b.asked).toHaveLength(3);
      b.answer(asked);
      await b.settle();
      expect(b.dispatcher.held("a0")).toBe(Math.max(1, 2 - answered));
    }
    b.answer(b.asked[3] as Asked);
    for (const { done } of [resort, run]) expect((await done).report?.status).toBe("completed");
  });

  it("ends at its deadline, with nothing sent, where no room came", async () => {
    const b = bench({ a0: { capacity: 1 } });
    b.start("balance", { ...pieces(1), timeoutMs: 60_000 });
    const second = b.start("balance", { ...pieces(2), timeoutMs: 1_000 });
    await b.move(1_000);
    expect(await second.done).toMatchObject({
      executed: "none",
      report: { rows: [{ status: "not-sent" }, { status: "not-sent" }], outcome: { ended: "deadline" } },
    });
    b.answer(b.asked[0] as Asked);
    await b.settle();
    expect(b.asked.filter(({ frame }) => frame.operationId.startsWith(second.id))).toEqual([]);
  });

  it("ends at once where the last agent that could take its work is gone", async () => {
    const b = bench({ a0: { capacity: 1 }, a1: { capacity: 9, operations: ["other"] } });
    b.start("balance", pieces(1));
    const second = b.start("balance", pieces(1));
    await b.settle();
    const a0 = b.table.bye("a0", { v: 1, boot: "boot-a0" });
    b.engine.agentGone(a0 ?? expect.fail("a0 is not known"), "dead");
    expect((await second.done).report).toMatchObject({ status: "failed", executed: "none", outcome: { ended: "hopeless" } });
    expect(b.clock.monotonicMs()).toBe(0);
  });

  it("goes on with what others can take when one piece can go nowhere", async () => {
    const b = bench({ a0: { capacity: 1 }, a1: { capacity: 1 } });
    const run = b.start("balance", { goal: { operation: "work", pieces: [0, 1, 2] }, idempotent: true });
    await b.settle();
    const [first, second] = b.asked as [Asked, Asked];
    b.answer(first, { status: "refused" });
    const gone = b.table.get(second.agent) ?? expect.fail("not known");
    b.engine.agentGone(gone, "dead");
    await b.settle();
    // The refused piece has nowhere to go, the lost one and the third have the agent that refused.
    for (let taken = 2; taken < b.asked.length; taken++) {
      b.answer(b.asked[taken] as Asked);
      await b.settle();
    }
    expect((await run.done).report).toMatchObject({ status: "partial", outcome: { done: 2, ended: "hopeless" } });
  });
});
