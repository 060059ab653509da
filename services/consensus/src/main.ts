import { baseConfigSchema, runServiceProcess } from "@nexus/runtime";
import { startConsensus } from "./service.ts";

await runServiceProcess({
  service: "consensus",
  version: "0.1.0",
  schema: baseConfigSchema,
  environment: process.env,
  start: (config, deps) => startConsensus({ prefix: config.NEXUS_PREFIX, version: "0.1.0" }, deps),
});
