export { gossipConfigSchema } from "./config.ts";
export { type GossipOptions, gossipDefaults, startGossip } from "./service.ts";
