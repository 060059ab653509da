import { baseConfigSchema, runServiceProcess } from "@nexus/runtime";
import { startPredictor } from "./service.ts";

await runServiceProcess({
  service: "predictor",
  version: "0.1.0",
  schema: baseConfigSchema,
  environment: process.env,
  start: (config, deps) => startPredictor({ prefix: config.NEXUS_PREFIX, version: "0.1.0" }, deps),
});
