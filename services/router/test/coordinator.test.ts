import { decode, NexusError, toErrorBody } from "@nexus/contracts";
import { describe, expect, it } from "vitest";
import { createNetwork, ID, RETENTION_MS, rejection, requestOf, subjects } from "./memory-network.ts";

/**
 * Proves one request from acceptance to its result (Q1–Q4): repeats and joins here and at other routers, refusals that leave
 * nothing, defects that keep the claim, dead owners, accept mode and its events.
 */

const trace = { traceId: undefined };
const failedForNothing = {
  ...{ status: "failed" as const, executed: "none" as const, rows: [] },
  error: toErrorBody(new NexusError("no-answer", "none of them")),
};

function setUp(routers = 1) {
  const network = createNetwork();
  const parts = Array.from({ length: routers }, (_, index) => network.addRouter(`r${index + 1}`));
  const [one, two] = parts;
  if (one === undefined) throw new Error("a router was added");
  return { ...network, one, two: two ?? one };
}

describe("Q1: a repeated id", () => {
  it("joins what runs, and repeats what has ended; nothing runs twice", async () => {
    const { one, pass, run } = setUp();
    const first = one.coordinator.start(requestOf(), trace);
    await pass(1);
    const joined = one.coordinator.start(requestOf({ timeoutMs: 9 }), trace);
    one.engine.finish();
    const [a, b] = await run(Promise.all([first.ended, joined.ended]));
    const again = await run(one.coordinator.start(requestOf(), trace).ended);
    expect([a.result.repeated, b.result.repeated, again.result.repeated]).toEqual([false, true, true]);
    expect([a.result.idempotency, again.result.outcome]).toEqual(["claimed", a.result.outcome]);
    expect(one.engine.started).toHaveLength(1);
  });

  it("with another body is reused, here and at another router, and while it runs as after its end", async () => {
    const { one, two, pass, run } = setUp(2);
    const first = one.coordinator.start(requestOf(), trace);
    await pass(1);
    const other = requestOf({ goal: { operation: "other" } });
    expect(() => one.coordinator.start(other, trace)).toThrow(expect.objectContaining({ code: "id-reused", field: "id" }));
    expect(await rejection(run(two.coordinator.start(other, trace).ended))).toMatchObject({ code: "id-reused" });
    one.engine.finish();
    await run(first.ended);
    expect(await rejection(run(two.coordinator.start(other, trace).ended))).toMatchObject({ code: "id-reused" });
    expect(two.engine.started).toEqual([]);
  });

  it("at another router waits for the owner's end, or reads it where it is shared", async () => {
    const { one, two, pass, run } = setUp(2);
    const first = one.coordinator.start(requestOf(), trace);
    await pass(1);
    const elsewhere = two.coordinator.start(requestOf(), trace);
    await pass(1);
    one.engine.finish();
    const [a, b] = await run(Promise.all([first.ended, elsewhere.ended]));
    expect(b.result).toEqual({ ...a.result, repeated: true });
    await one.bus.close();
    const late = await run(two.coordinator.start(requestOf(), trace).ended);
    expect(late.result).toMatchObject({ status: "completed", repeated: true, router: "r1" });
    expect(two.engine.started).toEqual([]);
  });

  it("without an id nothing is claimed, and the result says so", async () => {
    const { one, memory, run, pass } = setUp();
    const started = one.coordinator.start(requestOf({ id: undefined }), trace);
    await pass(1);
    expect(await memory.get(`claim:${started.id}`)).toBeUndefined();
    one.engine.finish({}, started.id);
    expect((await run(started.ended)).result).toMatchObject({ idempotency: "unprotected", repeated: false });
  });

  it("a defect after the engine took it is its end: the claim stays, and the id does not run again", async () => {
    const { one, two, pass, run } = setUp(2);
    const started = one.coordinator.start(requestOf(), trace);
    await pass(1);
    one.engine.fail(new TypeError("a defect for the test"));
    expect((await run(started.ended)).result).toMatchObject({
      ...{ status: "failed", executed: "unknown", error: { code: "internal" } },
    });
    const again = await run(one.coordinator.start(requestOf(), trace).ended);
    const elsewhere = await run(two.coordinator.start(requestOf(), trace).ended);
    expect([again.result.repeated, elsewhere.result.repeated]).toEqual([true, true]);
    expect([one.engine.started.length, two.engine.started.length]).toEqual([1, 0]);
  });
});

describe("Q3: a refusal", () => {
  it("leaves nothing behind: the id can be used again, with any body, at any router", async () => {
    const { one, two, run, pass } = setUp(2);
    one.engine.refusal = new NexusError("no-targets", "nobody there", { field: "agents" });
    expect(await rejection(run(one.coordinator.start(requestOf(), trace).ended))).toMatchObject({ code: "no-targets" });
    expect([one.registry.known(ID), await one.claims.ownerOf(ID)]).toEqual([undefined, undefined]);
    const other = two.coordinator.start(requestOf({ goal: { operation: "other" } }), trace);
    await pass(1);
    two.engine.finish();
    expect((await run(other.ended)).result).toMatchObject({ status: "completed", idempotency: "claimed", repeated: false });
  });

  it.each([
    ["past", -1, "deadline-past"],
    ["now", 0, "deadline-past"],
  ])("a deadline that is %s is refused before anything else", (_, inMs, code) => {
    const { one, clock } = setUp();
    const request = requestOf({ deadline: clock.epochMs() + inMs });
    expect(() => one.coordinator.start(request, trace)).toThrow(expect.objectContaining({ code, field: "deadline" }));
    expect(one.registry.known(ID)).toBeUndefined();
  });

  it("a router that is full says when to come again", async () => {
    const { one } = setUp();
    const id = (index: number) => `01ARZ3NDEKTSV4RRFFQ69G5${String(index).padStart(3, "0")}`;
    for (let index = 0; index < 100; index++) one.coordinator.start(requestOf({ id: id(index) }), trace);
    expect(() => one.coordinator.start(requestOf(), trace)).toThrow(
      expect.objectContaining({ code: "overloaded", retryAfterMs: 250 }),
    );
  });
});

describe("Q4: what came to nothing", () => {
  it("is kept to be read, and tried anew when its id is sent again, here or elsewhere", async () => {
    const { one, two, pass, run } = setUp(2);
    for (const router of [one, one, two]) {
      const started = router.coordinator.start(requestOf(), trace);
      await pass(1);
      router.engine.finish(failedForNothing);
      expect((await run(started.ended)).result).toMatchObject({ error: { code: "no-answer" }, repeated: false });
      expect(router.registry.ended(ID)?.result.status).toBe("failed");
    }
    expect([one.engine.started.length, two.engine.started.length]).toEqual([2, 1]);
  });

  it.each([
    ["ran somewhere", { ...failedForNothing, executed: "some" as const }],
    ["may have run", { ...failedForNothing, executed: "unknown" as const }],
    ["would fail again", { ...failedForNothing, error: toErrorBody(new NexusError("cancelled", "stopped")) }],
  ])("what %s is repeated", async (_, report) => {
    const { one, pass, run } = setUp();
    const started = one.coordinator.start(requestOf(), trace);
    await pass(1);
    one.engine.finish(report);
    await run(started.ended);
    expect((await run(one.coordinator.start(requestOf(), trace).ended)).result.repeated).toBe(true);
    expect(one.engine.started).toHaveLength(1);
  });
});

describe("an owner that is gone", () => {
  it.each([
    ["leaves an unknown outcome", {}, "unknown-outcome", 0],
    ["is taken over where that does no harm", { idempotent: true }, undefined, 1],
  ])("%s", async (_, more, code, started) => {
    const { one, two, pass, run } = setUp(2);
    const lost = one.coordinator.start(requestOf(more), trace);
    lost.ended.catch(() => {});
    await pass(1);
    await one.bus.close();
    const again = two.coordinator.start(requestOf(more), trace);
    await pass(1);
    expect(two.engine.started).toHaveLength(started);
    two.engine.finish();
    if (code === undefined) expect((await run(again.ended)).result).toMatchObject({ idempotency: "claimed" });
    else expect(await rejection(run(again.ended))).toMatchObject({ code, executed: "unknown" });
    expect(await two.claims.ownerOf(ID)).toBe(code === undefined ? "r2" : "r1");
  });

  it.each([
    ["leaves an unknown outcome", {}, "unknown-outcome"],
    ["is taken over where that does no harm", { idempotent: true }, undefined],
  ])("that is this router itself, whose claim outlived what it remembers, %s", async (_, more, code) => {
    const { one, state, clock, pass, run } = setUp();
    const first = one.coordinator.start(requestOf(more), trace);
    await pass(1);
    state.away = true; // the claim is kept, and that the request has ended is not
    one.engine.finish();
    await run(first.ended);
    await pass(RETENTION_MS + 1);
    one.registry.expire(clock.monotonicMs());
    state.away = false;
    const beganMs = clock.monotonicMs();
    const again = one.coordinator.start(requestOf(more), trace);
    await pass(1);
    one.engine.finish();
    if (code === undefined) expect((await run(again.ended)).result).toMatchObject({ status: "completed", repeated: false });
    else expect(await rejection(run(again.ended))).toMatchObject({ code, executed: "unknown" });
    // It did not wait for itself.
    expect(clock.monotonicMs() - beganMs).toBeLessThan(100);
  });

  it("that still runs when our own time is up is a time-out", async () => {
    const { one, two, pass, run } = setUp(2);
    one.coordinator.start(requestOf({ timeoutMs: 60_000 }), trace).ended.catch(() => {});
    await pass(1);
    const elsewhere = two.coordinator.start(requestOf({ timeoutMs: 500 }), trace);
    expect(await rejection(run(elsewhere.ended))).toMatchObject({ code: "timeout", executed: "unknown" });
    expect(two.registry.known(ID)).toBeUndefined();
  });
});

describe("accept mode", () => {
  it("Q2: begins when the engine has taken it, not before it is claimed, and numbers its events", async () => {
    const { one, broker, pass, run } = setUp();
    const events: object[] = [];
    broker.connect().subscribe(subjects.requestEvents(ID), ({ data }) => void events.push(decode(data) as object));
    const started = one.coordinator.start(requestOf({ mode: "accept" }), trace);
    expect([events, one.engine.started]).toEqual([[], []]);
    await run(started.begun);
    expect(one.engine.started).toHaveLength(1);
    one.engine.started[0]?.events.emit({ event: "progress", agent: "a", fraction: 0.5 });
    await pass(7);
    one.engine.finish();
    await run(started.ended);
    await pass(1);
    expect(events).toMatchObject([
      { seq: 0, event: "accepted", atMs: expect.any(Number) },
      { seq: 1, event: "progress", agent: "a", fraction: 0.5 },
      { seq: 2, event: "finished", status: "completed", responded: 1, targeted: 1 },
    ]);
  });

  it("a refusal rejects both its beginning and its end, and tells no event", async () => {
    const { one, broker, pass, run } = setUp();
    const events: unknown[] = [];
    broker.connect().subscribe(subjects.requestEvents(ID), (message) => void events.push(message));
    one.engine.refusal = new NexusError("not-implemented", "not yet");
    const started = one.coordinator.start(requestOf({ mode: "accept" }), trace);
    expect(await rejection(run(started.begun))).toMatchObject({ code: "not-implemented" });
    expect(await rejection(run(started.ended))).toMatchObject({ code: "not-implemented" });
    await pass(1);
    expect(events).toEqual([]);
  });

  it("elsewhere it has begun as soon as the owner is known to run it", async () => {
    const { one, two, pass, run, clock } = setUp(2);
    const first = one.coordinator.start(requestOf({ mode: "accept" }), trace);
    await pass(1);
    const elsewhere = two.coordinator.start(requestOf({ mode: "accept" }), trace);
    await run(elsewhere.begun);
    expect(clock.monotonicMs()).toBeLessThan(100);
    one.engine.finish();
    await run(first.ended);
    expect((await run(elsewhere.ended)).result).toMatchObject({ repeated: true, router: "r1" });
  });
});

it("a router that is cut off shares nothing of what it cannot know", async () => {
  const { one, two, broker, pass, run, memory } = setUp(2);
  const started = one.coordinator.start(requestOf(), trace);
  await pass(1);
  broker.disconnect(one.bus);
  one.engine.finish({ status: "failed", executed: "unknown" });
  await run(started.ended);
  expect(await memory.get(`result:${ID}`)).toBeUndefined();
  expect(await two.claims.claim(ID, "another", 1_000, () => {})).toEqual({ kind: "reused" });
});
