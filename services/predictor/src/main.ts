import { configList, runServiceProcess, VERSION } from "@nexus/runtime";
import { predictorConfigSchema } from "./config.ts";
import { startPredictor } from "./service.ts";

await runServiceProcess({
  service: "predictor",
  version: VERSION,
  schema: predictorConfigSchema,
  environment: process.env,
  start: (config, deps) =>
    startPredictor(
      {
        prefix: config.NEXUS_PREFIX,
        version: VERSION,
        replyPrefixes: configList(config.NEXUS_REPLY_PREFIXES),
        instance: deps.instance,
      },
      deps,
    ),
});
