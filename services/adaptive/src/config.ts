import { baseConfigSchema } from "@nexus/runtime";

/** What the adaptive service reads from the environment: what every service reads. */
export const adaptiveConfigSchema = baseConfigSchema;
