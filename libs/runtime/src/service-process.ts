import { createIds, systemClock } from "@nexus/adapter-node";
import { NexusError } from "@nexus/contracts";
import type { Bus, Clock, Ids, Logger, StateStore, Telemetry } from "@nexus/ports";
import type { z } from "zod";
import { type baseConfigSchema, describeConfig, type Environment, loadConfig, unknownVariables } from "./config.ts";
import { connectBus, connectStore } from "./connections.ts";
import { exitCodeOfError } from "./exit-codes.ts";
import { type Health, healthOf } from "./health.ts";
import { startHealthServer } from "./health-server.ts";
import { createLifecycle, exitOnSignals, type Lifecycle } from "./lifecycle.ts";
import { createLogger } from "./logger.ts";
import { startTelemetry } from "./telemetry.ts";

/** What a service gets. Whoever starts it closes the bus and the store. */
export interface ServiceDeps {
  readonly bus: Bus;
  readonly store: StateStore;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
  /** Default: one that checks the bus and the store. */
  readonly health?: Health;
}

export interface ServiceProcess<T extends typeof baseConfigSchema> {
  readonly service: string;
  readonly version: string;
  /** `baseConfigSchema`, or an extension of it. */
  readonly schema: T;
  readonly environment: Environment;
  readonly start: (
    config: z.output<T>,
    deps: ServiceDeps & { readonly instance: string },
  ) => Promise<{ stop(withinMs?: number): Promise<void> }>;
}

/** Beyond the drain, for what a step does besides waiting. */
const STEP_MARGIN_MS = 1_000;

/**
 * Runs one service as a process of its own: configuration, logs on stdout, NATS, shared memory, telemetry, health, and a
 * drain on SIGTERM. A start that fails ends it with one clear line on stderr.
 *
 * Exit codes: 0 after a signal and a clean stop; 1 when something that it needs is away, a step of stopping failed, or a
 * defect was met; 2 when the configuration is not valid; 128 + n after a second signal n.
 */
export async function runServiceProcess<T extends typeof baseConfigSchema>(definition: ServiceProcess<T>): Promise<void> {
  let lifecycle: Lifecycle | undefined;
  try {
    const config = loadConfig(definition.schema, definition.environment);
    const logger = createLogger({ service: definition.service, level: config.NEXUS_LOG_LEVEL, fileDescriptor: 1 });
    for (const warning of unknownVariables(definition.schema, definition.environment)) logger.warn({}, warning);
    logger.info({ version: definition.version, config: describeConfig(config) }, "starting");
    lifecycle = createLifecycle({ logger, stepTimeoutMs: config.NEXUS_DRAIN_TIMEOUT_MS + STEP_MARGIN_MS });
    exitOnSignals(lifecycle, logger);
    await start(definition, config, lifecycle, logger);
  } catch (error) {
    if (!(error instanceof NexusError)) throw error; // a defect crashes
    process.stderr.write(`error ${error.code}: ${error.message}\n`);
    await lifecycle?.stop();
    process.exit(exitCodeOfError(error));
  }
}

async function start<T extends typeof baseConfigSchema>(
  definition: ServiceProcess<T>,
  config: z.output<T>,
  lifecycle: Lifecycle,
  logger: Logger,
): Promise<void> {
  const { version, environment } = definition;
  const ids = createIds();
  const service = `nexus-${definition.service}`;
  const instance = config.NEXUS_INSTANCE ?? ids.instanceName(definition.service);
  const otel = startTelemetry({ service, version, instance, environment, logger });
  lifecycle.onStop("telemetry", () => otel.shutdown());
  const store = await connectStore(config, logger);
  lifecycle.onStop("shared memory", () => store.close());
  const bus = await connectBus(config, `${service}-${instance}`, logger);
  lifecycle.onStop("NATS", () => bus.drain());
  lifecycle.onStop("NATS watch", exitWhenClosed(bus, lifecycle, logger));
  const health = healthOf({ bus, store });
  if (config.NEXUS_HEALTH_PORT !== 0) {
    const server = await startHealthServer({ port: config.NEXUS_HEALTH_PORT, host: config.NEXUS_HEALTH_HOST }, health);
    lifecycle.onStop("health server", () => server.stop());
  }
  const deps = { bus, store, clock: systemClock, ids, logger, telemetry: otel.telemetry, health, instance };
  const running = await definition.start(config, deps);
  lifecycle.onStop(definition.service, () => running.stop(config.NEXUS_DRAIN_TIMEOUT_MS));
  lifecycle.onStop("readiness", () => health.stopping());
  logger.info({ instance, server: bus.server }, "ready");
}

/** The client reconnects for ever, but a server that refuses the credentials ends it: better a restart than a deaf process. */
function exitWhenClosed(bus: Bus, lifecycle: Lifecycle, logger: Logger): () => void {
  return bus.onStatus((status) => {
    if (status !== "closed") return;
    logger.error({}, "the connection to NATS is closed for good; stopping");
    void lifecycle.stop().then(() => process.exit(1));
  });
}
