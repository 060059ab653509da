import { DEFAULT_PREFIX } from "@nexus/contracts";
import { given, type Io } from "../io.ts";
import type { Context } from "./context.ts";
import { contextNamed, readContexts } from "./contexts-file.ts";

/**
 * What a command speaks to: each value from the option, else from the context that `--context` names, else from the
 * environment, else from the context that NEXUS_CONTEXT names or that is in use, else the default.
 *
 * Invariant
 * T1. A context's credentials go to its own server alone: another one, named by an option or the environment, never sees
 *     them.
 */
export interface Target {
  readonly server: string;
  readonly prefix: string;
  readonly credentials: Credentials;
  readonly inboxPrefix: string | undefined;
  readonly tracesUrl: string | undefined;
  readonly redisUrl: string | undefined;
  /** The context that had a say. */
  readonly context: string | undefined;
}

export interface Credentials {
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly token?: string | undefined;
  /** Path of a .creds file. */
  readonly creds?: string | undefined;
}

export interface TargetOptions {
  readonly server?: string;
  readonly prefix?: string;
  readonly context?: string;
}

const DEFAULT_SERVER = "nats://127.0.0.1:4222";

/** @throws NexusError `not-found` for a context that is not kept */
export function targetOf(options: TargetOptions, io: Pick<Io, "environment">): Target {
  const { context: name, values: kept } = contextOf(options, io);
  const environment = fromEnvironment(io);
  const option: Context = {
    ...(options.server === undefined ? {} : { server: options.server }),
    ...(options.prefix === undefined ? {} : { prefix: options.prefix }),
  };
  const layers = options.context === undefined ? [option, environment, kept] : [option, kept, environment];
  const first = (key: keyof Context) => layers.find((layer) => layer[key] !== undefined)?.[key];
  const serverFrom = layers.find(({ server }) => server !== undefined);
  const entitled = layers.filter((layer) => layer !== kept || serverFrom === kept || serverFrom === undefined); // T1
  const { user, password, token, creds } = entitled.find(hasCredentials) ?? {};
  return {
    server: serverFrom?.server ?? DEFAULT_SERVER,
    prefix: first("prefix") ?? DEFAULT_PREFIX,
    credentials: { user, password, token, creds },
    inboxPrefix: first("inboxPrefix"),
    tracesUrl: first("tracesUrl"),
    redisUrl: first("redisUrl"),
    context: name,
  };
}

function contextOf(options: TargetOptions, io: Pick<Io, "environment">): { context: string | undefined; values: Context } {
  const named = options.context ?? given(io, "NEXUS_CONTEXT");
  const anyPlace = given(io, "XDG_CONFIG_HOME") ?? given(io, "HOME");
  if (named === undefined && anyPlace === undefined) return { context: undefined, values: {} };
  const file = readContexts(io);
  const context = named ?? file.current;
  return { context, values: context === undefined ? {} : contextNamed(file, context) };
}

function fromEnvironment(io: Pick<Io, "environment">): Context {
  const variables = {
    server: "NEXUS_NATS_URL",
    user: "NEXUS_NATS_USER",
    password: "NEXUS_NATS_PASSWORD",
    token: "NEXUS_NATS_TOKEN",
    creds: "NEXUS_NATS_CREDS",
    inboxPrefix: "NEXUS_NATS_INBOX_PREFIX",
    prefix: "NEXUS_PREFIX",
    tracesUrl: "NEXUS_TRACES_URL",
    redisUrl: "REDIS_URL",
  } as const satisfies Partial<Record<keyof Context, string>>;
  return Object.fromEntries(
    Object.entries(variables).flatMap(([key, variable]) => {
      const value = given(io, variable);
      return value === undefined ? [] : [[key, value]];
    }),
  );
}

function hasCredentials({ user, password, token, creds }: Context): boolean {
  return user !== undefined || password !== undefined || token !== undefined || creds !== undefined;
}
