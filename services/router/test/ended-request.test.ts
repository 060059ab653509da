import { type CoordinationResult, type Decision, limits, type Row } from "@nexus/contracts";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bytesOf, endedRequestFrom, keep, reopen, repeated } from "../src/ended-request.ts";
import { RequestRegistry } from "../src/registry.ts";
import { endedRequestOf, type ResultFacts } from "../src/results.ts";

/** Proves: what is kept of an ended request opens to the very same one, and is bounded by the bytes that it really takes. */

const ID = "01JD0000000000000000000000";

const attempt = (strategy: string, failed: boolean): Decision["attempts"][number] => ({
  layer: "foundation",
  strategy,
  why: "a test",
  startedMs: 0,
  durationMs: 1,
  messages: 1,
  answers: 1,
  ...(failed ? { error: { code: "disconnected", message: "gone", retryable: true, executed: "none" as const } } : {}),
});

function ended(options: {
  rows: number;
  missing?: number;
  attempts?: number;
  chars?: number;
  bytesMax?: number;
  explain?: ResultFacts["request"]["explain"];
}) {
  const { rows: count, missing = 0, attempts = 1, chars = 3, bytesMax = 1_000_000, explain } = options;
  const rows: Row[] = Array.from({ length: count }, (_, index) => ({
    agent: `a${index}`,
    index,
    status: "ok",
    value: "é".repeat(chars),
  }));
  const decision: Decision = {
    layer: "foundation",
    strategy: "foundation",
    why: "a test",
    available: ["foundation"],
    ceiling: { layer: "performance", by: "default" },
    tableVersion: 3,
    actual: { durationMs: 1, success: 1 },
    attempts: Array.from({ length: attempts }, (_, index) => attempt(`s${index}`, false)),
    costs: {},
  };
  return endedRequestOf(
    {
      report: {
        status: "completed",
        executed: "all",
        outcome: { type: "balance", pieces: count, done: count, ended: "everyone", rows: [], rowsTotal: count },
        rows,
        agents: {
          targeted: count,
          responded: count,
          extra: 0,
          missing: Array.from({ length: missing }, (_, index) => ({ agent: `m${index}`, reason: "slow" as const })),
        },
      },
      decision,
      executed: "all",
      error: undefined,
    },
    {
      id: ID,
      type: "balance",
      request: {
        goal: { type: "balance", operation: "echo" },
        agents: { all: true },
        ...(explain === undefined ? {} : { explain }),
      },
      idempotency: "unprotected",
      durationMs: 1.5,
      traceId: undefined,
      routerId: "r1",
      bytesMax,
    },
  );
}

const kinds = fc.record({
  rows: fc.oneof(fc.integer({ min: 0, max: 5 }), fc.constant(limits.resultRowsMax + 7)),
  missing: fc.oneof(fc.integer({ min: 0, max: 3 }), fc.constant(limits.resultRowsMax + 1)),
  attempts: fc.integer({ min: 1, max: 3 }),
  chars: fc.integer({ min: 0, max: 20 }),
  bytesMax: fc.constantFrom(1_000_000, 20_000, 8_500),
  explain: fc.constantFrom("none", "summary", "full", undefined),
});

describe("an ended request", () => {
  it("opens to what was kept", () => {
    fc.assert(
      fc.property(kinds, (options) => {
        const original = ended(options);
        const opened = reopen(keep(original));
        // JSON has no member that is undefined.
        expect(opened).toEqual(original);
        expect(JSON.parse(original.json)).toEqual(original.result);
        expect(new TextEncoder().encode(original.json).byteLength).toBeLessThanOrEqual(options.bytesMax);
      }),
      { numRuns: 60 },
    );
  });

  it("keeps nothing beside a result that tells everything", () => {
    const kept = keep(ended({ rows: 3, attempts: 1 }));
    expect(kept.beside).toBeUndefined();
    expect(bytesOf(kept)).toBe(2 * kept.result.length);
    expect(keep(ended({ rows: limits.resultRowsMax + 1 })).beside).toBeDefined();
    expect(keep(ended({ rows: 1, explain: "none" })).beside).toBeDefined();
  });

  it("that was read from its result alone stays what it is: less than the whole", () => {
    const { result } = ended({ rows: limits.resultRowsMax + 7, missing: 2 });
    const told = endedRequestFrom(result);
    expect(reopen(keep(told))).toEqual(told);
    expect(told).toMatchObject({ whole: false, rowsTotal: limits.resultRowsMax + 7, missingTotal: 2 });
  });

  it("says when it is told again, in both of its forms", () => {
    const { result, json } = repeated(ended({ rows: 1 }));
    expect(result.repeated).toBe(true);
    expect((JSON.parse(json) as CoordinationResult).repeated).toBe(true);
  });
});

describe("the registry", () => {
  it("keeps ended requests as long as their bytes allow", () => {
    const one = ended({ rows: 2, chars: 100 });
    const bytes = bytesOf(keep(one));
    const registry = new RequestRegistry({ requestsMax: 100, bytesMax: bytes * 3, ttlMs: 1_000 });
    const ids = Array.from({ length: 5 }, (_, index) => `${ID.slice(0, -1)}${index}`);
    for (const id of ids) {
      expect(registry.begin(id, undefined, 0)).toEqual({ kind: "new" });
      registry.finish(id, one, 0);
    }
    expect(ids.map((id) => registry.ended(id) !== undefined)).toEqual([false, false, true, true, true]);
    expect(registry.ended(ids[4] as string)).toEqual(one);
    expect(registry.begin(ids[3] as string, undefined, 0)).toEqual({ kind: "done", result: one });
  });
});
