import { baseConfigSchema } from "@nexus/runtime";

/** What the predictor service reads from the environment: what every service reads. */
export const predictorConfigSchema = baseConfigSchema;
