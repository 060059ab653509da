import fc from "fast-check";
import { expect, it } from "vitest";
import { type Ballot, createTally, tally, type VoteRule } from "../src/index.ts";

/** Proves V1 to V3 of the running tally: it is at every step the tally of what was cast, and what settled stays. */

const rules: fc.Arbitrary<VoteRule> = fc.record({
  rule: fc.constantFrom("majority" as const, "unanimous" as const, "weighted" as const, "quorum" as const),
  quorum: fc.integer({ min: 1, max: 6 }),
  threshold: fc.constantFrom(0.5, 2 / 3, 1),
  weights: fc.dictionary(fc.constantFrom(..."abcdef"), fc.constantFrom(0, 1, 2.5, 4)),
  abstentions: fc.constantFrom("count" as const, "ignore" as const),
  ties: fc.constantFrom("reject" as const, "accept" as const),
});
const cast = fc.tuple(fc.constantFrom(..."abcdefxy"), fc.constantFrom<Ballot>("for", "against", "abstain"));

it("is the tally of the first ballots, and a settled decision stays", () => {
  fc.assert(
    fc.property(rules, fc.subarray([..."abcdef"]), fc.array(cast, { maxLength: 20 }), (rule, electorate, casts) => {
      const running = createTally(rule, electorate);
      const first = new Map<string, Ballot>();
      let before = running.current();
      for (const [voter, ballot] of casts) {
        const counts = electorate.includes(voter) && !first.has(voter);
        expect(running.cast(voter, ballot)).toBe(counts);
        if (counts) first.set(voter, ballot);
        const now = running.current();
        expect(now).toEqual(tally(rule, electorate, first));
        if (before.settled) expect(now).toMatchObject({ settled: true, decision: before.decision });
        before = now;
      }
      if (first.size === electorate.length) expect(before.settled).toBe(true);
    }),
    { numRuns: 1_000 },
  );
});

it.each<[string, VoteRule, Ballot[], Partial<ReturnType<typeof tally>>]>([
  ["a tie is rejected", { rule: "majority" }, ["for", "against"], { decision: "rejected", needed: 1 }],
  ["unless the rule accepts it", { rule: "majority", ties: "accept" }, ["for", "against"], { decision: "accepted" }],
  ["abstainers stay in the base", { rule: "majority" }, ["for", "abstain"], { decision: "rejected", abstained: 1 }],
  ["unless they are ignored", { rule: "majority", abstentions: "ignore" }, ["for", "abstain"], { decision: "accepted" }],
  ["nobody for is no unanimity", { rule: "unanimous", abstentions: "ignore" }, ["abstain", "abstain"], { decision: "rejected" }],
  ["unanimity less abstainers", { rule: "unanimous", abstentions: "ignore" }, ["for", "abstain"], { decision: "accepted" }],
  ["a quorum beyond the electorate", { rule: "quorum", quorum: 3 }, [], { decision: "rejected", settled: true }],
  ["weights, missing is 1", { rule: "weighted", weights: { a: 3 } }, ["for"], { decision: "accepted", for: 3, electorate: 4 }],
  ["no inherited weight", { rule: "weighted", weights: { a: 0 } }, ["for", "against"], { decision: "rejected", needed: 0.5 }],
])("%s", (_, rule, said, expected) => {
  const electorate = ["a", "b"];
  expect(tally(rule, electorate, new Map(said.map((ballot, i) => [electorate[i] ?? "", ballot])))).toMatchObject(expected);
});

it("takes a voter named as a method of every object for its own weight", () => {
  const rule: VoteRule = { rule: "weighted", weights: { a: 1 } };
  expect(tally(rule, ["constructor", "a"], new Map([["constructor", "for"]])).for).toBe(1);
});

it("decides nothing for an electorate of nobody", () => {
  for (const rule of ["majority", "unanimous", "weighted"] as const)
    expect(tally({ rule }, [], new Map()).decision).toBe("rejected");
});
