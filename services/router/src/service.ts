import {
  agentsQuerySchema,
  CONTENT_TYPE_HEADER,
  codecOf,
  createSubjects,
  decode,
  encode,
  goalTypes,
  isReplyAllowed,
  type JsonValue,
  NexusError,
  ownerQuestionSchema,
  parseFrame,
  requestGetSchema,
  requestIdPattern,
  subjectToken,
  toErrorBody,
  wireRange,
} from "@nexus/contracts";
import { Dispatcher, Engine, RoutingTable } from "@nexus/engine";
import type { Bus, BusMessage, Clock, Ids, Logger, ServiceAnswer, ServiceEndpoint, StateStore, Telemetry } from "@nexus/ports";
import { Claims } from "./claims.ts";
import { Coordinator } from "./coordinator.ts";
import { Fleet } from "./fleet.ts";
import { agentsPage } from "./handlers/agents.ts";
import { coordinateHandler } from "./handlers/coordinate.ts";
import { Peers } from "./peers.ts";
import { RequestRegistry } from "./registry.ts";
import { RequestsApi } from "./requests-api.ts";

export interface RouterOptions {
  readonly prefix: string;
  readonly version: string;
  /** Inboxes that clients may ask answers at; each ends with a dot. */
  readonly replyPrefixes: readonly string[];
  /** Coordinations at once; further ones are refused with `overloaded`. */
  readonly activeMax: number;
  /** Requests kept, running and ended, and the bytes of the ended ones. */
  readonly requestsMax: number;
  readonly requestBytesMax: number;
  readonly retentionMs: number;
  readonly agentsMax: number;
  /** Where no memory is shared, how long a request with an id waits at most for the other routers' word on it. */
  readonly peersAnswerMs: number;
}

export const routerDefaults: RouterOptions = {
  prefix: "nexus",
  version: "0.1.0",
  replyPrefixes: ["_INBOX."],
  activeMax: 4_096,
  requestsMax: 20_000,
  requestBytesMax: 128 * 1_048_576,
  retentionMs: 600_000,
  agentsMax: 100_000,
  peersAnswerMs: 20,
};

export interface RouterDeps {
  readonly bus: Bus;
  readonly store: StateStore;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
}

export interface Router {
  readonly id: string;
  /** Operations that agents hold for this router; zero when nothing runs. */
  readonly heldTotal: () => number;
  readonly agentsKnown: () => number;
  /** Takes nothing new, finishes what runs for at most `withinMs`, then leaves. */
  stop(withinMs?: number): Promise<void>;
}

/** Starts a router on a connected bus. The caller closes the bus and the store. */
export async function startRouter(options: Partial<RouterOptions>, deps: RouterDeps): Promise<Router> {
  const settings = { ...routerDefaults, ...options };
  const { bus, clock, logger, telemetry } = deps;
  const subjects = createSubjects(settings.prefix);
  const routerId = deps.ids.instanceName("router");
  const log = logger.child({ router: routerId });
  const table = new RoutingTable({ agentsMax: settings.agentsMax });
  const dispatcher = new Dispatcher({ bus, subjects, telemetry });
  const engine = new Engine({ table, dispatcher, clock, ids: deps.ids, logger: log, telemetry, routerId });
  const registry = new RequestRegistry({
    requestsMax: settings.requestsMax,
    bytesMax: settings.requestBytesMax,
    ttlMs: settings.retentionMs,
  });
  const peers = new Peers({
    bus,
    clock,
    logger: log,
    subjects,
    routerId,
    answerWithinMs: settings.peersAnswerMs,
    owns: (id) => registry.owns(id),
  });
  const claims = new Claims({ store: deps.store, peers, clock, logger: log, routerId, retentionMs: settings.retentionMs });
  const requests = new RequestsApi({ bus, clock, subjects, routerId, registry, claims });
  const coordinator = new Coordinator({
    ...deps,
    logger: log,
    subjects,
    routerId,
    engine,
    registry,
    claims,
    askOwner: (owner, id, digest, waitMs) => requests.askOwner(owner, id, digest, waitMs),
    cancelAt: (owner, id) => requests.cancelAt(owner, id),
  });
  const fleet = new Fleet({ bus, clock, logger: log, telemetry, subjects, routerId, table, dispatcher, engine });
  let draining = false;
  const coordinate = {
    coordinator,
    clock,
    logger: log,
    telemetry,
    replyPrefixes: settings.replyPrefixes,
    requestsMax: settings.activeMax,
    routerId,
    isDraining: () => draining,
    active: () => engine.active,
  };
  const gauges = [telemetry.gauge("agentsKnown", () => table.size), telemetry.gauge("coordinationsActive", () => engine.active)];

  peers.start();
  await fleet.start();
  const own = bus.subscribe(subjects.routerRequests(routerId), async (message) => {
    const answer = await answering(message, settings.replyPrefixes, async () =>
      requests.own(parseFrame(ownerQuestionSchema, decode(message.data), "owner question")),
    );
    if (message.reply !== undefined && answer !== undefined)
      bus.publish(message.reply, answer.data, { headers: answer.headers ?? {} });
  });
  const idOf = (message: BusMessage) => requestIdIn(subjectToken(subjects, message.subject, 1));
  const api = (name: string, subject: string, handle: (message: BusMessage) => unknown): ServiceEndpoint => ({
    name,
    subject,
    queue: "router",
    handler: (message) => answering(message, settings.replyPrefixes, async () => handle(message)),
  });
  const service = await bus.serve({
    name: "nexus-router",
    version: settings.version,
    description: "Takes coordination requests and carries them out",
    metadata: { instance: routerId, wire_min: String(wireRange.min), wire_max: String(wireRange.max) },
    endpoints: [
      ...goalTypes.map((type) => ({
        name: `coordinate-${type}`,
        subject: subjects.coordinate(type),
        queue: "router",
        handler: coordinateHandler(type, coordinate),
      })),
      api("requests-get", subjects.everyRequestGet, (message) =>
        requests.get(idOf(message), parseFrame(requestGetSchema, bodyOf(message), "the body")),
      ),
      api("requests-cancel", subjects.everyRequestCancel, (message) => requests.cancel(idOf(message))),
      api("agents", subjects.service("router", "agents"), (message) =>
        agentsPage(parseFrame(agentsQuerySchema, bodyOf(message), "the body"), {
          table,
          dispatcher,
          routerId,
          nowMs: clock.monotonicMs(),
        }),
      ),
      api("status", subjects.service("router", "status"), () => ({
        v: 1,
        router: routerId,
        agents: table.size,
        tableVersion: table.version,
        active: engine.active,
        held: dispatcher.heldTotal,
        sent: dispatcher.sent,
        lateAnswers: dispatcher.late,
        peers: peers.live(),
        sharedMemory: deps.store.shared ? (deps.store.available ? "available" : "away") : "none",
      })),
    ],
  });
  await bus.flush();
  const sweep = sweeper(clock, () => registry.expire(clock.monotonicMs()));
  log.info({ prefix: settings.prefix, server: bus.server }, "router started");

  return {
    id: routerId,
    heldTotal: () => dispatcher.heldTotal,
    agentsKnown: () => table.size,
    async stop(withinMs = 2_000) {
      draining = true;
      await Promise.race([registry.settled(), new Promise<void>((resolve) => clock.schedule(withinMs, resolve))]);
      await service.stop();
      own.unsubscribe();
      peers.stop();
      fleet.stop();
      sweep();
      for (const end of gauges) end();
      log.info({}, "router stopped");
    },
  };
}

/** Runs an API call and encodes what comes of it; a refusal becomes an error body with NATS's error headers. */
async function answering(
  message: BusMessage,
  replyPrefixes: readonly string[],
  handle: () => Promise<unknown>,
): Promise<ServiceAnswer | undefined> {
  if (message.reply === undefined || !isReplyAllowed(message.reply, replyPrefixes)) return undefined;
  try {
    return { data: encode(await handle()) };
  } catch (error) {
    const body = toErrorBody(error);
    return {
      data: encode({ v: 1, error: body }),
      error: body,
    };
  }
}

function bodyOf(message: BusMessage): JsonValue {
  if (message.data.byteLength === 0) return {};
  return decode(message.data, codecOf(message.headers[CONTENT_TYPE_HEADER]));
}

function requestIdIn(token: string): string {
  if (requestIdPattern.test(token)) return token;
  throw new NexusError("invalid-field", `"${token.slice(0, 40)}" is no request id: it must be a ULID`, { field: "id" });
}

function sweeper(clock: Clock, sweep: () => void): () => void {
  let timer = clock.schedule(5_000, function again() {
    sweep();
    timer = clock.schedule(5_000, again);
  });
  return () => timer.cancel();
}
