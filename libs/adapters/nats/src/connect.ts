import { readFile } from "node:fs/promises";
import { NexusError } from "@nexus/contracts";
import type { Bus, Logger } from "@nexus/ports";
import { silentLogger } from "@nexus/ports";
import { type ConnectionOptions, connect, credsAuthenticator, NatsError, type TlsOptions } from "nats";
import { NatsBus } from "./nats-bus.ts";

export interface NatsOptions {
  /** Addresses: `nats://host:port`, with `user:password@` where the server wants it. */
  readonly servers: string | readonly string[];
  /** What the server's monitoring calls this connection. */
  readonly name: string;
  readonly token?: string;
  readonly user?: string;
  readonly pass?: string;
  /** A `.creds` file with a JWT and a key. */
  readonly credsFile?: string;
  readonly tls?: TlsOptions;
  /** Default `_INBOX`; set it where the user may only subscribe to inboxes of its own. */
  readonly inboxPrefix?: string;
  /** Told of every change of the connection and every error. */
  readonly logger?: Logger;
  /** For each server's first answer. Default 5,000. */
  readonly connectTimeoutMs?: number;
}

const CONNECT_TIMEOUT_MS_DEFAULT = 5_000;
/** A server that is silent for two of them is taken for gone. */
const PING_INTERVAL_MS = 1_500;
const PINGS_OUT_MAX = 2;
const RECONNECT_WAIT_MS = 200;
/** Spreads a fleet's reconnections over almost a second. */
const RECONNECT_JITTER_MS = 800;
/**
 * What is published within one turn of the event loop goes out in writes of up to this. The library's own 32 KiB cut a
 * busy router's turn into several, each of which wakes the server. Its type hides the option (nats 2.29); without it
 * writes are smaller, and nothing else changes.
 */
const WRITE_BYTES_MAX = 262_144;

/**
 * A bus over NATS. Fails when no server answers now; once connected it reconnects for ever, and subscriptions live on.
 * @throws NexusError `disconnected` with the addresses and what to do
 */
export async function connectNats(options: NatsOptions): Promise<Bus> {
  const addresses = typeof options.servers === "string" ? options.servers.split(",") : [...options.servers];
  const parsed = addresses.map((address) => parseAddress(address.trim()));
  const withUser = parsed.find((address) => address.user !== undefined);
  const user = options.user ?? withUser?.user;
  const pass = options.pass ?? withUser?.pass;
  const servers = parsed.map((address) => address.server);
  const connection: ConnectionOptions & { readonly pendingLimit: number } = {
    servers,
    name: options.name,
    timeout: options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS_DEFAULT,
    noAsyncTraces: true,
    maxReconnectAttempts: -1,
    pingInterval: PING_INTERVAL_MS,
    maxPingOut: PINGS_OUT_MAX,
    pedantic: true,
    pendingLimit: WRITE_BYTES_MAX,
    reconnectTimeWait: RECONNECT_WAIT_MS,
    reconnectJitter: RECONNECT_JITTER_MS,
    reconnectJitterTLS: RECONNECT_JITTER_MS,
    ...(options.token === undefined ? {} : { token: options.token }),
    ...(user === undefined ? {} : { user, pass: pass ?? "" }),
    ...(options.credsFile === undefined ? {} : { authenticator: credsAuthenticator(await readFile(options.credsFile)) }),
    ...(options.tls === undefined ? {} : { tls: options.tls }),
    ...(options.inboxPrefix === undefined ? {} : { inboxPrefix: options.inboxPrefix }),
  };
  try {
    return new NatsBus(await connect(connection), options.inboxPrefix, options.logger ?? silentLogger);
  } catch (error) {
    throw unreachable(servers, error);
  }
}

function unreachable(servers: readonly string[], cause: unknown): NexusError {
  const where = servers.join(", ");
  if (cause instanceof NatsError && (cause.isAuthError() || cause.isAuthTimeout())) {
    const message = `the NATS server at ${where} refuses the credentials; check user, password, token or credentials file`;
    return new NexusError("disconnected", message, { cause });
  }
  const reason = cause instanceof NatsError ? cause.code : cause instanceof Error ? cause.message : String(cause);
  const message = `no NATS server answers at ${where} (${reason}); start one there (nats-server) or correct the address`;
  return new NexusError("disconnected", message, { cause });
}

interface Address {
  /** Without credentials, so that it can be shown. */
  readonly server: string;
  readonly user: string | undefined;
  readonly pass: string | undefined;
}

/** The client library ignores credentials in addresses, so they are taken out here. */
function parseAddress(address: string): Address {
  const at = address.lastIndexOf("@");
  const scheme = /^[a-z]+:\/\//.exec(address)?.[0] ?? "";
  if (at === -1) return { server: address, user: undefined, pass: undefined };
  const [user = "", ...rest] = address.slice(scheme.length, at).split(":");
  return { server: scheme + address.slice(at + 1), user: decodeURIComponent(user), pass: decodeURIComponent(rest.join(":")) };
}
