import { connectNats, type NatsOptions } from "@nexus/adapter-nats";
import { createIds, createProcessGauge, systemClock } from "@nexus/adapter-node";
import { NexusError } from "@nexus/contracts";
import type { Logger, Telemetry } from "@nexus/ports";
import { type AgentConnection, createConnection } from "./connection.ts";
import type { ConnectionOptions } from "./types.ts";

/** The server's address and credentials lie either here or together in `nats`. */
export interface ConnectAgentsOptions extends Partial<ConnectionOptions>, Partial<Omit<NatsOptions, "logger">> {
  readonly nats?: Omit<NatsOptions, "logger">;
  readonly logger?: Logger;
  readonly telemetry?: Telemetry;
}

export interface ConnectedAgents extends AgentConnection {
  /** Drains the agents, then the NATS connection. @param withinMs default `drainTimeoutMs` */
  close(withinMs?: number): Promise<void>;
}

/**
 * Connects a process to NATS as a carrier of agents.
 * @throws NexusError `disconnected` when no server can be reached, `invalid-field`
 */
export async function connectAgents(options: ConnectAgentsOptions): Promise<ConnectedAgents> {
  const { logger, telemetry } = options;
  const nats = { ...options, ...options.nats };
  if (nats.servers === undefined) throw new NexusError("invalid-field", "servers: say where NATS is", { field: "servers" });
  const bus = await connectNats({ ...nats, servers: nats.servers, name: nats.name ?? "nexus-agents" });
  const processGauge = createProcessGauge();
  const deps = {
    bus,
    clock: systemClock,
    ids: createIds(),
    processGauge,
    ...(logger === undefined ? {} : { logger }),
    ...(telemetry === undefined ? {} : { telemetry }),
  };
  try {
    const connection = await createConnection(options, deps);
    const close = async (withinMs?: number): Promise<void> => {
      await connection.drain(withinMs);
      processGauge.stop();
      await bus.drain();
    };
    return Object.assign(connection, { close });
  } catch (error) {
    processGauge.stop();
    await bus.close();
    throw error;
  }
}
