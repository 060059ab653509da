export { type Ballot, createTally, type RunningTally, type Tally, tally, type VoteRule } from "./tally.ts";
