import { configList, runServiceProcess, VERSION } from "@nexus/runtime";
import { adaptiveConfigSchema } from "./config.ts";
import { startAdaptive } from "./service.ts";

await runServiceProcess({
  service: "adaptive",
  version: VERSION,
  schema: adaptiveConfigSchema,
  environment: process.env,
  start: (config, deps) =>
    startAdaptive(
      {
        prefix: config.NEXUS_PREFIX,
        version: VERSION,
        replyPrefixes: configList(config.NEXUS_REPLY_PREFIXES),
        instance: deps.instance,
      },
      deps,
    ),
});
