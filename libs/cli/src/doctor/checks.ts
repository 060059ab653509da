import { createIds, systemClock } from "@nexus/adapter-node";
import { createClient } from "@nexus/client";
import { agentsReportPageSchema, createSubjects, decode, encode, limits, NexusError, parseFrame } from "@nexus/contracts";
import type { Io } from "../io.ts";
import { given, openBus, type Target } from "../session.ts";
import { readGreeting } from "./nats-greeting.ts";
import { pingRedis } from "./redis-ping.ts";
import { findServices, servicesFinding } from "./services.ts";

export type State = "ok" | "warning" | "failed" | "skipped";
export interface Outcome {
  readonly state: State;
  readonly detail: string;
  /** What to do about it; there for everything but `ok` and `skipped`. */
  readonly remedy?: string;
}
export interface Finding extends Outcome {
  readonly check: string;
}

/** What the checks share; the connection is opened by the check for it. */
export interface Examined {
  readonly io: Io;
  readonly target: Target;
  bus?: Awaited<ReturnType<typeof openBus>>;
  close?: () => Promise<void>;
}

export interface Check {
  readonly name: string;
  readonly needs: readonly string[];
  readonly run: (examined: Examined) => Promise<Outcome>;
}

const NODE_MIN = "24.12.0";
const SERVER_MIN = "2.9.0";
const ROUND_TRIPS = 10;
/** On one machine or network; beyond it deadlines of a few milliseconds cannot be kept. */
const ROUND_TRIP_MS_WARN = 50;
const ANSWER_MS = 3_000;

export function checks(): Check[] {
  return [
    { name: "node", needs: [], run: async ({ io }) => nodeOutcome(io.nodeVersion) },
    { name: "nats-server", needs: [], run: natsServer },
    { name: "nats connection", needs: ["nats-server"], run: connection },
    { name: "router", needs: ["nats connection"], run: router },
    { name: "services", needs: ["nats connection"], run: services },
    { name: "agents", needs: ["router"], run: agents },
    { name: "redis", needs: [], run: redis },
    {
      name: "clock skew",
      needs: [],
      run: async () => ({ state: "skipped", detail: "not measurable from here: no service tells its time" }),
    },
  ];
}

export function nodeOutcome(version: string): Outcome {
  if (isAtLeast(version, NODE_MIN)) return { state: "ok", detail: version };
  return {
    state: "failed",
    detail: `${version}; ${NODE_MIN} or newer is needed`,
    remedy: "install Node 24, or run through npm, which brings its own",
  };
}

async function natsServer({ target }: Examined): Promise<Outcome> {
  try {
    const greeting = await readGreeting(target.server, ANSWER_MS);
    const detail = `${greeting.name} ${greeting.version}, largest message ${greeting.maxPayloadBytes} bytes`;
    if (!isAtLeast(greeting.version, SERVER_MIN)) {
      return { state: "failed", detail, remedy: `install nats-server ${SERVER_MIN} or newer` };
    }
    if (greeting.maxPayloadBytes < limits.frameBytesMax) {
      return {
        state: "warning",
        detail,
        remedy: `set max_payload to ${limits.frameBytesMax}: larger requests are refused by the server`,
      };
    }
    return { state: "ok", detail };
  } catch (error) {
    return failed(error, "start one (nexus up, or nats-server), or name another by --server or NEXUS_NATS_URL");
  }
}

async function connection(examined: Examined): Promise<Outcome> {
  try {
    const bus = await openBus(examined.target, examined.io);
    examined.bus = bus;
    examined.close = () => bus.close();
    const tookMs: number[] = [];
    for (let i = 0; i < ROUND_TRIPS; i++) {
      const beganMs = systemClock.monotonicMs();
      await bus.flush();
      tookMs.push(systemClock.monotonicMs() - beganMs);
    }
    const medianMs = tookMs.sort((a, b) => a - b)[ROUND_TRIPS / 2] ?? 0;
    const detail = `${bus.server}, round trip ${medianMs.toFixed(2)} ms (median of ${ROUND_TRIPS})`;
    return medianMs <= ROUND_TRIP_MS_WARN
      ? { state: "ok", detail }
      : { state: "warning", detail, remedy: "use a server that is nearer, or longer timeouts" };
  } catch (error) {
    return failed(error, "check the credentials: NEXUS_NATS_USER and NEXUS_NATS_PASSWORD, NEXUS_NATS_TOKEN, or NEXUS_NATS_CREDS");
  }
}

async function router(examined: Examined): Promise<Outcome> {
  const bus = connected(examined);
  const subject = createSubjects(examined.target.prefix).service("router", "agents");
  try {
    const reply = await bus.request(subject, encode({ limit: 1 }), { timeoutMs: ANSWER_MS });
    const page = parseFrame(agentsReportPageSchema, decode(reply.data), "the router's answer");
    return { state: "ok", detail: `${page.router} answers on ${subject}` };
  } catch (error) {
    return failed(error, "start a router (nexus up, or the router service), and check that --prefix is the routers' own");
  }
}

async function services(examined: Examined): Promise<Outcome> {
  try {
    return servicesFinding(await findServices(connected(examined), systemClock));
  } catch (error) {
    return failed(error, "check that this user may publish to $SRV.INFO and subscribe to its inbox");
  }
}

async function agents(examined: Examined): Promise<Outcome> {
  const client = createClient(
    { prefix: examined.target.prefix },
    { bus: connected(examined), clock: systemClock, ids: createIds() },
  );
  const states = new Map<string, number>();
  try {
    for await (const { state } of client.agents()) states.set(state, (states.get(state) ?? 0) + 1);
  } catch (error) {
    return failed(error, "look at the router's log");
  }
  const detail = [...states].map(([state, count]) => `${count} ${state}`).join(", ");
  if ((states.get("alive") ?? 0) > 0) return { state: "ok", detail };
  return {
    state: "warning",
    detail: detail === "" ? "none" : detail,
    remedy: "start an agent; nexus up brings an example fleet",
  };
}

async function redis({ io }: Examined): Promise<Outcome> {
  const url = given(io, "REDIS_URL");
  if (url === undefined) return { state: "skipped", detail: "REDIS_URL is not set: each process keeps its own state" };
  try {
    return { state: "ok", detail: `answers in ${(await pingRedis(url, ANSWER_MS)).toFixed(2)} ms` };
  } catch (error) {
    return failed(error, "start Redis, correct REDIS_URL, or unset it: then each process keeps its own state");
  }
}

function connected(examined: Examined) {
  if (examined.bus === undefined) throw new NexusError("disconnected", "there is no connection");
  return examined.bus;
}

function failed(error: unknown, remedy: string): Outcome {
  return { state: "failed", detail: error instanceof Error ? error.message : String(error), remedy };
}

/** Compares `major.minor.patch`, pre-release parts left aside. */
export function isAtLeast(version: string, wanted: string): boolean {
  const parts = (text: string) => text.split(/[-+]/, 1)[0]?.split(".").map(Number) ?? [];
  const [have, want] = [parts(version), parts(wanted)];
  for (let i = 0; i < 3; i++) {
    const difference = (have[i] ?? 0) - (want[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}
