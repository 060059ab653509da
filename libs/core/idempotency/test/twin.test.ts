import fc from "fast-check";
import { expect, it } from "vitest";
import { type Beginning, IdempotencyWindow, type WindowOptions } from "../src/index.ts";

/** Proves the window by a twin that keeps one plain list and searches it, over random histories; and that it is O(1). */

interface Row {
  key: string;
  digest: string | undefined;
  ended?: { result: string; bytes: number; untilMs: number };
}

/** `running` in any order, `ended` oldest first. */
class Twin {
  rows: Row[] = [];
  evicted = 0;
  readonly options: WindowOptions;
  constructor(options: WindowOptions) {
    this.options = options;
  }
  ended = () => this.rows.filter((row) => row.ended !== undefined);
  bytes = () => this.ended().reduce((sum, row) => sum + (row.ended?.bytes ?? 0), 0);
  remove = (gone: Row | undefined) => {
    this.rows = this.rows.filter((row) => row !== gone);
  };
  evict(row: Row | undefined) {
    this.remove(row);
    this.evicted++;
  }
  begin(key: string, digest: string | undefined, nowMs: number): Beginning<string> {
    this.rows = this.rows.filter((row) => row.ended === undefined || row.ended.untilMs > nowMs);
    const row = this.rows.find((row) => row.key === key);
    if (row !== undefined && row.digest !== digest) return { kind: "reused" };
    if (row !== undefined) return row.ended ? { kind: "done", result: row.ended.result } : { kind: "running" };
    if (this.rows.length >= this.options.entriesMax) {
      if (this.ended().length === 0) return { kind: "full" };
      this.evict(this.ended()[0]);
    }
    this.rows.push({ key, digest });
    return { kind: "new" };
  }
  finish(key: string, result: string, bytes: number, nowMs: number) {
    const row = this.rows.find((row) => row.key === key && row.ended === undefined);
    if (row === undefined) return;
    this.remove(row);
    this.rows.push({ ...row, ended: { result, bytes, untilMs: nowMs + this.options.ttlMs } });
    if (bytes > this.options.bytesMax) this.evict(this.rows.at(-1));
    while (this.bytes() > this.options.bytesMax) this.evict(this.ended()[0]);
  }
}

it("is what the twin is, after every history", () => {
  const step = fc.record({
    key: fc.constantFrom(..."abcdef"),
    digest: fc.constantFrom(undefined, "x", "x", "x", "y"),
    act: fc.constantFrom("begin", "begin", "finish", "finish", "forget"),
    bytes: fc.nat(120),
    wait: fc.nat(300),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), fc.integer({ min: 1, max: 5 }), (steps, entriesMax) => {
      const options = { entriesMax, bytesMax: 100, ttlMs: 1_000 };
      const [window, twin] = [new IdempotencyWindow<string>(options), new Twin(options)];
      let nowMs = 0;
      for (const [index, { key, digest, act, bytes, wait }] of steps.entries()) {
        nowMs += wait;
        if (act === "begin") expect(window.begin(key, digest, nowMs)).toEqual(twin.begin(key, digest, nowMs));
        else if (act === "finish") {
          window.finish(key, `r${index}`, bytes, nowMs);
          twin.finish(key, `r${index}`, bytes, nowMs);
        } else {
          window.forget(key);
          twin.remove(twin.rows.find((row) => row.key === key));
        }
        expect([window.size, window.bytes, window.evicted]).toEqual([twin.rows.length, twin.bytes(), twin.evicted]);
        expect(window.isRunning(key)).toBe(twin.rows.some((row) => row.key === key && row.ended === undefined));
      }
    }),
    { numRuns: 500 },
  );
});

it("drops an oversize result alone", () => {
  const window = new IdempotencyWindow<string>({ entriesMax: 9, bytesMax: 100, ttlMs: 1_000 });
  for (const [key, bytes] of [
    ["small", 10],
    ["huge", 101],
  ] as const) {
    window.begin(key, undefined, 0);
    window.finish(key, "r", bytes, 0);
  }
  expect(window.begin("small", undefined, 1)).toEqual({ kind: "done", result: "r" });
  expect(window.begin("huge", undefined, 1)).toEqual({ kind: "new" });
  expect(window.evicted).toBe(1);
});

it("costs the same for each of many evictions", () => {
  const window = new IdempotencyWindow<number>({ entriesMax: 100_000, bytesMax: 1e9, ttlMs: 1e9 });
  const startMs = performance.now();
  for (let index = 0; index < 300_000; index++) {
    window.begin(`key-${index}`, undefined, 0);
    window.finish(`key-${index}`, index, 1, 0);
  }
  expect([window.size, window.evicted]).toEqual([100_000, 200_000]);
  // Searching for the oldest takes twenty seconds here, and a list under one.
  expect(performance.now() - startMs).toBeLessThan(8_000);
});
