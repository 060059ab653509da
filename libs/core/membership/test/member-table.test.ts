import { describe, expect, it } from "vitest";
import type { Update } from "../src/frames.ts";
import { MemberTable } from "../src/member-table.ts";
import { updateAbout } from "./updates.ts";

/** Proves what the table of members remembers, for how long, and what it does when it is full. */

const tableOf = (membersMax = 3) => new MemberTable({ membersMax, tombstoneMs: 1_000 });
const tableWith = (update: Update) => {
  const table = tableOf();
  table.merge(update, 0);
  return table;
};
const ids = (table: MemberTable) => [...table.all()].map(({ id }) => id);

describe("changes", () => {
  it("are of state: a higher incarnation alone is taken and is none", () => {
    const table = tableOf();
    expect(table.merge(updateAbout("a"), 5)).toEqual({
      kind: "taken",
      changes: [{ id: "a", from: "unknown", to: "alive", incarnation: 1 }],
    });
    expect(table.merge(updateAbout("a"), 6)).toEqual({ kind: "known" });
    expect(table.merge(updateAbout("a", { incarnation: 2 }), 7)).toEqual({ kind: "taken", changes: [] });
    expect(table.get("a")).toMatchObject({ incarnation: 2, sinceMs: 5 });
    expect(table.merge(updateAbout("a", { incarnation: 2, state: "suspect", by: [] }), 8)).toMatchObject({
      changes: [{ from: "alive", to: "suspect" }],
    });
    expect(table.get("a")).toMatchObject({ sinceMs: 8 });
    expect(table.counts).toEqual({ alive: 0, suspect: 1, dead: 0, left: 0 });
  });

  it("make the same digest where they end the same, and another where they do not", () => {
    const [one, other] = [tableOf(), tableOf()];
    one.merge(updateAbout("a"), 0);
    one.merge(updateAbout("b"), 0);
    other.merge(updateAbout("b"), 9);
    expect(one.digest).not.toBe(other.digest);
    other.merge(updateAbout("a", { state: "suspect" }), 9);
    expect(one.digest).not.toBe(other.digest);
    one.merge(updateAbout("a", { state: "suspect" }), 9);
    expect(one.digest).toBe(other.digest);
    const high = tableOf();
    high.merge(updateAbout("b", { incarnation: 1 + 2 ** 32 }), 0);
    expect(high.digest).not.toBe(tableWith(updateAbout("b")).digest);
    one.forgetAllBut("b");
    other.forgetAllBut("b");
    expect(one.digest).toBe(other.digest);
  });
});

describe("tombstones", () => {
  it("are forgotten when their time is up, counted from the death and not from the news of it", () => {
    const table = tableOf();
    table.merge(updateAbout("a", { state: "dead", ageMs: 0 }), 0);
    table.merge(updateAbout("b", { state: "left", ageMs: 600 }), 0);
    table.merge(updateAbout("c"), 0);
    expect(table.expire(399)).toEqual([]);
    expect(table.expire(400)).toEqual([{ id: "b", from: "left", to: "unknown", incarnation: 1 }]);
    expect(table.expire(1_000)).toMatchObject([{ id: "a", to: "unknown" }]);
    expect(ids(table)).toEqual(["c"]);
    expect(table.tombstones.size).toBe(0);
  });

  it("of strangers are not taken in when they are forgotten elsewhere already", () => {
    const table = tableOf();
    expect(table.merge(updateAbout("a", { state: "dead", ageMs: 1_000 }), 0)).toEqual({ kind: "refused" });
    expect(table.size).toBe(0);
  });

  it("keep a stale alive out, until they are forgotten", () => {
    const table = tableOf();
    table.merge(updateAbout("a", { state: "dead", incarnation: 4, ageMs: 0 }), 0);
    expect(table.merge(updateAbout("a", { incarnation: 4 }), 999)).toEqual({ kind: "known" });
    table.expire(1_000);
    expect(table.merge(updateAbout("a", { incarnation: 4 }), 1_000)).toMatchObject({ kind: "taken" });
  });
});

describe("when it is full", () => {
  it("a stranger who lives takes the place of the oldest tombstone", () => {
    const table = tableOf();
    table.merge(updateAbout("a"), 0);
    table.merge(updateAbout("b", { state: "dead" }), 1);
    table.merge(updateAbout("c", { state: "dead" }), 2);
    expect(table.merge(updateAbout("d"), 3)).toMatchObject({
      kind: "taken",
      changes: [
        { id: "b", from: "dead", to: "unknown" },
        { id: "d", from: "unknown", to: "alive" },
      ],
    });
    expect(ids(table)).toEqual(["a", "c", "d"]);
    expect([table.evicted, table.refused]).toEqual([1, 0]);
  });

  it("any other stranger is refused, and known ones still change", () => {
    const table = tableOf(2);
    table.merge(updateAbout("a"), 0);
    table.merge(updateAbout("b", { state: "dead" }), 0);
    expect(table.merge(updateAbout("c", { state: "dead" }), 0)).toEqual({ kind: "refused" });
    table.merge(updateAbout("b", { incarnation: 2 }), 0);
    expect(table.merge(updateAbout("c"), 0)).toEqual({ kind: "refused" });
    expect(table.merge(updateAbout("a", { state: "suspect" }), 0)).toMatchObject({ kind: "taken" });
    expect([table.evicted, table.refused, table.size]).toEqual([0, 2, 2]);
  });
});
