import { connectNats, type NatsOptions } from "@nexus/adapter-nats";
import { createIds, systemClock } from "@nexus/adapter-node";
import type { Logger, Telemetry } from "@nexus/ports";
import { createClient } from "./client.ts";
import type { Client, ClientOptions } from "./types.ts";

export interface ConnectOptions extends Omit<NatsOptions, "name">, Partial<ClientOptions> {
  /** Shown by the server for this connection; default `nexus-client`. */
  readonly name?: string;
  readonly telemetry?: Telemetry;
  readonly logger?: Logger;
}

/**
 * A client with a NATS connection of its own, which `close` drains.
 * @throws NexusError `disconnected` when no server can be reached
 */
export async function connectClient(options: ConnectOptions): Promise<Client> {
  const bus = await connectNats({ ...options, name: options.name ?? "nexus-client" });
  const client = createClient(options, { ...options, bus, clock: systemClock, ids: createIds() });
  return {
    ...client,
    async close() {
      await client.close();
      await bus.drain();
    },
  };
}
