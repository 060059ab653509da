/** Shared state by gossip: values of every node at every node, and the evidence that all have the same. */
export type { Chunk } from "./delta.ts";
export { type Entry, nodeOf, sessionOf, wins } from "./entry.ts";
export type { Convergence, MemberEvidence } from "./evidence.ts";
export { fanoutFor, roundsHot } from "./fanout.ts";
export { type GossipFrame, type GossipFrameKind, gossipFrameLimits, readGossipFrame } from "./frames.ts";
export { Gossip, type GossipDeps, type GossipEffects, type GossipOptions, gossipDefaults, type Now } from "./gossip.ts";
export {
  HASH_BUCKETS,
  type Heads,
  keyPattern,
  type Refusal,
  SharedState,
  type SharedStateOptions,
  sharedStateDefaults,
} from "./shared-state.ts";
