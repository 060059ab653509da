import { baseConfigSchema } from "@nexus/runtime";

/** What the gossip service reads from the environment: what every service reads. */
export const gossipConfigSchema = baseConfigSchema;
