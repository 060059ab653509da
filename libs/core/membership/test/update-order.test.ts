import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { MemberState } from "../src/frames.ts";
import { MemberTable } from "../src/member-table.ts";
import { supersedes, type Versioned } from "../src/update-order.ts";
import { anyUpdate, updateAbout } from "./updates.ts";

/**
 * Proves the order of updates by the table of SWIM §4.2, with what differs from it, and by properties: it is a total order, and
 * a table that takes the greater of two is the same whatever the order of what it hears. The twin keeps all and sorts them.
 */

const of = (state: MemberState, incarnation: number): Versioned => ({ state, incarnation, meta: {} });

describe("SWIM §4.2", () => {
  it.each<[MemberState, number, MemberState, number, boolean]>([
    // Alive overrides suspect and alive of a lower incarnation.
    ["alive", 2, "suspect", 1, true],
    ["alive", 2, "alive", 1, true],
    ["alive", 1, "suspect", 1, false],
    ["alive", 1, "alive", 1, false],
    // Suspect overrides suspect of a lower, alive of a lower or the same.
    ["suspect", 2, "suspect", 1, true],
    ["suspect", 1, "suspect", 1, false],
    ["suspect", 1, "alive", 1, true],
    ["suspect", 2, "alive", 1, true],
    ["suspect", 1, "alive", 2, false],
    // Dead overrides both, of a lower or the same; unlike in the paper, a higher one has denied it.
    ["dead", 1, "alive", 1, true],
    ["dead", 1, "suspect", 1, true],
    ["dead", 2, "alive", 1, true],
    ["dead", 1, "alive", 2, false],
    ["dead", 1, "suspect", 2, false],
    // Only alive of a higher incarnation undoes a death, and what follows from it.
    ["alive", 1, "dead", 1, false],
    ["alive", 0, "dead", 1, false],
    ["alive", 2, "dead", 1, true],
    ["suspect", 1, "dead", 1, false],
    ["suspect", 2, "dead", 1, true],
    // Who has left said so itself.
    ["left", 1, "dead", 1, true],
    ["dead", 1, "left", 1, false],
    ["left", 1, "alive", 1, true],
    ["alive", 1, "left", 1, false],
    ["alive", 2, "left", 1, true],
  ])("%s of %d over %s of %d: %s", (state, incarnation, known, knownIncarnation, wins) => {
    expect(supersedes(of(state, incarnation), of(known, knownIncarnation))).toBe(wins);
  });

  it("prefers one of two records of the same, whichever comes first", () => {
    const [a, b] = [updateAbout("m", { meta: { version: "1" } }), updateAbout("m", { meta: { version: "2" } })];
    expect([supersedes(a, b), supersedes(b, a)]).toEqual([false, true]);
    expect(supersedes(updateAbout("m", { meta: { a: "1", b: "2" } }), updateAbout("m", { meta: { b: "2", a: "1" } }))).toBe(
      false,
    );
    const [c, d] = [updateAbout("m", { meta: { a: "2", b: "1" } }), updateAbout("m", { meta: { b: "9", a: "1" } })];
    expect([supersedes(c, d), supersedes(d, c)]).toEqual([true, false]);
  });
});

describe("properties", () => {
  const about = anyUpdate(fc.constant("m"));

  it("the order is total: of two, one supersedes the other or they say the same", () => {
    fc.assert(
      fc.property(about, about, (a, b) => {
        const isSame = a.state === b.state && a.incarnation === b.incarnation && a.meta["version"] === b.meta["version"];
        expect([supersedes(a, b), supersedes(b, a)].filter(Boolean)).toHaveLength(isSame ? 0 : 1);
      }),
      { numRuns: 500 },
    );
  });

  it("is transitive", () => {
    fc.assert(
      fc.property(about, about, about, (a, b, c) => {
        if (supersedes(a, b) && supersedes(b, c)) expect(supersedes(a, c)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  it("merging is commutative, associative and idempotent, and ends at what a twin finds that sorts all it heard", () => {
    const ids = fc.constantFrom("a", "b", "c");
    const heard = fc.array(anyUpdate(ids), { maxLength: 30 });
    const shown = (table: MemberTable) =>
      [...table.all()].map(({ id, state, incarnation, meta }) => ({ id, state, incarnation, meta })).sort(byId);
    const tableOf = (updates: readonly ReturnType<typeof updateAbout>[]) => {
      const table = new MemberTable({ membersMax: 10, tombstoneMs: 1_000 });
      for (const update of updates) table.merge(update, 0);
      return table;
    };
    const withOtherOrder = heard.chain((updates) =>
      fc.tuple(fc.constant(updates), fc.shuffledSubarray(updates, { minLength: updates.length })),
    );
    fc.assert(
      fc.property(withOtherOrder, ([updates, shuffled]) => {
        const table = tableOf(updates);
        expect(shown(tableOf(shuffled))).toEqual(shown(table));
        expect(tableOf(shuffled).digest).toBe(table.digest);
        expect(shown(tableOf([...updates, ...shuffled, ...updates]))).toEqual(shown(table));
        expect(shown(table)).toEqual(twinOf(updates));
      }),
      { numRuns: 500 },
    );
  });
});

function byId(a: { readonly id: string }, b: { readonly id: string }): number {
  return a.id < b.id ? -1 : 1;
}

function twinOf(updates: readonly ReturnType<typeof updateAbout>[]) {
  const order: readonly MemberState[] = ["alive", "suspect", "dead", "left"];
  const key = ({ incarnation, state, meta }: Versioned) =>
    `${String(incarnation).padStart(6, "0")} ${order.indexOf(state)} ${meta["version"]}`;
  const greatest = new Map<string, ReturnType<typeof updateAbout>>();
  for (const update of [...updates].sort((a, b) => (key(a) < key(b) ? -1 : 1))) greatest.set(update.id, update);
  return [...greatest.values()].map(({ id, state, incarnation, meta }) => ({ id, state, incarnation, meta })).sort(byId);
}
