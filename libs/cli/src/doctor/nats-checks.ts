import { systemClock } from "@nexus/adapter-node";
import { limits, NexusError, withoutCredentials } from "@nexus/contracts";
import { z } from "zod";
import { heardRefusals, listenForRefusals } from "../bus/refusals.ts";
import { httpGet } from "../http-get.ts";
import { openBus } from "../session.ts";
import { connected, type Examined, failed, isAtLeast, type Outcome, ok, skipped, warning } from "./check.ts";
import { type Greeting, readGreeting } from "./nats-greeting.ts";

/** The server itself: whether it is there, lets us in, and is well. */

const SERVER_MIN = "2.9.0";
const ROUND_TRIPS = 10;
/** On one machine or network; beyond it deadlines of a few milliseconds cannot be kept. */
const ROUND_TRIP_MS_WARN = 50;
const ANSWER_MS = 3_000;
const CONNECTIONS_SHARE_WARN = 0.9;

/** Each of the servers that are named; the connection needs one. */
export async function natsServer({ target }: Examined): Promise<Outcome> {
  const asked = target.server.split(",").map(async (server) => natsServerOutcome(await readGreeting(server, ANSWER_MS)));
  const heard = await Promise.allSettled(asked);
  const outcomes = heard.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  const away = heard.flatMap((one) => (one.status === "rejected" ? [(one.reason as Error).message] : []));
  const worst = outcomes.find(({ state }) => state === "failed") ?? outcomes.find(({ state }) => state === "warning");
  const [said] = worst === undefined ? outcomes : [worst];
  if (said === undefined) {
    return failed(
      away.join("; "),
      "start one (nexus up, or nats-server), or name another by --server, --context or NEXUS_NATS_URL",
    );
  }
  if (worst !== undefined || away.length === 0) return said;
  const detail = [said.detail, ...away].join("; ");
  return warning(detail, `start what is away, or leave it out of ${withoutCredentials(target.server)}`);
}

function natsServerOutcome({ name, version, maxPayloadBytes, jetstream }: Greeting): Outcome {
  const streams = jetstream ? "with JetStream" : "without JetStream, which nothing needs";
  const detail = `${name} ${version}, largest message ${maxPayloadBytes} bytes, ${streams}`;
  if (!isAtLeast(version, SERVER_MIN)) return failed(detail, `install nats-server ${SERVER_MIN} or newer`);
  if (maxPayloadBytes < limits.frameBytesMax) {
    return warning(detail, `set max_payload to ${limits.frameBytesMax}: larger requests are refused by the server`);
  }
  return ok(detail);
}

export async function connection(examined: Examined): Promise<Outcome> {
  const { target } = examined;
  try {
    const bus = await openBus(target);
    examined.bus = bus;
    const tookMs: number[] = [];
    for (let i = 0; i < ROUND_TRIPS; i++) {
      const beganMs = systemClock.monotonicMs();
      await bus.flush();
      tookMs.push(systemClock.monotonicMs() - beganMs);
    }
    const medianMs = tookMs.sort((a, b) => a - b)[ROUND_TRIPS / 2] ?? 0;
    const as = target.credentials.user === undefined ? "" : ` as ${target.credentials.user}`;
    const detail = `${bus.server}${as}, round trip ${medianMs.toFixed(2)} ms (median of ${ROUND_TRIPS})`;
    return medianMs <= ROUND_TRIP_MS_WARN ? ok(detail) : warning(detail, "use a server that is nearer, or longer timeouts");
  } catch (error) {
    const kept = target.context === undefined ? "" : ` (now from context ${target.context})`;
    return failed(
      error,
      `correct the credentials${kept}: nexus context add --replace, or NEXUS_NATS_USER and NEXUS_NATS_PASSWORD, NEXUS_NATS_TOKEN, or NEXUS_NATS_CREDS`,
    );
  }
}

/** Without its inbox a client gets no answer to anything. */
export async function inbox(examined: Examined): Promise<Outcome> {
  const bus = connected(examined);
  const subject = bus.newInbox();
  const first = subject.split(".", 1)[0];
  let isRefused = false;
  const stopRefusals = listenForRefusals(bus, ({ message }) => {
    isRefused ||= message.includes(`subscribe to ${subject}`);
  });
  const subscription = bus.subscribe(subject, () => {});
  try {
    await heardRefusals(bus);
  } finally {
    subscription.unsubscribe();
    stopRefusals();
  }
  if (!isRefused) return ok(`answers may come to ${first}.>`);
  return failed(
    `this user may not subscribe to ${first}.>, where answers come`,
    'allow it to subscribe to "_INBOX.>", or name what it may subscribe to: NEXUS_NATS_INBOX_PREFIX, nexus context add --inbox-prefix',
  );
}

const varzSchema = z.object({
  slow_consumers: z.number().default(0),
  connections: z.number().default(0),
  max_connections: z.number().default(0),
});

export async function monitoring({ monitorUrl }: Examined): Promise<Outcome> {
  if (monitorUrl === undefined) return skipped("not asked: --monitor-url http://host:8222 tells slow consumers");
  try {
    const response = await httpGet(String(new URL("/varz", monitorUrl)), ANSWER_MS);
    const parsed = varzSchema.safeParse(await response.json());
    if (!parsed.success) throw new NexusError("malformed", `${withoutCredentials(monitorUrl)}/varz is not NATS monitoring`);
    const { slow_consumers: slow, connections, max_connections: most } = parsed.data;
    const detail = `${slow} slow consumers since its start, ${connections} of ${most} connections`;
    if (slow > 0) {
      return warning(detail, "messages were lost to connections that did not read in time: look for busy processes in nexus top");
    }
    if (most > 0 && connections > most * CONNECTIONS_SHARE_WARN) return warning(detail, "raise max_connections, or add a server");
    return ok(detail);
  } catch (error) {
    return failed(error, "start nats-server with -m 8222, or correct --monitor-url");
  }
}
