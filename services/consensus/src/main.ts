import { configList, runServiceProcess, VERSION } from "@nexus/runtime";
import { consensusConfigSchema } from "./config.ts";
import { startConsensus } from "./service.ts";

await runServiceProcess({
  service: "consensus",
  version: VERSION,
  schema: consensusConfigSchema,
  environment: process.env,
  start: (config, deps) =>
    startConsensus(
      {
        prefix: config.NEXUS_PREFIX,
        version: VERSION,
        replyPrefixes: configList(config.NEXUS_REPLY_PREFIXES),
        instance: deps.instance,
      },
      deps,
    ),
});
