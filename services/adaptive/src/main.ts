import { baseConfigSchema, runServiceProcess } from "@nexus/runtime";
import { startAdaptive } from "./service.ts";

await runServiceProcess({
  service: "adaptive",
  version: "0.1.0",
  schema: baseConfigSchema,
  environment: process.env,
  start: (config, deps) => startAdaptive({ prefix: config.NEXUS_PREFIX, version: "0.1.0" }, deps),
});
