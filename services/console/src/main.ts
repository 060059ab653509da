import { configList, runServiceProcess, VERSION } from "@nexus/runtime";
import { consoleConfigSchema } from "./config.ts";
import { startConsole } from "./service.ts";

await runServiceProcess({
  service: "console",
  version: VERSION,
  schema: consoleConfigSchema,
  environment: process.env,
  start: (config, deps) =>
    startConsole(
      {
        prefix: config.NEXUS_PREFIX,
        version: VERSION,
        replyPrefixes: configList(config.NEXUS_REPLY_PREFIXES),
        instance: deps.instance,
        host: config.NEXUS_CONSOLE_HOST,
        port: config.NEXUS_CONSOLE_PORT,
        ...(config.NEXUS_CONSOLE_URL === undefined ? {} : { url: config.NEXUS_CONSOLE_URL }),
        tracesMax: config.NEXUS_CONSOLE_TRACES_MAX,
        spansPerTraceMax: config.NEXUS_CONSOLE_TRACE_SPANS_MAX,
        bytesMax: config.NEXUS_CONSOLE_TRACE_BYTES_MAX,
        retentionMs: config.NEXUS_CONSOLE_RETENTION_MS,
        bodyBytesMax: config.NEXUS_CONSOLE_BODY_BYTES_MAX,
      },
      deps,
    ),
});
