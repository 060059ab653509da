import { createMemoryStore } from "@nexus/adapter-memory";
import { connectNats, type NatsOptions } from "@nexus/adapter-nats";
import { systemClock } from "@nexus/adapter-node";
import type { Bus, Logger, StateStore } from "@nexus/ports";
import type { BaseConfig } from "./config.ts";

/** Hot paths never wait for the store longer than this. */
const STORE_TIMEOUT_MS = 250;
const MEMORY_ENTRIES_MAX = 100_000;
const MEMORY_BYTES_MAX = 256 * 1_048_576;

type NatsAccess = Pick<NatsOptions, "servers" | "user" | "pass" | "token" | "credsFile">;

/**
 * The bus that the configuration names. @param name what the server's monitoring calls the connection
 * @throws NexusError `disconnected` when no server answers now
 */
export function connectBus(config: BaseConfig, name: string, logger: Logger): Promise<Bus> {
  return connectNats({ ...natsOptionsOf(config), name, logger });
}

/** Where NATS is and who we are there, for whoever connects by another way than `connectBus`. */
export function natsOptionsOf(config: BaseConfig): NatsAccess {
  return {
    servers: config.NEXUS_NATS_URL,
    ...(config.NEXUS_NATS_USER === undefined ? {} : { user: config.NEXUS_NATS_USER }),
    ...(config.NEXUS_NATS_PASSWORD === undefined ? {} : { pass: config.NEXUS_NATS_PASSWORD }),
    ...(config.NEXUS_NATS_TOKEN === undefined ? {} : { token: config.NEXUS_NATS_TOKEN }),
    ...(config.NEXUS_NATS_CREDS === undefined ? {} : { credsFile: config.NEXUS_NATS_CREDS }),
  };
}

/** Redis where `REDIS_URL` is set, whether or not it answers now; else this process's own memory. */
export async function connectStore(config: Pick<BaseConfig, "REDIS_URL" | "NEXUS_PREFIX">, logger: Logger): Promise<StateStore> {
  if (config.REDIS_URL !== undefined) {
    // Most processes start without it, and loading it takes a tenth of their start.
    const { connectRedis } = await import("@nexus/adapter-redis");
    const keyPrefix = `${config.NEXUS_PREFIX}:`;
    return connectRedis({ url: config.REDIS_URL, commandTimeoutMs: STORE_TIMEOUT_MS, keyPrefix, logger });
  }
  logger.warn(
    { entriesMax: MEMORY_ENTRIES_MAX, bytesMax: MEMORY_BYTES_MAX },
    "REDIS_URL is not set: state is kept in this process alone; replicas do not share it and a restart forgets it",
  );
  return createProcessStore();
}

/** The memory of this process alone, as the store. */
export function createProcessStore(): StateStore {
  return createMemoryStore(systemClock, { entriesMax: MEMORY_ENTRIES_MAX, bytesMax: MEMORY_BYTES_MAX });
}
