import { baseConfigSchema } from "@nexus/runtime";

/** What the consensus service reads from the environment: what every service reads. */
export const consensusConfigSchema = baseConfigSchema;
