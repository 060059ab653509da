import { createMemoryStore } from "@nexus/adapter-memory";
import { connectNats } from "@nexus/adapter-nats";
import { createIds, systemClock } from "@nexus/adapter-node";
import { connectRedis } from "@nexus/adapter-redis";
import { NexusError } from "@nexus/contracts";
import type { Bus, Clock, Ids, Logger, StateStore, Telemetry } from "@nexus/ports";
import type { z } from "zod";
import { type BaseConfig, loadConfig, redacted } from "./config.ts";
import { createLifecycle, exitOnSignals } from "./lifecycle.ts";
import { createLogger } from "./logger.ts";
import { startTelemetry } from "./telemetry.ts";

/** What a service gets from its process. */
export interface ServiceDeps {
  readonly bus: Bus;
  readonly store: StateStore;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
}

export interface ServiceProcess<C extends BaseConfig> {
  readonly service: string;
  readonly version: string;
  readonly schema: z.ZodType<C>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly start: (config: C, deps: ServiceDeps) => Promise<{ stop(withinMs?: number): Promise<void> }>;
}

const STORE_ENTRIES_MAX = 100_000;
const STORE_BYTES_MAX = 268_435_456;

/**
 * Runs one service as a process of its own: configuration, logs on stdout, NATS, shared memory, telemetry, and a drain on
 * SIGTERM. A configuration that is not valid, or a NATS that is not there, ends it with one clear line and exit code 1.
 */
export async function runServiceProcess<C extends BaseConfig>(definition: ServiceProcess<C>): Promise<void> {
  const { service, version, environment } = definition;
  try {
    const config = loadConfig(definition.schema, environment);
    const logger = createLogger({ service, level: config.NEXUS_LOG_LEVEL, fileDescriptor: 1 });
    logger.info({ config: redacted(config) }, "starting");
    const lifecycle = createLifecycle({ logger, stepTimeoutMs: config.NEXUS_DRAIN_TIMEOUT_MS + 1_000 });
    exitOnSignals(lifecycle, logger);
    const ids = createIds();
    const otel = startTelemetry({ service: `nexus-${service}`, version, instance: ids.instanceName(service), environment });
    lifecycle.onStop("telemetry", () => otel.shutdown());
    const bus = await connectNats({ servers: config.NEXUS_NATS_URL, name: `nexus-${service}`, logger, ...credentialsOf(config) });
    lifecycle.onStop("NATS", () => bus.drain());
    const store = await storeOf(config, logger);
    lifecycle.onStop("shared memory", () => store.close());
    const running = await definition.start(config, { bus, store, clock: systemClock, ids, logger, telemetry: otel.telemetry });
    lifecycle.onStop(service, () => running.stop(config.NEXUS_DRAIN_TIMEOUT_MS));
    logger.info({ server: bus.server }, "ready");
  } catch (error) {
    if (!(error instanceof NexusError)) throw error;
    process.stderr.write(`error ${error.code}: ${error.message}\n`);
    process.exit(1);
  }
}

function credentialsOf(config: BaseConfig) {
  return {
    ...(config.NEXUS_NATS_USER === undefined ? {} : { user: config.NEXUS_NATS_USER }),
    ...(config.NEXUS_NATS_PASSWORD === undefined ? {} : { pass: config.NEXUS_NATS_PASSWORD }),
    ...(config.NEXUS_NATS_TOKEN === undefined ? {} : { token: config.NEXUS_NATS_TOKEN }),
    ...(config.NEXUS_NATS_CREDS === undefined ? {} : { credsFile: config.NEXUS_NATS_CREDS }),
  };
}

async function storeOf(config: BaseConfig, logger: Logger): Promise<StateStore> {
  if (config.REDIS_URL !== undefined) {
    return connectRedis({ url: config.REDIS_URL, commandTimeoutMs: 250, keyPrefix: `${config.NEXUS_PREFIX}:`, logger });
  }
  logger.warn({}, "REDIS_URL is not set: replicas share no memory, and repeated ids are recognised by best effort");
  return createMemoryStore(systemClock, { entriesMax: STORE_ENTRIES_MAX, bytesMax: STORE_BYTES_MAX });
}
