import { type JsonValue, NexusError } from "@nexus/contracts";
import { describe, expect, it } from "vitest";
import type { Handler, OperationContext } from "../src/index.ts";
import { bench, deferred, operation, REQUEST, subjects } from "./bench.ts";

/** What becomes of operations at an agent: each rule of repeats, bounds, deadlines, cancelling and failing, over the bus. */

const echo: Handler = (payload) => payload ?? null;
const id = (index: number) => `${REQUEST}/${index}`;

describe("an operation", () => {
  it("is answered on the agent's own subject, in the codec of the frame, with the load", async () => {
    const b = await bench();
    await b.connection.addAgent({ id: "a1", handlers: { echo } });
    b.publish(subjects.agentIn("a1"), operation(0, { payload: { x: 1 } }), "msgpack");
    await b.settle();
    expect(b.answers).toMatchObject([{ subject: "nexus.agents.a1.out.reply.r1", codec: "msgpack" }]);
    expect(b.replies()).toEqual([
      { v: 1, kind: "reply", operationId: id(0), status: "ok", value: { x: 1 }, serviceTimeMs: 0, inFlight: 0, queueDepth: 0 },
    ]);
  });

  it("without a wish for a reply runs and sends nothing; a repeat that wants one gets it", async () => {
    const b = await bench();
    let runs = 0;
    await b.connection.addAgent({ id: "a1", handlers: { echo: () => ++runs } });
    await b.send("a1", operation(0, { reply: false }));
    expect([runs, b.answers.length]).toEqual([1, 0]);
    await b.send("a1", operation(0));
    expect(b.replies()).toMatchObject([{ status: "ok", value: 1 }]);
  });

  it("repeated while it runs answers each router once; repeated when done, from memory", async () => {
    const b = await bench();
    const gate = deferred<JsonValue>();
    let runs = 0;
    const slow: Handler = () => {
      runs++;
      return gate.promise;
    };
    await b.connection.addAgent({ id: "a1", handlers: { slow } });
    const frame = operation(0, { operation: "slow" });
    await b.send("a1", frame, { ...frame, router: "r2" }, { ...frame, router: "r2" });
    expect(b.answers).toEqual([]);
    gate.resolve("done");
    await b.settle();
    expect(b.answers.map(({ router }) => router)).toEqual(["r1", "r2"]);
    await b.send("a1", { ...frame, router: "r3" });
    expect(b.answers[2]).toMatchObject({ router: "r3", answer: { status: "ok", value: "done" } });
    expect([runs, b.counted("operationsRepeated")]).toEqual([1, 3]);
  });

  it("is held for at most 16 routers; one more is counted", async () => {
    const b = await bench();
    const gate = deferred<JsonValue>();
    await b.connection.addAgent({ id: "a1", handlers: { slow: () => gate.promise } });
    const frames = Array.from({ length: 18 }, (_, n) => operation(0, { operation: "slow", router: `r${n}` }));
    await b.send("a1", ...frames);
    gate.resolve(1);
    await b.settle();
    expect(b.answers).toHaveLength(16);
    expect(b.counted("boundsReached", "reply-addresses")).toBe(2);
  });

  it("under a known id with another body is refused, as is one for another life or of an unknown name", async () => {
    const b = await bench();
    const agent = await b.connection.addAgent({ id: "a1", handlers: { echo } });
    await b.send("a1", operation(0, { digest: "d1" }), operation(0, { digest: "d2" }));
    await b.send("a1", operation(1, { boot: "boot-other" }), operation(2, { boot: agent.boot }));
    await b.send("a1", operation(3, { operation: "toString" }));
    expect(b.replies().map(({ status, error }) => error?.code ?? status)).toEqual([
      "ok",
      "id-reused",
      "other-boot",
      "ok",
      "unknown-operation",
    ]);
    expect(b.replies().filter(({ status }) => status === "refused")).toHaveLength(3);
  });

  it("whose time is up on arrival or in the queue expires unrun, and a repeat with time runs", async () => {
    const b = await bench();
    const gate = deferred<JsonValue>();
    const ran: string[] = [];
    const slow: Handler = (_, { operationId }) => {
      ran.push(operationId);
      return gate.promise;
    };
    await b.connection.addAgent({ id: "a1", capacity: 1, handlers: { slow } });
    await b.send("a1", operation(0, { operation: "slow", remainingMs: 0 }));
    await b.send("a1", operation(1, { operation: "slow" }), operation(2, { operation: "slow", remainingMs: 50 }));
    b.clock.advance(60);
    gate.resolve(null);
    await b.settle();
    expect(b.replies().map((reply) => [reply.operationId, reply.status])).toEqual([
      [id(0), "expired"],
      [id(1), "ok"],
      [id(2), "expired"],
    ]);
    await b.send("a1", operation(2, { operation: "slow" }), operation(0, { operation: "slow" }));
    expect(ran).toEqual([id(1), id(2), id(0)]);
  });

  it("beyond capacity waits, beyond the queue is refused and may come again; what waits in vain makes room", async () => {
    const b = await bench();
    const gates = [deferred<JsonValue>(), deferred<JsonValue>(), deferred<JsonValue>()];
    let runs = 0;
    await b.connection.addAgent({ id: "a1", capacity: 1, queueMax: 1, handlers: { slow: () => gates[runs++]?.promise } });
    const slow = (index: number, remainingMs = 1_000) => operation(index, { operation: "slow", remainingMs });
    await b.send("a1", slow(0), slow(1, 50), slow(2));
    expect(b.replies()).toMatchObject([{ status: "refused", error: { code: "overloaded" }, inFlight: 1, queueDepth: 1 }]);
    expect(b.counted("boundsReached", "agent-queue")).toBe(1);
    b.clock.advance(60);
    await b.send("a1", slow(2));
    expect(b.replies()[1]).toMatchObject({ operationId: id(1), status: "expired" });
    gates[0]?.resolve(0);
    gates[1]?.resolve(2);
    await b.settle();
    expect(b.replies().slice(2)).toMatchObject([
      { operationId: id(0), value: 0 },
      { operationId: id(2), value: 2 },
    ]);
  });

  it("of handlers that answer at once is worked off without a call stack that grows", async () => {
    const b = await bench();
    const gate = deferred<JsonValue>();
    await b.connection.addAgent({ id: "a1", capacity: 1, queueMax: 20_000, handlers: { slow: () => gate.promise, echo } });
    await b.send("a1", operation(0, { operation: "slow" }), ...Array.from({ length: 15_000 }, (_, n) => operation(n + 1)));
    gate.resolve(null);
    await b.settle();
    expect(b.replies()).toHaveLength(15_001);
    expect(b.errors).toEqual([]);
  });
});

describe("a handler", () => {
  it("is told of its operation, its time and its trace, and reports progress", async () => {
    const b = await bench();
    let seen: OperationContext | undefined;
    const gate = deferred<JsonValue>();
    const work: Handler = (_, context) => {
      seen = context;
      context.progress({ fraction: 7, message: "x".repeat(5_000) });
      context.progress({ fraction: Number.NaN });
      return gate.promise;
    };
    await b.connection.addAgent({ id: "a1", handlers: { work } });
    const frame = operation(3, { operation: "work", coordination: { coordinator: "a9", answer: 1 } });
    b.publish(subjects.agentIn("a1"), frame, "json", { traceparent: "t1" });
    await b.settle();
    b.clock.advance(400);
    expect(seen).toMatchObject({ operationId: id(3), requestId: REQUEST, agentId: "a1", trace: { traceId: "own" } });
    expect([seen?.remainingMs(), seen?.coordination]).toEqual([600, { coordinator: "a9", answer: 1 }]);
    expect(b.answers.map(({ answer }) => answer)).toEqual([
      { v: 1, kind: "progress", operationId: id(3), fraction: 1, message: "x".repeat(1_024) },
      { v: 1, kind: "progress", operationId: id(3) },
    ]);
    gate.resolve(null);
    await b.settle();
    seen?.progress({ fraction: 1 });
    await b.settle();
    expect(b.answers).toHaveLength(3); // none after the answer
    expect(b.spans).toMatchObject([{ options: { kind: "consumer", parent: { traceId: "t1" } }, ended: undefined }]);
    expect(b.counts.find(({ metric }) => metric === "operationDuration")).toMatchObject({ amount: 0.4 });
  });

  it("is told by its signal when time is up, and its abort says so", async () => {
    const b = await bench();
    const wait: Handler = (_, { signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")));
      });
    await b.connection.addAgent({ id: "a1", handlers: { wait } });
    await b.send("a1", operation(0, { operation: "wait" }));
    b.clock.advance(999);
    await b.settle();
    expect(b.answers).toEqual([]);
    b.clock.advance(1);
    await b.settle();
    expect(b.replies()).toMatchObject([{ status: "error", error: { code: "expired" } }]);
  });

  it("that is cancelled is aborted and answered at once; its place stays taken until it returns", async () => {
    const b = await bench();
    const gate = deferred<JsonValue>();
    let signal: AbortSignal | undefined;
    const work: Handler = (_, context) => {
      signal = context.signal;
      return gate.promise;
    };
    await b.connection.addAgent({ id: "a1", capacity: 1, handlers: { work } });
    const frames = [operation(0, { operation: "work" }), operation(1, { operation: "work" })];
    await b.send("a1", ...frames, { v: 1, kind: "cancel", operationId: id(1) }, { v: 1, kind: "cancel", operationId: id(0) });
    const cancelled = { status: "error", error: { code: "cancelled" } };
    expect(b.replies()).toMatchObject([
      { ...cancelled, operationId: id(1), error: { executed: "none" } },
      { ...cancelled, operationId: id(0), inFlight: 1, error: { executed: "unknown" } },
    ]);
    expect(signal?.aborted && signal.reason).toMatchObject({ code: "cancelled" });
    gate.resolve("late");
    await b.settle();
    await b.send("a1", ...frames);
    expect(b.replies().slice(2)).toMatchObject([cancelled, cancelled]);
    expect(b.spans).toMatchObject([{ ended: "cancelled" }]); // neither ran again
  });

  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  let deep: JsonValue = 0;
  for (let level = 0; level < 60; level++) deep = [deep];
  it.each<[string, () => unknown, string]>([
    ["a NexusError", () => Promise.reject(new NexusError("not-found", "no such file", { retryAfterMs: 5 })), "not-found"],
    [
      "a NexusError that cannot travel",
      () => {
        throw new NexusError("not-found", "x", { retryAfterMs: 0.5 });
      },
      "handler-failed",
    ],
    [
      "another error",
      () => {
        throw new TypeError("oops");
      },
      "handler-failed",
    ],
    ["no error at all", () => Promise.reject(Object.create(null)), "handler-failed"],
    ["a bigint", () => ({ x: 1n }), "malformed"],
    ["not-a-number", () => [Number.NaN], "malformed"],
    ["a function", () => () => 1, "malformed"],
    ["a cycle", () => cycle, "too-deep"],
    ["a deep value", () => deep, "too-deep"],
    ["a large value", () => "x".repeat(9_000), "too-large"],
    ["many escapes", () => "\u0000".repeat(2_000), "too-large"],
    [
      "a throwing getter",
      () => ({
        // biome-ignore lint/suspicious/noThenProperty: what a hostile object looks like
        get then() {
          throw new Error("trap");
        },
      }),
      "handler-failed",
    ],
  ])("that gives %s is answered with an error", async (_what, handler, code) => {
    const b = await bench({ maxPayloadBytes: 8_192 });
    await b.connection.addAgent({ id: "a1", handlers: { bad: handler as Handler, echo } });
    await b.send("a1", operation(0, { operation: "bad" }), operation(1));
    const byOperation = b.replies().toSorted((x, y) => x.operationId.localeCompare(y.operationId));
    expect(byOperation).toMatchObject([{ status: "error", error: { code } }, { status: "ok" }]);
    expect(b.errors).toEqual([]);
  });

  it("may return what JSON converts", async () => {
    const b = await bench();
    const at = () => ({ at: new Date(0), none: undefined }) as unknown as JsonValue;
    await b.connection.addAgent({ id: "a1", handlers: { at, nothing: () => undefined } });
    b.publish(subjects.agentIn("a1"), operation(0, { operation: "at" }), "msgpack");
    await b.send("a1", operation(1, { operation: "nothing" }));
    expect(b.replies()).toMatchObject([{ value: { at: "1970-01-01T00:00:00.000Z" } }, { status: "ok" }]);
    expect(b.replies()[1]).not.toHaveProperty("value");
  });
});
