import fc from "fast-check";
import { expect, it } from "vitest";
import { type Ballot, tally, type VoteRule } from "../src/index.ts";

/** Proves the rules by a twin that tries every way in which the silent could still vote. */

const ballots: Ballot[] = ["for", "against", "abstain"];

/** Obviously right: with everybody's ballot known, does the proposal pass? */
function passes(rule: VoteRule, votes: Map<string, Ballot>): boolean {
  const weight = (voter: string) => (rule.rule === "weighted" ? (rule.weights?.[voter] ?? 1) : 1);
  const sum = (wanted: Ballot) =>
    [...votes].filter(([, ballot]) => ballot === wanted).reduce((total, [voter]) => total + weight(voter), 0);
  const [yes, no, none] = [sum("for"), sum("against"), sum("abstain")];
  const base = rule.abstentions === "ignore" ? yes + no : yes + no + none;
  if (rule.rule === "quorum") return yes >= (rule.quorum ?? 0);
  if (rule.rule === "unanimous") return yes > 0 && yes === base;
  const share = rule.rule === "weighted" ? (rule.threshold ?? 0.5) : 0.5;
  if (yes > base * share) return true;
  return rule.ties === "accept" && yes > 0 && yes === no && yes === base * share;
}

function everyCompletion(electorate: string[], cast: Map<string, Ballot>): Map<string, Ballot>[] {
  return electorate
    .filter((voter) => !cast.has(voter))
    .reduce((all, voter) => all.flatMap((votes) => ballots.map((ballot) => new Map(votes).set(voter, ballot))), [new Map(cast)]);
}

const rules: fc.Arbitrary<VoteRule> = fc.record(
  {
    rule: fc.constantFrom("majority" as const, "unanimous" as const, "weighted" as const, "quorum" as const),
    quorum: fc.integer({ min: 1, max: 5 }),
    threshold: fc.constantFrom(0.5, 0.75, 1),
    weights: fc.dictionary(fc.constantFrom("a", "b", "c", "d", "e"), fc.integer({ min: 0, max: 5 })),
    abstentions: fc.constantFrom("count" as const, "ignore" as const),
    ties: fc.constantFrom("reject" as const, "accept" as const),
  },
  { requiredKeys: ["rule", "quorum"] },
);

it("is undecided exactly while the silent could still tip it", () => {
  const electorates = fc.subarray(["a", "b", "c", "d", "e"], { minLength: 1 });
  fc.assert(
    fc.property(
      rules,
      electorates,
      fc.dictionary(fc.constantFrom("a", "b", "c", "d", "e", "x"), fc.constantFrom(...ballots)),
      (rule, electorate, said) => {
        const cast = new Map(Object.entries(said).filter(([voter]) => electorate.includes(voter)));
        const ends = new Set(everyCompletion(electorate, cast).map((votes) => passes(rule, votes)));
        const expected = ends.size > 1 ? "undecided" : ends.has(true) ? "accepted" : "rejected";
        expect(tally(rule, electorate, new Map(Object.entries(said))).decision).toBe(expected);
      },
    ),
    { numRuns: 2_000 },
  );
});

it.each<[string, VoteRule, Ballot[], string]>([
  ["majority of all, one silent", { rule: "majority" }, ["for", "for"], "accepted"],
  ["exact half", { rule: "majority" }, ["for", "against"], "undecided"],
  ["unanimous broken", { rule: "unanimous" }, ["against"], "rejected"],
  ["quorum reached", { rule: "quorum", quorum: 1 }, ["for"], "accepted"],
])("%s", (_, rule, said, decision) => {
  const electorate = ["a", "b", "c"];
  expect(tally(rule, electorate, new Map(said.map((ballot, index) => [electorate[index] ?? "", ballot]))).decision).toBe(
    decision,
  );
});

it("counts no stranger and no second ballot", () => {
  const result = tally({ rule: "majority" }, ["a"], new Map<string, Ballot>([["stranger", "for"]]));
  expect(result).toMatchObject({ for: 0, decision: "undecided" });
});
