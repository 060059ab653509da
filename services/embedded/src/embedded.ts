import { connectNats } from "@nexus/adapter-nats";
import { createIds, systemClock } from "@nexus/adapter-node";
import { type NatsServer, ServerStartError, startNatsServer } from "@nexus/adapter-servers";
import { startAdaptive } from "@nexus/adaptive";
import { startConsensus } from "@nexus/consensus";
import type * as NexusConsole from "@nexus/console";
import { NexusError } from "@nexus/contracts";
import { startGossip } from "@nexus/gossip";
import { type Logger, noTelemetry } from "@nexus/ports";
import { startPredictor } from "@nexus/predictor";
import { type Router, startRouter } from "@nexus/router";
import {
  configList,
  connectStore,
  createProcessStore,
  type Environment,
  type Lifecycle,
  type ServiceDeps,
  type ServiceOptions,
  startTelemetry,
  VERSION,
} from "@nexus/runtime";
import type { EmbeddedConfig } from "./config.ts";
import { FLEET_AGENTS, type Fleet, startFleet } from "./fleet.ts";

/** The one composition: a private nats-server, all services in this process, agents as child processes. */

const DEFAULT_PORT = 4222;
const READY_WITHIN_MS = 60_000;
const FLEET_STOP_MS = 1_500;

export interface EmbeddedSettings {
  readonly port: number | undefined;
  readonly fleet: boolean;
  /** Receive traces here, unless the environment names a receiver. */
  readonly traces: boolean;
  readonly config: EmbeddedConfig;
  readonly logger: Logger;
  /** Of the fleet's processes, which are told what is not in the configuration, too (their PATH, OTEL_…). */
  readonly logLevel: string;
  readonly environment: Environment;
  /** What was started is registered here at once, so that a signal during the start ends it in order, too. */
  readonly lifecycle: Lifecycle;
  /** Told of what it cannot live without and has lost. */
  readonly onLost: (what: string) => void;
  /** Told what is being done, for people. */
  readonly progress: (message: string) => void;
}

export interface Embedded {
  readonly url: string;
  readonly agents: () => number;
}

export async function startEmbedded(settings: EmbeddedSettings): Promise<Embedded> {
  const { lifecycle, progress } = settings;
  try {
    progress("starting nats-server");
    const receiver = loadReceiver(settings);
    const server = await privateServer(settings.port);
    let stopping = false;
    lifecycle.onStop("nats-server", () => server.stop());
    void server.exited.then((how) => {
      if (!stopping) settings.onLost(`nats-server ${how}\n${server.logTail()}`);
    });
    lifecycle.onStop("nats-server watch", () => {
      stopping = true;
    });
    progress(`starting router, consensus, gossip, predictor, adaptive${receiver === undefined ? "" : ", console"}`);
    // Its processes take longest to load, so they begin before the services that they will speak to.
    let fleet: Fleet | undefined;
    const router = await startServices(server, settings, receiver, (environment) => {
      if (settings.fleet) fleet = launchFleet({ ...settings, environment }, server);
    });
    if (fleet !== undefined) await awaitAgents(fleet, router, lifecycle);
    return { url: server.url, agents: router.agentsKnown };
  } catch (error) {
    await lifecycle.stop();
    throw error;
  }
}

/** A port that was asked for is kept or refused; the usual one gives way to a free one. */
async function privateServer(port: number | undefined): Promise<NatsServer> {
  if (port === 0) return startNatsServer();
  if (port !== undefined) return startNatsServer({ port });
  try {
    return await startNatsServer({ port: DEFAULT_PORT });
  } catch (error) {
    if (!(error instanceof ServerStartError) || error.reason !== "port-taken") throw error;
    return startNatsServer();
  }
}

type Receiver = Promise<Pick<typeof NexusConsole, "startConsole">>;

/** Loaded while nats-server starts, and only where it is wanted: without it the start is as quick as it was. */
function loadReceiver({ traces, config }: EmbeddedSettings): Receiver | undefined {
  const named = config.OTEL_EXPORTER_OTLP_ENDPOINT ?? config.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT;
  if (!traces || named !== undefined) return undefined;
  const receiver = import("@nexus/console");
  receiver.catch(() => {}); // told where it is awaited
  return receiver;
}

/** @param onTraced told as soon as the environment has the receiver of traces in it */
async function startServices(
  server: NatsServer,
  settings: EmbeddedSettings,
  receiver: Receiver | undefined,
  onTraced: (environment: Environment) => void,
): Promise<Router> {
  const { config, logger, lifecycle } = settings;
  const ids = createIds();
  const store = config.REDIS_URL === undefined ? createProcessStore() : await connectStore(config, logger);
  lifecycle.onStop("shared memory", () => store.close());
  const routerBus = await connectNats({ servers: server.url, name: "nexus-router", logger });
  lifecycle.onStop("router connection", () => routerBus.drain());
  const bus = await connectNats({ servers: server.url, name: "nexus-services", logger });
  lifecycle.onStop("services connection", () => bus.drain());
  const options = {
    prefix: config.NEXUS_PREFIX,
    version: VERSION,
    replyPrefixes: configList(config.NEXUS_REPLY_PREFIXES),
  };
  const unobserved = { bus, store, clock: systemClock, ids, logger, telemetry: noTelemetry };
  const traced = receiver === undefined ? {} : await startReceiver(await receiver, options, unobserved, lifecycle);
  const environment = { ...settings.environment, ...traced };
  onTraced(environment);
  const otel = startTelemetry({
    service: "nexus-router",
    version: VERSION,
    instance: ids.instanceName("embedded"),
    environment,
    logger,
  });
  lifecycle.onStop("telemetry", () => otel.shutdown());
  const deps = { ...unobserved, telemetry: otel.telemetry };
  for (const start of [startConsensus, startGossip, startPredictor, startAdaptive]) {
    const service = await start(options, deps);
    lifecycle.onStop(service.id, () => service.stop());
  }
  const router = await startRouter(options, { ...deps, bus: routerBus });
  lifecycle.onStop("router", () => router.stop(1_000));
  return router;
}

/** Before everything that sends traces, so that it is stopped after it. @returns the variable that names it */
async function startReceiver(
  { startConsole }: Awaited<Receiver>,
  options: ServiceOptions,
  deps: ServiceDeps,
  lifecycle: Lifecycle,
): Promise<Environment> {
  const receiver = await startConsole(options, deps);
  lifecycle.onStop("console", () => receiver.stop());
  return { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${receiver.url}/v1/traces` };
}

function launchFleet(settings: EmbeddedSettings, server: NatsServer): Fleet {
  const { logger, progress, lifecycle } = settings;
  progress("starting the example fleet");
  const environment = {
    ...settings.environment,
    NEXUS_NATS_URL: server.url,
    NEXUS_PREFIX: settings.config.NEXUS_PREFIX,
    NEXUS_LOG_LEVEL: settings.logLevel,
    NEXUS_DRAIN_TIMEOUT_MS: "1000",
  };
  const fleet = startFleet(environment, logger);
  lifecycle.onStop("fleet", () => fleet.stop(FLEET_STOP_MS));
  return fleet;
}

/** Agents that came before the router are asked by it to say hello again. */
async function awaitAgents(fleet: Fleet, router: Router, lifecycle: Lifecycle): Promise<void> {
  // Once more, so that it is stopped before the router; the first is for a start that is broken off.
  lifecycle.onStop("fleet", () => fleet.stop(FLEET_STOP_MS));
  await until(() => router.agentsKnown() >= FLEET_AGENTS || fleet.failed(), READY_WITHIN_MS);
  if (router.agentsKnown() < FLEET_AGENTS) {
    throw new NexusError(
      "unknown-outcome",
      `${router.agentsKnown()} of ${FLEET_AGENTS} agents of the example fleet are there; see the log above`,
    );
  }
}

async function until(condition: () => boolean, withinMs: number): Promise<void> {
  const deadlineMs = systemClock.monotonicMs() + withinMs;
  while (!condition() && systemClock.monotonicMs() < deadlineMs) await new Promise((resolve) => setTimeout(resolve, 20));
}
