import { decode, encode, type MissingAgent, type Row, resultSchema } from "@nexus/contracts";
import { describe, expect, it } from "vitest";
import { pageOf } from "../src/pages.ts";
import { fitted } from "../src/results.ts";

/** Results and pages fit a message: lists with pages of their own are shortened first, and no success is lost to them. */

const result = (changes: object) =>
  resultSchema.parse({
    v: 1,
    id: "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    type: "consensus",
    status: "completed",
    executed: "all",
    agents: { targeted: 3_000, responded: 2_000, extra: 0, missingTotal: 1_000, missing: [] },
    idempotency: "claimed",
    repeated: false,
    dryRun: false,
    durationMs: 1,
    router: "r1",
    ...changes,
  });
const vote = (rows: Row[]) => ({
  type: "consensus",
  decision: "accepted",
  for: 2_000,
  against: 0,
  abstained: 0,
  needed: 1_501,
  electorate: 3_000,
  ended: "condition",
  rows,
  rowsTotal: rows.length,
});
const missing: MissingAgent[] = Array.from({ length: 1_000 }, (_, index) => ({
  agent: `agent-${index}`,
  reason: "error",
  message: "x".repeat(1_024),
}));
const rows: Row[] = Array.from({ length: 1_000 }, (_, index) => ({
  agent: `agent-${index}`,
  status: "ok",
  value: "y".repeat(500),
}));

describe("fitted", () => {
  it("leaves alone what fits", () => {
    const fits = result({ outcome: vote(rows.slice(0, 10)) });
    expect(fitted(fits, 1_000_000)).toBe(fits);
  });

  it("drops rows, then missing agents, and keeps the decision", () => {
    const agents = { targeted: 3_000, responded: 2_000, extra: 0, missingTotal: 1_000, missing };
    const fit = fitted(result({ outcome: vote(rows), agents }), 100_000);
    expect(encode(fit).byteLength).toBeLessThanOrEqual(100_000);
    expect(fit).toMatchObject({ status: "completed", outcome: { decision: "accepted", rowsTotal: 1_000, rows: [] } });
    expect(fit.agents).toMatchObject({ missingTotal: 1_000 });
    expect(fit.agents.missing.length).toBeGreaterThan(0);
    expect(fit.agents.missing).toEqual(missing.slice(0, fit.agents.missing.length));
  });

  it("drops a causal goal's clocks before it fails, and keeps its token", () => {
    const operation = { operation: "o", after: [], status: "completed", targeted: 1, responded: 1, concurrent: [], gaps: 0 };
    const operations = Array.from({ length: 100 }, (_, index) => ({ ...operation, index, clock: "c".repeat(32_768) }));
    const outcome = { type: "causal", operations, token: "t".repeat(32_768), ended: "condition", rows: [], rowsTotal: 0 };
    const fit = fitted(result({ type: "causal", outcome }), 64_000);
    expect(fit).toMatchObject({ status: "completed", outcome: { token: outcome.token, operations: { length: 100 } } });
    expect(encode(fit).byteLength).toBeLessThanOrEqual(64_000);
  });

  it("gives up a gather's value last, and says so", () => {
    const outcome = {
      type: "gather",
      until: "all",
      wanted: 1,
      ended: "condition",
      reduce: "merge",
      contributors: 1,
      unusable: 0,
    };
    const large = result({ type: "gather", outcome: { ...outcome, value: "z".repeat(50_000), rows: [], rowsTotal: 0 } });
    expect(fitted(large, 60_000)).toMatchObject({ status: "completed" });
    const fit = fitted(large, 10_000);
    expect(fit).toMatchObject({ status: "failed", executed: "all", error: { code: "too-large" }, outcome: { value: null } });
  });
});

describe("pageOf", () => {
  it("holds what was asked for, and names the next", () => {
    expect(pageOf([1, 2, 3, 4, 5], { offset: 1, limit: 2 }, 100_000)).toEqual({ page: [2, 3], total: 5, next: 3 });
    expect(pageOf([1, 2, 3], { offset: 2 }, 100_000)).toEqual({ page: [3], total: 3 });
    expect(pageOf([1, 2, 3], { offset: 9 }, 100_000)).toEqual({ page: [], total: 3 });
  });

  it("fits a message", () => {
    const { page, next, total } = pageOf(rows, {}, 50_000);
    expect(encode(page).byteLength).toBeLessThan(50_000);
    expect(decode(encode(page))).toEqual(rows.slice(0, page.length));
    expect({ next, total }).toEqual({ next: page.length, total: 1_000 });
  });

  it("refuses items that are no longer kept, instead of an end that is none", () => {
    expect(pageOf(rows.slice(0, 10), { offset: 5 }, 50_000, 1_000)).toMatchObject({ total: 1_000, next: 10 });
    expect(() => pageOf(rows.slice(0, 10), { offset: 10 }, 50_000, 1_000)).toThrow(
      expect.objectContaining({ code: "not-found", field: "offset" }),
    );
  });
});
