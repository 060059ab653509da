import { connectNats } from "@nexus/adapter-nats";
import { createIds, systemClock } from "@nexus/adapter-node";
import { type Client, createClient } from "@nexus/client";
import { DEFAULT_PREFIX } from "@nexus/contracts";
import type { Io } from "./io.ts";

export const DEFAULT_SERVER = "nats://127.0.0.1:4222";

/** Options that every command takes. */
export interface GlobalOptions {
  readonly server?: string;
  readonly prefix?: string;
  readonly json?: boolean;
  readonly color: boolean;
  readonly debug?: boolean;
}

export interface Target {
  readonly server: string;
  readonly prefix: string;
}

type Bus = Awaited<ReturnType<typeof connectNats>>;

export function targetOf(options: GlobalOptions, io: Io): Target {
  return {
    server: options.server ?? given(io, "NEXUS_NATS_URL") ?? DEFAULT_SERVER,
    prefix: options.prefix ?? given(io, "NEXUS_PREFIX") ?? DEFAULT_PREFIX,
  };
}

/** Colours are for people at a terminal, and only where they did not refuse them. */
export function isColoured(options: GlobalOptions, io: Io): boolean {
  return options.color && io.outIsTty && given(io, "NO_COLOR") === undefined;
}

export async function openBus(target: Target, io: Io): Promise<Bus> {
  const [user, pass, token, credsFile] = ["USER", "PASSWORD", "TOKEN", "CREDS"].map((name) => given(io, `NEXUS_NATS_${name}`));
  return connectNats({
    servers: target.server,
    name: "nexus-cli",
    ...(user === undefined ? {} : { user }),
    ...(pass === undefined ? {} : { pass }),
    ...(token === undefined ? {} : { token }),
    ...(credsFile === undefined ? {} : { credsFile }),
  });
}

/** Runs an action with a connected client, and closes both whatever comes. */
export async function withClient<T>(
  target: Target,
  io: Io,
  action: (client: Client, bus: Bus) => Promise<T>,
  retries?: number,
): Promise<T> {
  const bus = await openBus(target, io);
  try {
    const options = { prefix: target.prefix, ...(retries === undefined ? {} : { retries }) };
    const client = createClient(options, { bus, clock: systemClock, ids: createIds() });
    try {
      return await action(client, bus);
    } finally {
      await client.close();
    }
  } finally {
    await bus.close();
  }
}

/** An empty variable counts as absent. */
export function given(io: Io, name: string): string | undefined {
  const value = io.environment[name];
  return value === "" ? undefined : value;
}
