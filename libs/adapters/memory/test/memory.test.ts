/** The memory adapters keep the ports' promises; and what is theirs alone: bounds, and the time they are given. */
import type { Bus, Clock } from "@nexus/ports";
import { busConformance, bytes, codeOf, stateStoreConformance, until } from "@nexus/ports/conformance";
import { describe, expect, test } from "vitest";
import { createMemoryBroker, createMemoryStore } from "../src/index.ts";

busConformance("the memory broker", async () => {
  const broker = createMemoryBroker();
  const buses: Bus[] = [];
  return {
    async connect() {
      const bus = broker.connect();
      buses.push(bus);
      return bus;
    },
    async interrupt() {
      for (const bus of buses) broker.disconnect(bus);
    },
    async restore() {
      for (const bus of buses) broker.reconnect(bus);
    },
    async stop() {
      for (const bus of buses) await bus.close();
    },
  };
});

function createTestClock(): Clock & { advance(durationMs: number): void } {
  let nowMs = 0;
  return {
    epochMs: () => nowMs,
    monotonicMs: () => nowMs,
    schedule: () => {
      throw new Error("the store needs no timers");
    },
    advance(durationMs) {
      nowMs += durationMs;
    },
  };
}

stateStoreConformance("the memory store", async () => {
  const clock = createTestClock();
  const store = createMemoryStore(clock, { entriesMax: 1_000, bytesMax: 1_000_000 });
  return {
    connect: async () => store,
    pass: async (durationMs) => clock.advance(durationMs),
    stop: () => store.close(),
  };
});

describe("the memory broker alone", () => {
  test("M2: a connection that is not served fast enough loses messages, counted and told", async () => {
    const broker = createMemoryBroker();
    const bus = broker.connect({ pendingMax: 10 });
    let got = 0;
    const errors: Error[] = [];
    bus.onError((error) => void errors.push(error));
    bus.subscribe("a", () => void got++);
    for (let index = 0; index < 15; index++) bus.publish("a", bytes("x"));
    await broker.idle();
    expect([got, broker.droppedCount, errors.length]).toEqual([10, 5, 5]);
    bus.publish("a", bytes("x"));
    await broker.idle();
    expect(got).toBe(11);
  });

  test("M3: a disconnection loses what was under way", async () => {
    const broker = createMemoryBroker();
    const bus = broker.connect();
    let got = 0;
    bus.subscribe("a", () => void got++);
    bus.publish("a", bytes("x"));
    broker.disconnect(bus);
    broker.reconnect(bus);
    bus.publish("a", bytes("x"));
    await broker.idle();
    expect(got).toBe(1);
  });

  test("the given generator chooses the member of a queue group", async () => {
    let next = 0;
    const broker = createMemoryBroker({ random: () => next });
    const bus = broker.connect();
    const got: string[] = [];
    for (const member of ["first", "second"]) bus.subscribe("a", () => void got.push(member), { queue: "q" });
    for (next of [0, 0.99, 0.49, 0.5]) bus.publish("a", bytes("x"));
    await broker.idle();
    expect(got).toEqual(["first", "second", "first", "second"]);
  });

  test("idle waits for what deliveries lead to", async () => {
    const broker = createMemoryBroker();
    const bus = broker.connect();
    let hops = 0;
    bus.subscribe("hop", () => void (++hops < 20 && bus.publish("hop", bytes(""))));
    bus.publish("hop", bytes(""));
    await broker.idle();
    expect(hops).toBe(20);
  });

  test("requests time out by the given clock", async () => {
    const due: (() => void)[] = [];
    const clock = { monotonicMs: () => 0, schedule: (_: number, action: () => void) => ({ cancel() {}, at: due.push(action) }) };
    const broker = createMemoryBroker({ clock });
    const bus = broker.connect();
    bus.subscribe("a", () => {});
    const code = codeOf(() => bus.request("a", bytes("x"), { timeoutMs: 1e9 }));
    await until("the timer is set", () => due.length === 1);
    due[0]?.();
    expect(await code).toBe("timeout");
  });
});

describe("the memory store alone", () => {
  test("refuses when it is full, counts it, forgets nothing, and takes again what expiry made room for", async () => {
    const clock = createTestClock();
    const store = createMemoryStore(clock, { entriesMax: 2, bytesMax: 100 });
    await store.put("a", bytes("1"), 1_000);
    await store.put("b", bytes("2"), 5_000);
    expect(await codeOf(() => store.put("c", bytes("3"), 1_000))).toBe("store-unavailable");
    expect(await codeOf(() => store.putIfAbsent("c", bytes("3"), 1_000))).toBe("store-unavailable");
    await store.put("b", bytes("22"), 5_000);
    expect(await codeOf(() => store.put("b", new Uint8Array(200), 5_000))).toBe("store-unavailable");
    expect([await store.get("a"), await store.get("b")]).toEqual([bytes("1"), bytes("22")]);
    expect(store.refusedCount).toBe(3);
    clock.advance(1_500);
    await store.put("c", bytes("3"), 1_000);
    expect(await store.get("a")).toBeUndefined();
  });
});
