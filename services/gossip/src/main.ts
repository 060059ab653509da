import { configList, runServiceProcess, VERSION } from "@nexus/runtime";
import { gossipConfigSchema } from "./config.ts";
import { startGossip } from "./service.ts";

await runServiceProcess({
  service: "gossip",
  version: VERSION,
  schema: gossipConfigSchema,
  environment: process.env,
  start: (config, deps) =>
    startGossip(
      {
        prefix: config.NEXUS_PREFIX,
        version: VERSION,
        replyPrefixes: configList(config.NEXUS_REPLY_PREFIXES),
        instance: deps.instance,
        roundMs: config.NEXUS_GOSSIP_ROUND_MS,
        fanout: config.NEXUS_GOSSIP_FANOUT,
        keysMax: config.NEXUS_GOSSIP_KEYS_MAX,
        bytesMax: config.NEXUS_GOSSIP_BYTES_MAX,
        tombstoneMs: config.NEXUS_GOSSIP_TOMBSTONE_MS,
      },
      deps,
    ),
});
