export { type ConsensusOptions, startConsensus } from "./service.ts";
