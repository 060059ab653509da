export {
  AgentWatch,
  type AgentWatchOptions,
  agentWatchDefaults,
  type Judged,
  type Verdict,
  type WatchEffects,
} from "./agent-watch.ts";
export { type FrameBody, type MemberState, type Meta, type SwimFrame, swimLimits, type Update } from "./frames.ts";
export type { Change, Member } from "./member-table.ts";
export { observersOf } from "./observers.ts";
export { type SwimOptions, swimDefaults } from "./options.ts";
export type { Send } from "./outgoing.ts";
export { readSwimFrame, readSwimUpdates } from "./read-frame.ts";
export { Swim, type SwimCounts, type SwimEffects, type SwimInput, type SwimSetup } from "./swim.ts";
export { supersedes } from "./update-order.ts";
