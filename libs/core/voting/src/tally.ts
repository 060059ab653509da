/**
 * Votes counted by a rule, over a fixed electorate.
 *
 * Rules, where *for*, *against* and *abstained* are sums of weights (1 each, but for the rule `weighted`) and the base
 * is the weight of the electorate, less that of the abstainers with `abstentions: "ignore"`:
 * - `majority`: for > base / 2. `weighted`: for > threshold × base (threshold 0.5 by default).
 * - `unanimous`: for = base, and at least one vote for.
 * - `quorum`: for ≥ quorum.
 * - An exact tie (nobody silent, for = against, neither decided) goes as `ties` says; by default it is rejected.
 *
 * Invariants
 * V1. Silent voters stay in the base; while they could still tip the decision it is `undecided`.
 * V2. A settled decision is what it would be whatever the silent voters say.
 * V3. A voter's first ballot counts; strangers' ballots do not.
 */

export type Ballot = "for" | "against" | "abstain";

export interface VoteRule {
  readonly rule: "majority" | "unanimous" | "weighted" | "quorum";
  readonly quorum?: number | undefined;
  readonly threshold?: number | undefined;
  readonly weights?: Readonly<Record<string, number>> | undefined;
  readonly abstentions?: "count" | "ignore" | undefined;
  readonly ties?: "reject" | "accept" | undefined;
}

export interface Tally {
  readonly decision: "accepted" | "rejected" | "undecided";
  /** No further ballot can change the decision. */
  readonly settled: boolean;
  readonly for: number;
  readonly against: number;
  readonly abstained: number;
  /** The weight for the proposal that decides, given the abstentions so far. For `majority` and `weighted` it must be exceeded. */
  readonly needed: number;
  readonly electorate: number;
}

interface Sums {
  for: number;
  against: number;
  abstained: number;
  silent: number;
}

export interface RunningTally {
  /** @returns whether the ballot counts (V3) */
  cast(voter: string, ballot: Ballot): boolean;
  /** O(1). */
  current(): Tally;
}

export function createTally(rule: VoteRule, electorate: readonly string[]): RunningTally {
  const weights = new Map<string, number>();
  for (const voter of electorate) weights.set(voter, weightOf(rule, voter));
  let total = 0;
  for (const weight of weights.values()) total += weight;
  const sums: Sums = { for: 0, against: 0, abstained: 0, silent: total };
  return {
    cast(voter, ballot) {
      const weight = weights.get(voter);
      if (weight === undefined) return false;
      weights.delete(voter);
      sums[ballot === "abstain" ? "abstained" : ballot] += weight;
      // Recomputed when the last voter spoke, so that fractions leave no residue that looks like a silent voter.
      sums.silent = weights.size === 0 ? 0 : sums.silent - weight;
      return true;
    },
    current: () => judge(rule, sums, total),
  };
}

/** The tally of given ballots at once. O(electorate). */
export function tally(rule: VoteRule, electorate: readonly string[], ballots: ReadonlyMap<string, Ballot>): Tally {
  const running = createTally(rule, electorate);
  for (const [voter, ballot] of ballots) running.cast(voter, ballot);
  return running.current();
}

function judge(rule: VoteRule, sums: Sums, total: number): Tally {
  // The silent can at most all say yes, all say no, or all abstain; every rule is monotone between these.
  const best = verdict(rule, { ...sums, for: sums.for + sums.silent }, total);
  const worst = verdict(rule, { ...sums, against: sums.against + sums.silent }, total);
  const apart = verdict(rule, { ...sums, abstained: sums.abstained + sums.silent }, total);
  const settled = best === worst && worst === apart;
  return {
    decision: settled ? (best ? "accepted" : "rejected") : "undecided",
    settled,
    for: sums.for,
    against: sums.against,
    abstained: sums.abstained,
    needed: needed(rule, sums, total),
    electorate: total,
  };
}

/** Whether the proposal passes when nobody is silent. */
function verdict(rule: VoteRule, sums: Omit<Sums, "silent">, total: number): boolean {
  const need = needed(rule, sums, total);
  switch (rule.rule) {
    case "quorum":
      return sums.for >= need;
    case "unanimous":
      return sums.for > 0 && sums.for >= need;
    case "majority":
    case "weighted":
      return sums.for > need || (rule.ties === "accept" && sums.for > 0 && sums.for === sums.against && sums.for === need);
  }
}

function needed(rule: VoteRule, sums: Pick<Sums, "abstained">, total: number): number {
  const base = rule.abstentions === "ignore" ? total - sums.abstained : total;
  switch (rule.rule) {
    case "quorum":
      return rule.quorum ?? base;
    case "unanimous":
      return base;
    case "majority":
      return base / 2;
    case "weighted":
      return base * (rule.threshold ?? 0.5);
  }
}

function weightOf(rule: VoteRule, voter: string): number {
  if (rule.rule !== "weighted" || rule.weights === undefined || !Object.hasOwn(rule.weights, voter)) return 1;
  return rule.weights[voter] ?? 1;
}
