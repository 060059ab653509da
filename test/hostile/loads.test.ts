import { encode, limits } from "@nexus/contracts";
import { describe, expect, it } from "vitest";
import { documentOf, proveHealthy } from "./prove.ts";
import { heartbeatOf, helloOf, Puppet, rowOf } from "./puppet.ts";
import { usePuppets } from "./puppet-bench.ts";
import { until } from "./world.ts";

/** Proves of agents that lie of themselves: what they say of their load, life or name moves nothing but their own row. */

const bench = usePuppets();

describe("who lies of itself", () => {
  it("draws no more work by a load that is too good", async () => {
    const liar = await bench.puppet({ capacity: limits.capacityMax });
    const honest = await bench.puppets(3, { capacity: limits.capacityMax });
    liar.say("heartbeat", heartbeatOf({ process: { cpu: 0, memory: 0, eventLoopDelayMs: 0 }, serviceTimeMs: 0 }));
    for (const each of honest) each.say("heartbeat", heartbeatOf({ serviceTimeMs: 1_000, inFlight: 1_000, queueDepth: 1_000 }));
    await until(
      "the loads are known",
      async () => Number((await rowOf(bench.world, (honest[2] as Puppet).id))?.["inFlightHere"] ?? -1) === 0,
    );
    const all = [liar, ...honest];
    const result = bench.coordinate("balance", { pieces: Array.from({ length: 40 }, (_, index) => index) }, all);
    for (const each of all) {
      await each.asked(10);
      for (const frame of each.given) each.answer(frame);
    }
    expect(await result).toMatchObject({ status: "completed", outcome: { done: 40 } });
    expect(all.map(({ given }) => given.length)).toEqual([10, 10, 10, 10]);
  });

  it("has a capacity of its own word, and no more at once than it said", async () => {
    const small = await bench.puppet({ capacity: 2 });
    const result = bench.coordinate("balance", { pieces: [1, 2, 3, 4, 5] }, [small]);
    await small.asked(2);
    for (let count = 2; count <= 6; count++) {
      await proveHealthy(bench.world);
      expect(small.given.length).toBe(Math.min(count, 5));
      small.answer(small.given[count - 2] ?? (small.given[4] as never));
      if (count < 5) await small.asked(count + 1);
    }
    expect(await result).toMatchObject({ status: "completed", outcome: { done: 5 } });
  });

  it("of another life or another connection, changes no load and is asked for a hello", async () => {
    const victim = await bench.puppet();
    const loadOf = async () => (await rowOf(bench.world, victim.id))?.["load"];
    victim.say("heartbeat", heartbeatOf({ inFlight: 7 }));
    await until("its load is known", async () => ((await loadOf()) as { inFlight: number }).inFlight === 7);
    victim.say("heartbeat", heartbeatOf({ boot: "b2", inFlight: 0 }));
    const { process, v, ...row } = heartbeatOf({ inFlight: 0 }) as { process: object; v: number };
    const frame = {
      v,
      process,
      agents: [
        { agent: victim.id, ...row },
        { agent: "a0", ...row, inFlight: 99_999 },
      ],
    };
    bench.world.wire.publish({ subject: "nexus.conns.conn-of-a-liar.out.heartbeat", data: encode(frame) });
    await until("a hello is wanted, twice", () => victim.told.filter((kind) => kind === "hello-wanted").length >= 2);
    expect(await loadOf()).toMatchObject({ inFlight: 7 });
    expect((await rowOf(bench.world, "a0"))?.["load"]).not.toMatchObject({ inFlight: 99_999 });
  });

  it("cannot send another life away, nor come back from its own bye by an old hello", async () => {
    const victim = await bench.puppet({ incarnation: 3 });
    const stateOf = async () => (await rowOf(bench.world, victim.id))?.["state"];
    victim.say("bye", { v: 1, boot: "b2" });
    victim.say("hello", helloOf({ ...victim.hello, incarnation: 2, operations: ["forged"] }));
    expect(await rowOf(bench.world, victim.id)).toMatchObject({ state: "alive", operations: ["ask"] });
    victim.leave();
    await until("it has left", async () => (await stateOf()) === "left");
    victim.say("hello", victim.hello);
    victim.say("heartbeat", heartbeatOf());
    expect(await stateOf()).toBe("left");
    victim.say("hello", { ...victim.hello, incarnation: 4 });
    await until("it is back", async () => (await stateOf()) === "alive");
  });

  it("is called constructor, or has a label of that name, and is an agent like any other", async () => {
    const named = bench.keep(await Puppet.join(bench.world, "constructor", { labels: { constructor: "x" } }));
    const plain = await bench.puppet();
    const labelled = bench.world.wire.request({
      subject: "nexus.coordinate.gather",
      data: encode({ goal: { operation: "ask" }, agents: { labels: { constructor: "x" } } }),
    });
    named.answer(await named.asked());
    expect(documentOf(await labelled)).toMatchObject({ agents: { targeted: 1, responded: 1 } });
    const weights = { [plain.id]: 2 };
    const vote = bench.coordinate("consensus", { vote: { rule: "weighted", weights } }, [named, plain]);
    named.answer(await named.asked(2), { value: "against" });
    plain.answer(await plain.asked(), { value: "for" });
    expect((await vote).outcome).toMatchObject({ decision: "accepted", for: 2, against: 1 });
  });
});
