import { readFileSync } from "node:fs";
import { NexusError } from "@nexus/contracts";
import type { Bus, Logger } from "@nexus/ports";
import { type ConnectionOptions, connect, credsAuthenticator } from "nats";
import { NatsBus } from "./nats-bus.ts";

export interface NatsOptions {
  /** `nats://host:port`, several with commas. */
  readonly servers: string;
  /** Shown by the server for this connection. */
  readonly name: string;
  readonly user?: string;
  readonly pass?: string;
  readonly token?: string;
  /** Path of a `.creds` file. */
  readonly credsFile?: string;
  readonly connectTimeoutMs?: number;
  readonly logger?: Logger;
}

const CONNECT_TIMEOUT_MS = 3_000;

/**
 * Connects, and stays connected: after the first success it reconnects for as long as it takes.
 * @throws NexusError `disconnected` when no server can be reached or it refuses us, saying which
 */
export async function connectNats(options: NatsOptions): Promise<Bus> {
  const servers = options.servers.split(",").map((server) => server.trim());
  const settings: ConnectionOptions = {
    servers,
    name: options.name,
    timeout: options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
    // Costs a stack trace for each request (nats.js); errors carry their subject instead.
    noAsyncTraces: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    reconnectJitter: 250,
    pingInterval: 2_000,
    maxPingOut: 3,
    pedantic: true,
    ...(options.user === undefined ? {} : { user: options.user }),
    ...(options.pass === undefined ? {} : { pass: options.pass }),
    ...(options.token === undefined ? {} : { token: options.token }),
    ...(options.credsFile === undefined ? {} : { authenticator: credsAuthenticator(readFileSync(options.credsFile)) }),
  };
  try {
    const bus = new NatsBus(await connect(settings));
    const { logger } = options;
    if (logger !== undefined) {
      bus.onStatus((status) => logger.info({ server: bus.server, status }, "NATS connection"));
      bus.onError((error) => logger.error({ err: error }, "NATS reported an error"));
    }
    return bus;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new NexusError(
      "disconnected",
      `no NATS server at ${withoutSecrets(options.servers)} (${why}): start one, or name another by NEXUS_NATS_URL`,
      {
        cause: error,
      },
    );
  }
}

function withoutSecrets(servers: string): string {
  return servers.replace(/\/\/[^@/,]*@/g, "//***@");
}
