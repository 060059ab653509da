export { type GossipOptions, startGossip } from "./service.ts";
