export { gossipConfigSchema } from "./config.ts";
export { startGossip } from "./service.ts";
