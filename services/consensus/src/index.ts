export { consensusConfigSchema } from "./config.ts";
export { startConsensus } from "./service.ts";
