import { NexusError, type Row } from "@nexus/contracts";
import { describe, expect, it } from "vitest";
import { createNetwork, ID, type RouterParts, rejection, requestOf } from "./memory-network.ts";

/**
 * Proves what is asked of a request by its id: at the router that has it, at another one, where the owner is dead and only the
 * shared memory is left; its pages; and that a cancel reaches whoever executes it.
 */

const trace = { traceId: undefined };
const rows: Row[] = Array.from({ length: 5 }, (_, index) => ({ agent: `a${index}`, status: "ok", value: index }));
const missing = [{ agent: "m1", reason: "slow" as const }];

async function setUp(options: { shared?: boolean } = {}) {
  const network = createNetwork();
  const own = options.shared === false ? network.memory : network.store;
  const [one, two] = [network.addRouter("r1", own), network.addRouter("r2", own)];
  await network.pass(10);
  const begin = async (router: RouterParts, more: object = {}) => {
    const started = router.coordinator.start(requestOf(more), trace);
    started.ended.catch(() => {});
    await network.pass(1);
    return started;
  };
  const end = async (router: RouterParts, id = ID) => {
    router.engine.finish({ rows, agents: { targeted: 6, responded: 5, extra: 0, missing } }, id);
    await network.pass(1);
  };
  return { ...network, one, two, begin, end };
}

describe.each([true, false])("with a shared memory: %s", (shared) => {
  it("both routers tell what runs and what has ended", async () => {
    const { one, two, begin, end, run } = await setUp({ shared });
    await begin(one);
    for (const router of [one, two]) {
      expect(await run(router.requests.get(ID, {}))).toEqual({ v: 1, id: ID, type: "gather", state: "running", router: "r1" });
    }
    await end(one);
    for (const router of [one, two]) {
      expect(await run(router.requests.get(ID, {}))).toMatchObject({ state: "done", result: { status: "completed" } });
    }
  });

  it("a request to which the router gave the id is found as well, while it runs and after", async () => {
    const { one, two, begin, end, run } = await setUp({ shared });
    const { id } = await begin(one, { id: undefined, mode: "accept" });
    expect(await run(two.requests.get(id, {}))).toMatchObject({ state: "running", router: "r1" });
    await end(one, id);
    expect(await run(two.requests.get(id, {}))).toMatchObject({ state: "done", router: "r1" });
  });

  it("waits for the end, as long as it is asked to", async () => {
    const { one, two, begin, clock, run } = await setUp({ shared });
    await begin(one);
    const patient = two.requests.get(ID, { waitMs: 5_000 });
    const beganMs = clock.monotonicMs();
    expect(await run(two.requests.get(ID, { waitMs: 300 }))).toMatchObject({ state: "running" });
    expect(clock.monotonicMs() - beganMs).toBeGreaterThanOrEqual(300);
    one.engine.finish();
    expect(await run(patient)).toMatchObject({ state: "done" });
  });

  it("what nobody knows is not found", async () => {
    const { two, run } = await setUp({ shared });
    expect(await rejection(run(two.requests.get(ID, {})))).toMatchObject({ code: "not-found", field: "id" });
    expect(await rejection(run(two.requests.cancel(ID)))).toMatchObject({ code: "not-found" });
    expect(await rejection(two.requests.own({ v: 1, verb: "get", id: ID }))).toMatchObject({ code: "not-found" });
  });
});

describe("pages", () => {
  it("of rows and missing agents, and the decision, from both routers", async () => {
    const { one, two, begin, end, run } = await setUp();
    await begin(one);
    await end(one);
    for (const router of [one, two]) {
      const get = (part: object) => run(router.requests.get(ID, part));
      expect(await get({ part: "rows", offset: 1, limit: 2 })).toMatchObject({ rows: rows.slice(1, 3), total: 5, next: 3 });
      expect(await get({ part: "missing" })).toMatchObject({ missing, total: 1 });
      expect(await get({ part: "decision" })).toMatchObject({ decision: { strategy: "foundation" } });
    }
  });
});

describe("a dead owner", () => {
  it("that had ended it left its result, for what it still says", async () => {
    const { one, two, begin, end, run } = await setUp();
    await begin(one, { explain: "none" });
    await end(one);
    await one.bus.close();
    expect(await run(two.requests.get(ID, {}))).toMatchObject({ state: "done", result: { status: "completed" } });
    expect(await run(two.requests.get(ID, { part: "rows" }))).toMatchObject({ rows, total: 5 });
    expect(await rejection(run(two.requests.get(ID, { part: "decision" })))).toMatchObject({ code: "not-found" });
    expect(await run(two.requests.cancel(ID))).toMatchObject({ state: "done" });
  });

  it("that had not ended it left nothing", async () => {
    const { one, two, begin, run } = await setUp();
    await begin(one);
    await one.bus.close();
    expect(await rejection(run(two.requests.get(ID, {})))).toMatchObject({ code: "not-found" });
  });

  it("is told from one that is slow", async () => {
    const { one, two, begin, run, broker } = await setUp();
    await begin(one);
    broker.disconnect(one.bus);
    const deaf = broker.connect();
    deaf.subscribe("nexus.routers.r1.requests", () => {});
    expect(await rejection(run(two.requests.get(ID, {})))).toMatchObject({ code: "timeout" });
  });
});

describe("cancel", () => {
  it("reaches the router that executes it, from there and from elsewhere", async () => {
    for (const from of ["one", "two"] as const) {
      const network = await setUp();
      await network.begin(network.one);
      const report = await network.run(network[from].requests.cancel(ID));
      expect(network.one.engine.cancelled).toEqual([ID]);
      expect(report).toMatchObject({ state: "done", result: { status: "failed", error: { code: "cancelled" } } });
    }
  });

  it("does so too from a router that awaits the same request itself", async () => {
    const { one, two, begin, run, clock } = await setUp();
    await begin(one, { timeoutMs: 60_000 });
    const joined = await begin(two, { timeoutMs: 60_000 });
    const report = await run(two.requests.cancel(ID));
    expect(one.engine.cancelled).toEqual([ID]);
    expect(report).toMatchObject({ result: { error: { code: "cancelled" } } });
    expect(clock.monotonicMs()).toBeLessThan(1_000);
    expect((await run(joined.ended)).result).toMatchObject({ status: "failed", repeated: true });
  });

  it("of what has ended changes nothing", async () => {
    const { one, begin, end, run } = await setUp();
    await begin(one);
    await end(one);
    expect(await run(one.requests.cancel(ID))).toMatchObject({ result: { status: "completed" } });
    expect(one.engine.cancelled).toEqual([]);
  });
});

describe("what other routers ask of the owner alone", () => {
  it("another body under the id is reused, before and after the end", async () => {
    const { one, begin, end } = await setUp();
    await begin(one);
    const question = { v: 1, verb: "get", id: ID } as const;
    const digest = one.registry.known(ID)?.digest ?? expect.fail();
    expect(await one.requests.own({ ...question, digest })).toMatchObject({ state: "running" });
    expect(await rejection(one.requests.own({ ...question, digest: "another" }))).toMatchObject({ code: "id-reused" });
    await end(one);
    expect(await rejection(one.requests.own({ ...question, digest: "another" }))).toMatchObject({ code: "id-reused" });
    expect(await one.requests.own({ ...question, get: { part: "rows", limit: 1 } })).toMatchObject({ rows: [rows[0]], next: 1 });
  });

  it("a refusal comes to whoever waits for the end", async () => {
    const { one, two, run } = await setUp();
    one.engine.refusal = new NexusError("no-targets", "nobody", { field: "agents" });
    const first = one.coordinator.start(requestOf(), trace);
    const refusals = [rejection(first.ended), rejection(one.requests.get(ID, { waitMs: 100 }))];
    expect((await run(Promise.all(refusals))).map(({ code }) => code)).toEqual(["no-targets", "no-targets"]);
    expect(await rejection(run(two.requests.get(ID, {})))).toMatchObject({ code: "not-found" });
  });
});
