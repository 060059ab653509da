import { encode } from "@nexus/contracts";
import { describe, expect, it } from "vitest";
import { createNetwork, ID, requestOf } from "./memory-network.ts";

/**
 * Proves who owns a request id: claims over a shared store (I1), takeovers and ends that exclude each other (I2), what is
 * left without the store (I3), and that what it may have forgotten is not taken for new (I4).
 */

const KEY = `claim:${ID}`;
const nothing = () => {};

function setUp() {
  const network = createNetwork();
  const [one, two, three] = ["r1", "r2", "r3"].map((id) => network.addRouter(id).claims);
  if (one === undefined || two === undefined || three === undefined) throw new Error("three routers were added");
  return { ...network, one, two, three };
}

describe("claims over a shared store (I1)", () => {
  it("the first has it, the others learn who and whether it ended; another body is reused", async () => {
    const { one, two } = setUp();
    let granted = 0;
    expect(await one.claim(ID, "d", 1_000, () => granted++)).toEqual({ kind: "mine", idempotency: "claimed" });
    expect(await two.claim(ID, "d", 1_000, () => granted++)).toEqual({ kind: "other", owner: "r1", ended: false });
    expect(await two.claim(ID, "other", 1_000, nothing)).toEqual({ kind: "reused" });
    expect([granted, await two.ownerOf(ID)]).toEqual([1, "r1"]);
    await one.finish(ID, "d", encode({ done: true }));
    expect(await two.claim(ID, "d", 1_000, nothing)).toEqual({ kind: "other", owner: "r1", ended: true });
    expect(await two.sharedResult(ID)).toEqual(encode({ done: true }));
  });

  it("of many at once exactly one has it", async () => {
    const { one, two, three } = setUp();
    const claims = await Promise.all([one, two, three, one, two].map((claims) => claims.claim(ID, "d", 1_000, nothing)));
    expect(claims.filter(({ kind }) => kind === "mine")).toHaveLength(1);
  });

  it("outlives the request's time by the retention, and no longer", async () => {
    const { one, two, clock } = setUp();
    await one.claim(ID, "d", 1_000, nothing);
    clock.advance(600_999);
    expect(await two.claim(ID, "d", 1_000, nothing)).toMatchObject({ kind: "other" });
    clock.advance(1);
    expect(await two.claim(ID, "d", 1_000, nothing)).toMatchObject({ kind: "mine" });
  });

  it("released, it is anybody's, with any body, and again exactly one's", async () => {
    const { one, two, three } = setUp();
    await one.claim(ID, "d", 1_000, nothing);
    await one.release(ID, "d");
    const claims = await Promise.all([two, three].map((claims) => claims.claim(ID, "other", 1_000, nothing)));
    expect(claims.map(({ kind }) => kind).sort()).toEqual(["mine", "other"]);
    expect(["r2", "r3"]).toContain(await one.ownerOf(ID));
  });
});

describe("takeovers (I2)", () => {
  it("of two that find the owner dead, one takes over", async () => {
    const { one, two, three } = setUp();
    await one.claim(ID, "d", 1_000, nothing);
    const taken = await Promise.all([two, three].map((claims) => claims.takeOver(ID, "r1", "d", false, 1_000)));
    expect(taken.filter((idempotency) => idempotency === "claimed")).toHaveLength(1);
    expect(taken.filter((idempotency) => idempotency === undefined)).toHaveLength(1);
  });

  it("what has ended is not taken over, nor what somebody else owns", async () => {
    const { one, two, three } = setUp();
    await one.claim(ID, "d", 1_000, nothing);
    expect(await two.takeOver(ID, "r3", "d", false, 1_000)).toBeUndefined();
    expect(await two.takeOver(ID, "r1", "other", false, 1_000)).toBeUndefined();
    await one.finish(ID, "d", encode(1));
    expect(await three.takeOver(ID, "r1", "d", false, 1_000)).toBeUndefined();
  });

  it("an owner that was taken for dead neither ends nor releases what another has taken over", async () => {
    const { one, two, three } = setUp();
    await one.claim(ID, "d", 1_000, nothing);
    await two.takeOver(ID, "r1", "d", false, 1_000);
    await one.release(ID, "d");
    expect(await three.claim(ID, "d", 1_000, nothing)).toEqual({ kind: "other", owner: "r2", ended: false });
    await one.finish(ID, "d", encode("of the one that was taken for dead"));
    expect(await three.claim(ID, "d", 1_000, nothing)).toEqual({ kind: "other", owner: "r2", ended: false });
    await two.finish(ID, "d", encode("of the one that took over"));
    expect(await three.sharedResult(ID)).toEqual(encode("of the one that took over"));
  });
});

describe("without the store (I3)", () => {
  it("live routers are asked, and the answer says best-effort", async () => {
    const network = createNetwork();
    const one = network.addRouter("r1");
    const two = network.addRouter("r2");
    await network.pass(10);
    network.state.away = true;
    let granted = 0;
    const grant = () => {
      granted++;
      one.registry.begin(ID, "d", 0);
      one.registry.run(ID, {
        ...{ type: "gather", digest: "d", begun: Promise.resolve(), ended: new Promise(() => {}) },
        cancel() {},
        tellEvents() {},
      });
      one.registry.own(ID);
    };
    expect(await network.run(one.claims.claim(ID, "d", 1_000, grant))).toEqual({ kind: "mine", idempotency: "best-effort" });
    expect(await network.run(two.claims.claim(ID, "d", 1_000, nothing))).toEqual({ kind: "other", owner: "r1", ended: false });
    expect(granted).toBe(1);
    expect(await network.run(two.claims.ownerOf(ID))).toBe("r1");
  });

  it("nothing is taken over that nobody can tell of, and ends and releases are no failures", async () => {
    const { one, two, state } = setUp();
    await one.claim(ID, "d", 1_000, nothing);
    state.away = true;
    expect(await two.takeOver(ID, "r1", "d", false, 1_000)).toBeUndefined();
    await one.finish(ID, "d", encode(1));
    await one.release(ID, "d");
    expect(await one.sharedResult(ID)).toBeUndefined();
  });

  it.each([
    ["not even JSON", new Uint8Array([0xff, 0x00])],
    ["of another shape", encode({ owner: "*", digest: 5 })],
  ])("a record that is %s counts as no memory: live routers are asked", async (_, bytes) => {
    const { one, memory, run } = setUp();
    await memory.put(KEY, bytes, 10_000);
    expect(await run(one.claim(ID, "d", 1_000, nothing))).toEqual({ kind: "mine", idempotency: "best-effort" });
    expect(await run(one.ownerOf(ID))).toBeUndefined();
  });

  it("a store of one's own tells nobody anything", async () => {
    const network = createNetwork();
    const one = network.addRouter("r1", network.memory).claims;
    expect(await one.claim(ID, "d", 1_000, nothing)).toEqual({ kind: "mine", idempotency: "best-effort" });
    expect(await one.takeOver(ID, "r2", "d", false, 1_000)).toBe("best-effort");
    await one.finish(ID, "d", encode(1));
    expect(await one.sharedResult(ID)).toBeUndefined();
  });
});

describe("a store that was away or forgot (I4)", () => {
  async function ranWithoutStore() {
    const network = createNetworkOfTwo();
    const { one } = network;
    await network.pass(10);
    network.state.away = true;
    const started = one.coordinator.start(requestOf(), { traceId: undefined });
    await network.pass(100);
    one.engine.finish();
    expect((await network.run(started.ended)).result.idempotency).toBe("best-effort");
    network.state.away = false;
    return network;
  }

  it("is told what ran without it, when it is back", async () => {
    const { one, two, run } = await ranWithoutStore();
    await one.claims.tell();
    expect(await run(two.claims.claim(ID, "another", 1_000, nothing))).toEqual({ kind: "reused" });
    expect(await two.claims.sharedResult(ID)).toBeDefined();
  });

  it("keeps a record that nobody can read, and is told the rest", async () => {
    const { one, memory } = await ranWithoutStore();
    const unreadable = new Uint8Array([0xff]);
    await memory.put(KEY, unreadable, 10_000);
    await one.claims.tell();
    expect(await memory.get(KEY)).toEqual(unreadable);
    await memory.delete(KEY);
    await one.claims.tell();
    expect(await memory.get(KEY)).toBeUndefined();
  });

  it("is not believed that an id is new: live routers are asked, and it is told who has it", async () => {
    const { one, two, memory, run, pass } = createNetworkOfTwo();
    await pass(10);
    const started = one.coordinator.start(requestOf(), { traceId: undefined });
    await pass(1);
    await Promise.all([memory.delete(KEY), memory.delete("claims-since")]);
    expect(await run(two.claims.claim(ID, "d", 1_000, nothing))).toEqual({ kind: "other", owner: "r1", ended: false });
    expect(await two.claims.ownerOf(ID)).toBe("r1");
    one.engine.finish();
    await run(started.ended);
  });
});

function createNetworkOfTwo() {
  const network = createNetwork();
  return { ...network, one: network.addRouter("r1"), two: network.addRouter("r2") };
}
