import { baseConfigSchema, runServiceProcess } from "@nexus/runtime";
import { startGossip } from "./service.ts";

await runServiceProcess({
  service: "gossip",
  version: "0.1.0",
  schema: baseConfigSchema,
  environment: process.env,
  start: (config, deps) => startGossip({ prefix: config.NEXUS_PREFIX, version: "0.1.0" }, deps),
});
