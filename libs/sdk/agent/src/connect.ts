import { connectNats, type NatsOptions } from "@nexus/adapter-nats";
import { createIds, createProcessGauge, systemClock } from "@nexus/adapter-node";
import { type Logger, noTelemetry, silentLogger, type Telemetry } from "@nexus/ports";
import { type AgentConnection, createConnection } from "./connection.ts";
import type { ConnectionOptions } from "./types.ts";

export interface ConnectAgentsOptions extends Partial<ConnectionOptions> {
  readonly nats: NatsOptions;
  readonly logger?: Logger;
  readonly telemetry?: Telemetry;
}

/** Connects a process to NATS as a carrier of agents. `close` drains the agents, then the connection. */
export async function connectAgents(
  options: ConnectAgentsOptions,
): Promise<AgentConnection & { close(withinMs?: number): Promise<void> }> {
  const { nats, logger = silentLogger, telemetry = noTelemetry, ...rest } = options;
  const bus = await connectNats({ ...nats, logger });
  const processGauge = createProcessGauge();
  const connection = await createConnection(rest, { bus, clock: systemClock, ids: createIds(), logger, telemetry, processGauge });
  return Object.assign(connection, {
    async close(withinMs?: number) {
      await connection.drain(withinMs);
      processGauge.stop();
      await bus.drain();
    },
  });
}
