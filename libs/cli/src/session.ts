import type { connectNats as connect } from "@nexus/adapter-nats";
import { createIds, systemClock } from "@nexus/adapter-node";
import type { Client } from "@nexus/client";
import type { Target } from "./contexts/target.ts";
import { given, type Io } from "./io.ts";

/** Options that every command takes. */
export interface GlobalOptions {
  readonly server?: string;
  readonly prefix?: string;
  readonly context?: string;
  readonly json?: boolean;
  readonly color: boolean;
  readonly debug?: boolean;
}

export type Bus = Awaited<ReturnType<typeof connect>>;

/** Colours are for people at a terminal, and only where they did not refuse them. */
export function isColoured(options: Pick<GlobalOptions, "color">, io: Io): boolean {
  return options.color && io.outIsTty && given(io, "NO_COLOR") === undefined && given(io, "TERM") !== "dumb";
}

export async function openBus(target: Target): Promise<Bus> {
  const { user, password, token, creds } = target.credentials;
  // Libraries that only some commands need are loaded by them: help and completion are asked for while somebody types.
  const { connectNats } = await import("@nexus/adapter-nats");
  return connectNats({
    servers: target.server,
    name: "nexus-cli",
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { pass: password }),
    ...(token === undefined ? {} : { token }),
    ...(creds === undefined ? {} : { credsFile: creds }),
    ...(target.inboxPrefix === undefined ? {} : { inboxPrefix: target.inboxPrefix }),
  });
}

/** Runs an action with a connection, and closes it whatever comes. */
export async function withBus<T>(target: Target, action: (bus: Bus) => Promise<T>): Promise<T> {
  const bus = await openBus(target);
  try {
    return await action(bus);
  } finally {
    await bus.close();
  }
}

/** Runs an action with a connected client, and closes both whatever comes. */
export function withClient<T>(target: Target, action: (client: Client, bus: Bus) => Promise<T>): Promise<T> {
  return withBus(target, async (bus) => {
    const { createClient } = await import("@nexus/client");
    const client = createClient({ prefix: target.prefix }, { bus, clock: systemClock, ids: createIds() });
    try {
      return await action(client, bus);
    } finally {
      await client.close();
    }
  });
}
