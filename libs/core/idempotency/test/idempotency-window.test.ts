import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { IdempotencyWindow } from "../src/index.ts";

const open = (options = {}) => new IdempotencyWindow<string>({ entriesMax: 3, bytesMax: 100, ttlMs: 1_000, ...options });

describe("idempotency window", () => {
  it("goes from new to running to done, and forgets by time", () => {
    const window = open();
    expect(window.begin("k", "d", 0)).toEqual({ kind: "new" });
    expect(window.begin("k", "d", 1)).toEqual({ kind: "running" });
    window.finish("k", "result", 10, 5);
    expect(window.begin("k", "d", 6)).toEqual({ kind: "done", result: "result" });
    expect(window.begin("k", "d", 1_005)).toEqual({ kind: "new" });
  });

  it.each([
    ["d", "e"],
    ["d", undefined],
    [undefined, "d"],
  ])("W3: digest %s then %s is a reuse", (first, second) => {
    const window = open();
    window.begin("k", first, 0);
    expect(window.begin("k", second, 1)).toEqual({ kind: "reused" });
    window.finish("k", "r", 1, 2);
    expect(window.begin("k", second, 3)).toEqual({ kind: "reused" });
  });

  it("W1: never evicts what runs", () => {
    const window = open();
    for (const key of ["a", "b", "c"]) window.begin(key, undefined, 0);
    expect(window.begin("d", undefined, 0)).toEqual({ kind: "full" });
    window.finish("b", "r", 1, 1);
    expect(window.begin("d", undefined, 2)).toEqual({ kind: "new" });
    expect(window.evicted).toBe(1);
    expect(["a", "c", "d"].every((key) => window.isRunning(key))).toBe(true);
  });

  it("W2: keeps to its bytes, oldest first", () => {
    const window = open();
    for (const key of ["a", "b"]) {
      window.begin(key, undefined, 0);
      window.finish(key, "r", 60, 0);
    }
    expect(window.peek("a")).toBeUndefined();
    expect(window.peek("b")?.result).toBe("r");
    expect(window.bytes).toBe(60);
  });

  it("stays within its bounds whatever happens", () => {
    const step = fc.record({
      key: fc.constantFrom(..."abcdef"),
      act: fc.constantFrom("begin", "finish", "forget"),
      bytes: fc.nat(80),
      wait: fc.nat(400),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const window = open();
        let nowMs = 0;
        for (const { key, act, bytes, wait } of steps) {
          nowMs += wait;
          if (act === "begin") window.begin(key, undefined, nowMs);
          else if (act === "finish") window.finish(key, key, bytes, nowMs);
          else window.forget(key);
          expect(window.size).toBeLessThanOrEqual(3);
          expect(window.bytes).toBeLessThanOrEqual(100);
        }
      }),
    );
  });
});
