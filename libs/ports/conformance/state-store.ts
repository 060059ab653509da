import type { StateStore } from "@nexus/ports";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bytes, codeOf } from "./bus-fixture.ts";
import { until } from "./waiting.ts";

/** One store, or what stands for its server, and connections to it. */
export interface StateStoreFixture {
  /** Each with the same content. A store of one process returns the same object. Closed by `stop`, if the test did not. */
  connect(): Promise<StateStore>;
  /** Lets time pass, by waiting or by a virtual clock. */
  pass(durationMs: number): Promise<void>;
  stop(): Promise<void>;
}

const TTL_MS = 60_000;
const show = (value: Uint8Array | undefined): string | undefined =>
  value === undefined ? undefined : new TextDecoder().decode(value);

/** Every invariant of the `StateStore` port but S3, which the adapters prove with their own servers. */
export function stateStoreConformance(name: string, factory: () => Promise<StateStoreFixture>): void {
  describe(`${name} is a StateStore`, () => {
    let fixture: StateStoreFixture;
    let store: StateStore;
    let keys = 0;
    const key = (): string => `conformance:${++keys}`;
    beforeAll(async () => {
      fixture = await factory();
      store = await fixture.connect();
      await until("the store is available", () => store.available);
    });
    afterAll(() => fixture.stop());

    test("what is put is got, byte for byte, until it is deleted", async () => {
      const k = key();
      const all = Uint8Array.from({ length: 512 }, (_, index) => index % 256);
      expect(await store.get(k)).toBeUndefined();
      await store.put(k, all, TTL_MS);
      expect([...((await store.get(k)) ?? [])]).toEqual([...all]);
      await store.put(k, new Uint8Array(0), TTL_MS);
      expect(await store.get(k)).toHaveLength(0);
      await store.delete(k);
      await store.delete(k);
      expect(await store.get(k)).toBeUndefined();
    });

    test("a view into a larger buffer is put as the view alone, and the buffer may be used again", async () => {
      const k = key();
      const buffer = bytes("--value--");
      await store.put(k, buffer.subarray(2, 7), TTL_MS);
      buffer.fill(0);
      expect(show(await store.get(k))).toBe("value");
      const got = await store.get(k);
      got?.fill(0);
      expect(show(await store.get(k))).toBe("value");
    });

    test("S1: of many that put if absent, one puts and all others see its value", async () => {
      const stores = await Promise.all([1, 2, 3, 4].map(() => fixture.connect()));
      for (let round = 0; round < 20; round++) {
        const k = key();
        const results = await Promise.all(stores.map((each, index) => each.putIfAbsent(k, bytes(`from ${index}`), TTL_MS)));
        const winner = results.indexOf(undefined);
        expect(results.map(show)).toEqual(results.map((_, index) => (index === winner ? undefined : `from ${winner}`)));
        expect(show(await store.get(k))).toBe(`from ${winner}`);
      }
    });

    test("S1: increments by compare-and-set are never lost", async () => {
      const k = key();
      await store.put(k, bytes("0"), TTL_MS);
      const stores = await Promise.all([1, 2, 3].map(() => fixture.connect()));
      const increment = async (each: StateStore): Promise<void> => {
        for (let done = 0; done < 20; ) {
          const before = await each.get(k);
          if (before === undefined) throw new Error("the value is gone");
          if (await each.compareAndSet(k, before, bytes(String(Number(show(before)) + 1)), TTL_MS)) done++;
        }
      };
      await Promise.all(stores.map(increment));
      expect(show(await store.get(k))).toBe("60");
    });

    test("compare-and-set changes nothing where the value differs or is absent", async () => {
      const k = key();
      expect(await store.compareAndSet(k, bytes("a"), bytes("b"), TTL_MS)).toBe(false);
      expect(await store.compareAndSet(k, new Uint8Array(0), bytes("b"), TTL_MS)).toBe(false);
      expect(await store.get(k)).toBeUndefined();
      await store.put(k, Uint8Array.of(0xff, 0, 1), TTL_MS);
      expect(await store.compareAndSet(k, Uint8Array.of(0xfe, 0, 1), bytes("b"), TTL_MS)).toBe(false);
      expect(await store.compareAndSet(k, Uint8Array.of(0xff, 0), bytes("b"), TTL_MS)).toBe(false);
      expect(await store.compareAndSet(k, Uint8Array.of(0xff, 0, 1), bytes("b"), TTL_MS)).toBe(true);
      expect(show(await store.get(k))).toBe("b");
    });

    test("S2: every value expires, however it was put, and a new put sets a new time", async () => {
      const [put, absent, set, again] = [key(), key(), key(), key()];
      await store.put(put, bytes("x"), 40);
      await store.putIfAbsent(absent, bytes("x"), 40);
      await store.put(set, bytes("x"), TTL_MS);
      expect(await store.compareAndSet(set, bytes("x"), bytes("y"), 40.5)).toBe(true);
      await store.put(again, bytes("x"), 40);
      await store.put(again, bytes("y"), TTL_MS);
      await fixture.pass(60);
      for (const k of [put, absent, set]) expect(await store.get(k)).toBeUndefined();
      expect(show(await store.get(again))).toBe("y");
      expect(await store.putIfAbsent(put, bytes("new"), TTL_MS)).toBeUndefined();
      expect(await store.compareAndSet(absent, bytes("x"), bytes("z"), TTL_MS)).toBe(false);
    });

    test.each([0, -1, Number.NaN])("a time to live of %d is refused and changes nothing", async (ttlMs) => {
      const k = key();
      await store.put(k, bytes("kept"), TTL_MS);
      expect(await codeOf(() => store.put(k, bytes("x"), ttlMs))).toBe("invalid-field");
      expect(await codeOf(() => store.compareAndSet(k, bytes("kept"), bytes("x"), ttlMs))).toBe("invalid-field");
      expect(show(await store.get(k))).toBe("kept");
    });

    test("keys are any text", async () => {
      for (const k of ["__proto__", "a b", "ü\r\n", "{x}", "k".repeat(5_000)]) {
        await store.put(k, bytes(k.slice(0, 10)), TTL_MS);
        expect(show(await store.get(k))).toBe(k.slice(0, 10));
      }
    });

    test("ping tells milliseconds", async () => {
      expect(await store.ping()).toBeGreaterThanOrEqual(0);
    });

    test("after close every call fails with store-unavailable", async () => {
      const other = await factory();
      try {
        const closed = await other.connect();
        await closed.close();
        expect(closed.available).toBe(false);
        const calls = [
          () => closed.get("k"),
          () => closed.put("k", bytes("x"), TTL_MS),
          () => closed.ping(),
          () => closed.delete("k"),
        ];
        for (const call of calls) expect(await codeOf(call)).toBe("store-unavailable");
      } finally {
        await other.stop();
      }
    });
  });
}
