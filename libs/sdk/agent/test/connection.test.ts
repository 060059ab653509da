import type { JsonValue } from "@nexus/contracts";
import { describe, expect, it } from "vitest";
import type { Handler } from "../src/index.ts";
import { bench, deferred, operation, REQUEST, subjects } from "./bench.ts";

/** A connection with its agents over the bus: who is reached, what is told to routers, leaving, outages, hostile frames. */

const echo: Handler = (payload) => payload ?? null;

describe("a connection", () => {
  it("can be reached when it says hello", async () => {
    const b = await bench();
    b.routerBus.subscribe(subjects.everyHello, () => b.publish(subjects.agentIn("a1"), operation(0)));
    await b.connection.addAgent({ id: "a1", groups: ["g", "g"], labels: { zone: "z" }, capacity: 3, handlers: { echo } });
    await b.settle();
    expect(b.heard("hello")).toMatchObject([
      { subject: "nexus.agents.a1.out.hello", body: { connId: "c1", groups: ["g"], capacity: 3, operations: ["echo"] } },
    ]);
    expect(b.replies()).toMatchObject([{ status: "ok" }]);
  });

  it("gives fan-outs to each agent once, over one subscription, and answers them in one frame", async () => {
    const b = await bench();
    const subscribed: string[] = [];
    const { subscribe } = b.bus;
    b.bus.subscribe = (subject, ...more) => {
      subscribed.push(subject);
      return subscribe.call(b.bus, subject, ...more);
    };
    const agents = [];
    for (const id of ["a1", "a2", "a3"])
      agents.push(await b.connection.addAgent({ id, groups: id === "a3" ? [] : ["g"], handlers: { echo } }));
    expect(subscribed.filter((subject) => !subject.startsWith("nexus.agents.")).sort()).toEqual(["nexus.all", "nexus.groups.g"]);
    b.publish(subjects.group("g"), operation(0));
    await b.settle();
    expect(b.answers.map(({ subject, agent }) => [subject, agent])).toEqual([
      ["nexus.conns.c1.out.reply.r1", "a1"],
      ["nexus.conns.c1.out.reply.r1", "a2"],
    ]);
    b.publish(subjects.all, operation(1));
    b.publish(subjects.connIn("c1"), { v: 1, kind: "batch", items: [{ to: ["a3", "nobody"], frame: operation(2) }] });
    await b.settle();
    expect(b.answers.slice(2).map(({ agent }) => agent)).toEqual(["a1", "a2", "a3", "a3"]);
    await agents[0]?.leave();
    b.publish(subjects.group("g"), operation(3));
    await b.settle();
    expect(b.answers.slice(6).map(({ agent }) => agent)).toEqual(["a2"]);
  });

  it("lets no agent change the payload of another", async () => {
    const b = await bench();
    const vandal: Handler = (payload) => (payload as { n: number }).n++;
    for (const id of ["a1", "a2"]) await b.connection.addAgent({ id, handlers: { echo: id === "a1" ? vandal : echo } });
    b.publish(subjects.all, operation(0, { payload: { n: 1 } }));
    await b.settle();
    expect(b.replies()).toMatchObject([{ error: { code: "handler-failed" } }, { value: { n: 1 } }]);
  });

  it("splits answers that do not fit one frame, and a slow agent holds up nobody", async () => {
    const b = await bench({ maxPayloadBytes: 4_096 });
    const gate = deferred<JsonValue>();
    for (let n = 0; n < 10; n++) {
      await b.connection.addAgent({ id: `a${n}`, handlers: { big: () => (n === 3 ? gate.promise : "é".repeat(700)) } });
    }
    b.publish(subjects.all, operation(0, { operation: "big" }));
    await b.settle();
    expect(b.answers).toHaveLength(9);
    expect(Math.max(...b.answers.map(({ bytes }) => bytes))).toBeLessThanOrEqual(4_096);
    gate.resolve("late");
    await b.settle();
    expect(b.answers[9]).toMatchObject({ agent: "a3", answer: { value: "late" } });
    expect(b.counted("framesDropped")).toBe(0);
  });

  it("drops and counts hostile frames, and lives", async () => {
    const b = await bench();
    await b.connection.addAgent({ id: "a1", handlers: { echo } });
    const hostile: [Uint8Array, string, string][] = [
      [Buffer.from("{"), "application/json", "malformed"],
      [Buffer.from("[".repeat(5_000)), "application/json", "too-deep"],
      [Buffer.from([0xc1]), "application/msgpack", "malformed"],
      [Buffer.from("{}"), "text/html", "unsupported-content-type"],
      [Buffer.from(JSON.stringify({ ...operation(0), v: 99 })), "application/json", "unsupported-version"],
      [Buffer.from(JSON.stringify({ ...operation(0), router: "a.b.>" })), "application/json", "invalid-field"],
    ];
    for (const [data, type, reason] of hostile) {
      for (const subject of [subjects.agentIn("a1"), subjects.connIn("c1"), subjects.routerAnnounce]) {
        const before = b.counted("framesDropped", reason);
        b.routerBus.publish(subject, data, { headers: { "Content-Type": type } });
        await b.settle();
        expect(b.counted("framesDropped", reason), `${reason} on ${subject}`).toBe(before + 1);
      }
    }
    await b.send("a1", operation(1));
    expect(b.replies()).toMatchObject([{ status: "ok" }]);
    expect(b.errors).toEqual([]);
  });

  it("refuses agents that are not valid, known or too late, and keeps nothing of them", async () => {
    const b = await bench();
    await b.connection.addAgent({ id: "a1", handlers: {} });
    const add = (more: object) => b.connection.addAgent({ id: "a2", handlers: {}, ...more });
    for (const bad of [{ id: "A.*" }, { id: "a1" }, { groups: ["*"] }, { capacity: 0 }, { queueMax: -1 }]) {
      await expect(add(bad)).rejects.toMatchObject({ code: "invalid-field" });
    }
    b.broker.disconnect(b.bus);
    await expect(add({})).rejects.toMatchObject({ code: "disconnected" });
    b.broker.reconnect(b.bus);
    expect(b.connection.agents).toEqual(["a1"]);
    await b.connection.drain();
    await expect(add({})).rejects.toMatchObject({ code: "draining" });
  });
});

describe("the order of joining", () => {
  it("is subscribe, flush, hello", async () => {
    const b = await bench();
    const order: string[] = [];
    const { subscribe, flush, publish } = b.bus;
    b.bus.subscribe = (...of) => {
      order.push("subscribe");
      return subscribe.apply(b.bus, of);
    };
    b.bus.flush = () => {
      order.push("flush");
      return flush.call(b.bus);
    };
    b.bus.publish = (...of) => {
      order.push("publish");
      publish.apply(b.bus, of);
    };
    await b.connection.addAgent({ id: "a1", handlers: { echo } });
    expect(order).toEqual(["subscribe", "subscribe", "flush", "publish", "flush"]);
  });
});

describe("draining", () => {
  it("of one agent has its answers out when it ends", async () => {
    const b = await bench();
    const gate = deferred<JsonValue>();
    const first = await b.connection.addAgent({ id: "a1", handlers: { slow: () => gate.promise } });
    await b.connection.addAgent({ id: "a2", handlers: { echo } });
    await b.send("a1", operation(0, { operation: "slow" }));
    const left = first.leave();
    gate.resolve("done");
    await left;
    await b.broker.idle();
    expect([b.replies()[0]?.value, b.connection.agents]).toEqual(["done", ["a2"]]);
  });

  it("says bye, refuses the new, finishes the running, loses no answer", async () => {
    const b = await bench();
    const gate = deferred<JsonValue>();
    for (const id of ["a1", "a2"]) await b.connection.addAgent({ id, capacity: 1, handlers: { slow: () => gate.promise, echo } });
    await b.send("a1", operation(0, { operation: "slow" }), operation(1, { remainingMs: 60_000 }));
    let ended = false;
    const drained = b.connection.drain(5_000).then(() => {
      ended = true;
    });
    await b.send("a1", operation(2), operation(0, { operation: "slow", router: "r2" }));
    expect(b.heard("bye").map(({ subject }) => subject)).toEqual(["nexus.agents.a1.out.bye", "nexus.agents.a2.out.bye"]);
    expect(b.replies()).toMatchObject([{ operationId: `${REQUEST}/2`, status: "refused", error: { code: "draining" } }]);
    const beats = b.heard("heartbeat").length;
    b.clock.advance(2_000);
    b.publish(subjects.agentIn("a1"), { v: 1, kind: "hello-wanted" });
    await b.settle();
    expect(b.heard("heartbeat")).toHaveLength(beats); // either would be taken for a return
    expect([ended, b.heard("hello").length]).toEqual([false, 2]);
    gate.resolve("done");
    await drained;
    await b.settle();
    const rest = b.answers.slice(1).map(({ router, answer }) => [router, answer.kind === "reply" && answer.value]);
    // One frame per router.
    expect(rest).toEqual([
      ["r1", "done"],
      ["r1", null],
      ["r2", "done"],
    ]);
    await b.send("a1", operation(5));
    expect([b.answers.length, b.connection.agents.length]).toEqual([4, 0]);
  });

  it("gives up after its time: what runs is told as unknown, what waits as refused", async () => {
    const b = await bench();
    let signal: AbortSignal | undefined;
    const stuck: Handler = (_, context) => {
      signal = context.signal;
      return new Promise(() => {});
    };
    await b.connection.addAgent({ id: "a1", capacity: 1, handlers: { stuck, echo } });
    await b.send("a1", operation(0, { operation: "stuck", remainingMs: 60_000 }), operation(1, { remainingMs: 60_000 }));
    const drained = b.connection.drain(500);
    b.clock.advance(500);
    await drained;
    await b.settle();
    expect(b.replies()).toMatchObject([
      { operationId: `${REQUEST}/0`, status: "error", error: { code: "unknown-outcome", executed: "unknown" } },
      { operationId: `${REQUEST}/1`, status: "refused", error: { code: "draining" } },
    ]);
    expect(signal?.aborted).toBe(true);
  });
});

describe("an outage", () => {
  it("keeps answers for repeats, and says hello again after it", async () => {
    const b = await bench();
    const gate = deferred<JsonValue>();
    let runs = 0;
    const slow: Handler = () => {
      runs++;
      return gate.promise;
    };
    for (const id of ["a1", "a2"]) await b.connection.addAgent({ id, handlers: { slow } });
    await b.send("a1", operation(0, { operation: "slow" }));
    b.broker.disconnect(b.bus);
    gate.resolve("kept");
    await b.settle();
    expect([b.answers.length, b.counted("framesDropped", "reply-unsent")]).toEqual([0, 1]);
    b.broker.reconnect(b.bus);
    await b.settle();
    expect(b.heard("hello")).toHaveLength(4);
    await b.send("a1", operation(0, { operation: "slow" }));
    expect([runs, b.replies()[0]?.value]).toEqual([1, "kept"]);
  });

  it("does not keep a connection from draining", async () => {
    const b = await bench();
    await b.connection.addAgent({ id: "a1", handlers: { echo } });
    b.broker.disconnect(b.bus);
    await b.connection.drain();
    expect(b.connection.agents).toEqual([]);
  });
});
