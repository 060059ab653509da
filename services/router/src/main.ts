import { configList, runServiceProcess, VERSION } from "@nexus/runtime";
import { routerConfigSchema } from "./config.ts";
import { startRouter } from "./service.ts";

await runServiceProcess({
  service: "router",
  version: VERSION,
  schema: routerConfigSchema,
  environment: process.env,
  start: (config, deps) =>
    startRouter(
      {
        prefix: config.NEXUS_PREFIX,
        instance: deps.instance,
        replyPrefixes: configList(config.NEXUS_REPLY_PREFIXES),
        activeMax: config.NEXUS_ROUTER_ACTIVE_MAX,
        requestsMax: config.NEXUS_ROUTER_REQUESTS_MAX,
        requestBytesMax: config.NEXUS_ROUTER_REQUEST_BYTES_MAX,
        retentionMs: config.NEXUS_ROUTER_RETENTION_MS,
        agentsMax: config.NEXUS_ROUTER_AGENTS_MAX,
        agentBytesMax: config.NEXUS_ROUTER_AGENT_BYTES_MAX,
      },
      deps,
    ),
});
