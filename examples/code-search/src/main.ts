import { connectAgents } from "@nexus/agent";
import {
  baseConfigSchema,
  createHealth,
  createLifecycle,
  createLogger,
  exitOnSignals,
  loadConfig,
  natsOptionsOf,
  startHealthServer,
  startTelemetry,
  VERSION,
} from "@nexus/runtime";
import { z } from "zod";
import { Shard } from "./shard.ts";

/** One process of the example fleet: one connection with the agents of some shards. */

const schema = baseConfigSchema.extend({
  CODE_SEARCH_ROOT: z.string(),
  CODE_SEARCH_SHARDS: z.coerce.number().int().min(1).max(1_000).default(24),
  CODE_SEARCH_FIRST: z.coerce.number().int().min(0).default(0),
  CODE_SEARCH_COUNT: z.coerce.number().int().min(1).max(1_000).default(8),
});

const config = loadConfig(schema, process.env);
const logger = createLogger({ service: "code-search", level: config.NEXUS_LOG_LEVEL, fileDescriptor: 2 });
const lifecycle = createLifecycle({ logger, stepTimeoutMs: config.NEXUS_DRAIN_TIMEOUT_MS + 500 });
exitOnSignals(lifecycle, logger);
// A fleet process whose parent has gone has nobody to work for.
process.once("disconnect", () => process.kill(process.pid, "SIGTERM"));

const first = config.CODE_SEARCH_FIRST;
const otel = startTelemetry({
  service: "code-search",
  version: VERSION,
  instance: `code-search-${first}`,
  environment: process.env,
  logger,
});
lifecycle.onStop("telemetry", () => otel.shutdown());
const connection = await connectAgents({
  prefix: config.NEXUS_PREFIX,
  connId: `code-search-${first}-${process.pid}`,
  nats: { ...natsOptionsOf(config), name: `code-search-${first}` },
  logger,
  telemetry: otel.telemetry,
});
lifecycle.onStop("agents", () => connection.close(config.NEXUS_DRAIN_TIMEOUT_MS));
for (let shard = first; shard < first + config.CODE_SEARCH_COUNT; shard++) {
  const { handlers } = new Shard(config.CODE_SEARCH_ROOT, shard, config.CODE_SEARCH_SHARDS);
  const labels = { zone: shard % 2 === 0 ? "even" : "odd", shard: String(shard) };
  await connection.addAgent({ id: `shard-${shard}`, groups: ["shards"], labels, capacity: 8, handlers });
}
const health = createHealth();
health.add("nats", true, () => ({ ok: connection.bus.connected, detail: connection.bus.server }));
health.add("agents", true, () => {
  const { length } = connection.agents;
  return { ok: length === config.CODE_SEARCH_COUNT, detail: `${length} of ${config.CODE_SEARCH_COUNT}` };
});
if (config.NEXUS_HEALTH_PORT !== 0) {
  const server = await startHealthServer({ port: config.NEXUS_HEALTH_PORT, host: config.NEXUS_HEALTH_HOST }, health);
  lifecycle.onStop("health server", () => server.stop());
}
lifecycle.onStop("readiness", () => health.stopping());
logger.info({ agents: connection.agents.length }, "fleet process ready");
