import { decode, encode, limits } from "@nexus/contracts";
import { describe, expect, it } from "vitest";
import { documentOf } from "./prove.ts";
import { type Puppet, replyTo } from "./puppet.ts";
import { usePuppets } from "./puppet-bench.ts";
import { until } from "./world.ts";

/**
 * Proves of agents that are well-formed and dishonest: they speak for themselves alone, once, and only when they were
 * asked. In each case the honest answer then counts.
 */

const bench = usePuppets();

describe("who was not asked", () => {
  it("answers a gather in vain: it is extra", async () => {
    const [honest, other, stranger] = (await bench.puppets(3)) as [Puppet, Puppet, Puppet];
    const result = bench.coordinate("gather", { reduce: { kind: "sum" } }, [honest, other]);
    const frame = await honest.asked();
    stranger.answer(frame, { value: 1_000 });
    honest.answer(frame, { value: 1 });
    other.answer(frame, { value: 2 });
    expect(await result).toMatchObject({
      status: "completed",
      agents: { responded: 2, extra: 1 },
      outcome: { value: 3, contributors: 2 },
    });
  });

  it("answers a piece of work in vain that another has", async () => {
    const [honest, stranger] = (await bench.puppets(2)) as [Puppet, Puppet];
    const result = bench.coordinate("balance", { pieces: ["a", "b"] }, [honest, stranger]);
    const [one, other] = [await honest.asked(), await stranger.asked()];
    stranger.answer(one, { value: "forged" });
    stranger.say(`progress.${one.router}`, {});
    stranger.answer(other, { value: "own" });
    honest.answer(one, { value: "right" });
    const { status, outcome, agents } = await result;
    expect({ status, extra: agents.extra }).toEqual({ status: "completed", extra: 1 });
    expect(outcome.rows.map(({ agent, value }) => [agent, value]).sort()).toEqual(
      [
        [honest.id, "right"],
        [stranger.id, "own"],
      ].sort(),
    );
  });

  it("votes in vain, ten thousand times under as many names", async () => {
    const [voter, other] = (await bench.puppets(2)) as [Puppet, Puppet];
    const result = bench.coordinate("consensus", { vote: { rule: "majority" } }, [voter, other]);
    const frame = await voter.asked();
    for (let index = 0; index < 10_000; index++) {
      const data = encode(replyTo(frame, { value: "against" }));
      bench.world.wire.publish({ subject: `nexus.agents.sybil${index}.out.reply.${frame.router}`, data });
    }
    for (const each of [voter, other]) each.answer(frame, { value: "for" });
    expect(await result).toMatchObject({
      status: "completed",
      agents: { extra: 10_000 },
      outcome: { decision: "accepted", for: 2, against: 0 },
    });
  });

  it("answers a causal step in vain for its coordinator", async () => {
    const [coordinator, follower] = (await bench.puppets(2)) as [Puppet, Puppet];
    const operations = [{ type: "coordinated", operation: "ask", coordinator: coordinator.id }];
    const result = bench.coordinate("causal", { operation: undefined, operations }, [coordinator, follower]);
    const frame = await coordinator.asked();
    follower.answer(frame, { value: "forged" });
    coordinator.answer(frame, { value: "right" });
    expect((await follower.asked()).coordination).toEqual({ coordinator: coordinator.id, answer: "right" });
    follower.answer(frame);
    expect(await result).toMatchObject({ status: "completed" });
  });

  it("tells of no progress in a request that it has no part in", async () => {
    const [honest, stranger] = (await bench.puppets(2)) as [Puppet, Puppet];
    const id = "01ARZ3NDEKTSV4RRFFQ69G7001";
    const events: { event: string; agent?: string }[] = [];
    const end = bench.world.wire.subscribe(`nexus.requests.${id}.events`, ({ data }) => events.push(decode(data) as never));
    await bench.coordinate("gather", {}, [honest], { id, mode: "accept" });
    const frame = await honest.asked();
    const progress = { v: 1, kind: "progress", operationId: frame.operationId, fraction: 0.5 };
    for (const each of [stranger, honest]) each.say(`reply.${frame.router}`, progress);
    honest.answer(frame);
    honest.say(`reply.${frame.router}`, progress);
    await until("it is finished", () => events.some(({ event }) => event === "finished"));
    expect(events.filter(({ event }) => event === "progress").map(({ agent }) => agent)).toEqual([honest.id]);
    end();
  });

  it("speaks for nobody on another connection, in one frame with what it may say", async () => {
    const [honest, liar] = (await bench.puppets(2)) as [Puppet, Puppet];
    const result = bench.coordinate("gather", {}, [honest, liar]);
    const frame = await honest.asked();
    const dropped = bench.world.counts.of("framesDropped", "invalid-field");
    const answers = [
      { agent: honest.id, answer: replyTo(frame, { value: "forged" }) },
      { agent: liar.id, answer: replyTo(frame, { value: "own" }) },
    ];
    const subject = `nexus.conns.${liar.hello.connId}.out.reply.${frame.router}`;
    bench.world.wire.publish({ subject, data: encode({ v: 1, kind: "batch", answers }) });
    honest.answer(frame, { value: "right" });
    expect((await result).outcome.rows.map(({ value }) => value).sort()).toEqual(["own", "right"]);
    expect(bench.world.counts.of("framesDropped", "invalid-field") - dropped).toBe(1);
  });

  it("answers a router in vain that did not ask", async () => {
    const honest = await bench.puppet();
    const result = bench.coordinate("gather", {}, [honest]);
    const frame = await honest.asked();
    for (const router of ["router-of-nobody", "constructor"]) {
      honest.say(`reply.${router}`, replyTo(frame, { value: "forged" }));
    }
    honest.answer(frame, { value: "right" });
    expect((await result).outcome.rows).toMatchObject([{ value: "right" }]);
  });
});

describe("who was asked", () => {
  it("answers once, however often it says so", async () => {
    const [twice, other] = (await bench.puppets(2)) as [Puppet, Puppet];
    const result = bench.coordinate("gather", { reduce: { kind: "sum" } }, [twice, other]);
    const frame = await twice.asked();
    for (const value of [1, 1_000, 1_000]) twice.answer(frame, { value });
    twice.answer(frame, { status: "error" });
    other.answer(frame, { value: 2 });
    expect(await result).toMatchObject({
      status: "completed",
      agents: { responded: 2, extra: 0 },
      outcome: { value: 3, contributors: 2 },
    });
  });

  it("has one vote in ten thousand ballots", async () => {
    const voters = await bench.puppets(3);
    const [loud] = voters as [Puppet];
    const result = bench.coordinate("consensus", { vote: { rule: "majority" } }, voters, { timeoutMs: 1_500 });
    const frame = await loud.asked();
    for (let index = 0; index < 10_000; index++) loud.answer(frame, { value: "for" });
    expect(await result).toMatchObject({
      status: "failed",
      error: { code: "no-quorum" },
      outcome: { decision: "undecided", for: 1 },
    });
  });

  it.each([["FOR"], [1], [true], [["for"]], [{ vote: { vote: "for" } }], [{ Vote: "for" }], ["for "], [null]])(
    "votes in no other way than the three there are: %j is no ballot",
    async (value) => {
      const voter = await bench.puppet();
      const result = bench.coordinate("consensus", { vote: { rule: "unanimous" } }, [voter]);
      const frame = await voter.asked();
      voter.answer(frame, { value });
      expect(await result).toMatchObject({ status: "failed", error: { code: "no-quorum" }, outcome: { for: 0 } });
      const control = bench.coordinate("consensus", { vote: { rule: "unanimous" } }, [voter]);
      voter.answer(await voter.asked(2), { value: { vote: "for" } });
      expect(await control).toMatchObject({ status: "completed", outcome: { decision: "accepted" } });
    },
  );

  it("is late when the request has ended: the stored result stays, and it is counted", async () => {
    const id = "01ARZ3NDEKTSV4RRFFQ69G7002";
    const [quick, slow] = (await bench.puppets(2)) as [Puppet, Puppet];
    const goal = { until: { first: 1 } };
    const result = bench.coordinate("gather", goal, [quick, slow], { id });
    const frame = await quick.asked();
    quick.answer(frame, { value: "first" });
    expect((await result).outcome.rows).toMatchObject([{ value: "first" }]);
    const before = (await bench.status()).lateAnswers;
    for (let index = 0; index < 100; index++) slow.answer(frame, { value: "late" });
    await until("they are counted", async () => (await bench.status()).lateAnswers - before === 100);
    expect(await bench.coordinate("gather", goal, [quick, slow], { id })).toMatchObject({
      repeated: true,
      outcome: { rows: [{ value: "first" }] },
    });
    expect(await bench.status()).toMatchObject({ held: 0, active: 0 });
  });

  it("floods with progress, and holds up neither its request nor others", async () => {
    const flooding = await bench.puppet();
    const result = bench.coordinate("gather", {}, [flooding], { mode: "accept", id: "01ARZ3NDEKTSV4RRFFQ69G7003" });
    const frame = await flooding.asked();
    const data = encode({ v: 1, kind: "progress", operationId: frame.operationId, message: "m".repeat(1_000) });
    for (let index = 0; index < 5_000; index++)
      bench.world.wire.publish({ subject: flooding.subject(`out.reply.${frame.router}`), data });
    flooding.answer(frame);
    expect(await result).toMatchObject({ status: "accepted" });
    const get = { subject: "nexus.requests.01ARZ3NDEKTSV4RRFFQ69G7003.get", data: encode({ waitMs: 5_000 }) };
    expect(documentOf(await bench.world.wire.request(get))).toMatchObject({ state: "done", result: { status: "completed" } });
  });

  it("answers as deep as may be, and the result can be read", async () => {
    const deep = await bench.puppet();
    const result = bench.coordinate("gather", {}, [deep]);
    const value = JSON.parse("[".repeat(limits.answerDepthMax) + "]".repeat(limits.answerDepthMax));
    deep.answer(await deep.asked(), { value });
    expect((await result).outcome.rows).toEqual([expect.objectContaining({ value })]);
  });

  it("answers a megabyte as the others do, and the result can be read", async () => {
    const large = await bench.puppets(4);
    const result = bench.coordinate("gather", {}, large);
    for (const each of large) each.answer(await each.asked(), { value: "x".repeat(limits.frameBytesMax - 1_024) });
    // `documentOf` reads no more than a client does.
    expect(await result).toMatchObject({ agents: { responded: 4 }, outcome: { rowsTotal: 4 } });
  });

  it("answers what would change a prototype, or a sum", async () => {
    const [one, other] = (await bench.puppets(2)) as [Puppet, Puppet];
    const merge = bench.coordinate("gather", { reduce: { kind: "merge" } }, [one, other]);
    const hostile = JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},"n":1}');
    const frame = await one.asked();
    for (const each of [one, other]) each.answer(frame, { value: hostile });
    const { value } = (await merge).outcome as unknown as { value: Record<string, unknown> };
    expect([Object.keys(value).sort(), value["n"]]).toEqual([["__proto__", "constructor", "n"], 2]);
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
    const sum = bench.coordinate("gather", { reduce: { kind: "sum" } }, [one, other]);
    const again = await one.asked(2);
    one.answer(again, { value: 1e308 });
    other.answer(again, { value: 1e308 });
    expect((await sum).outcome).toMatchObject({ value: Number.MAX_VALUE, contributors: 2 });
  });

  it("fails with an error of its own making, which is told as it is and becomes no header", async () => {
    const failing = await bench.puppet();
    const error = {
      code: "constructor",
      message: "a\r\nNats-Service-Error-Code: 200\u001b[2J",
      retryable: true,
      executed: "all",
      field: "__proto__",
    };
    const result = bench.coordinate("gather", {}, [failing]);
    failing.answer(await failing.asked(), { status: "error", error });
    expect(await result).toMatchObject({ status: "failed", outcome: { rows: [{ status: "error", error }] } });
  });
});
