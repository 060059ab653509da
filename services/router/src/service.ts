import {
  agentsQuerySchema,
  createSubjects,
  goalTypes,
  NexusError,
  ownerQuestionSchema,
  parseFrame,
  type RouterStatus,
  requestGetSchema,
  requestIdPattern,
  subjectToken,
  WIRE_VERSION,
} from "@nexus/contracts";
import { Dispatcher, Engine, RoutingTable } from "@nexus/engine";
import type { BusMessage, Clock } from "@nexus/ports";
import { healthOf, registerService, type ServiceDeps, VERSION } from "@nexus/runtime";
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
  /** What people call this replica; default: the id of this life. */
  readonly instance?: string;
}

export const routerDefaults: RouterOptions = {
  prefix: "nexus",
  version: VERSION,
  replyPrefixes: ["_INBOX."],
  activeMax: 4_096,
  requestsMax: 20_000,
  requestBytesMax: 128 * 1_048_576,
  retentionMs: 600_000,
  agentsMax: 100_000,
};

export interface Router {
  readonly id: string;
  /** Operations that agents hold for this router; zero when nothing runs. */
  readonly heldTotal: () => number;
  readonly agentsKnown: () => number;
  /** Takes nothing new, finishes what runs for at most `withinMs`, then leaves. */
  stop(withinMs?: number): Promise<void>;
}

/** Starts a router on a connected bus. The caller closes the bus and the store. @throws NexusError `disconnected` */
export async function startRouter(options: Partial<RouterOptions>, deps: ServiceDeps): Promise<Router> {
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
  const peers = new Peers({ bus, clock, logger: log, subjects, routerId, owns: (id) => registry.owns(id) });
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
  const idOf = (message: BusMessage) => requestIdIn(subjectToken(subjects, message.subject, 1));
  const service = await registerService(
    {
      service: "router",
      version: settings.version,
      description: "Takes coordination requests and carries them out",
      prefix: settings.prefix,
      replyPrefixes: settings.replyPrefixes,
      instance: settings.instance ?? routerId,
      boot: routerId,
      health: deps.health ?? healthOf(deps),
      verbs: {
        agents: (body) =>
          agentsPage(parseFrame(agentsQuerySchema, body, "the body"), {
            table,
            dispatcher,
            routerId,
            nowMs: clock.monotonicMs(),
          }),
        status: (): RouterStatus => ({
          v: WIRE_VERSION,
          router: routerId,
          agents: table.size,
          tableVersion: table.version,
          active: engine.active,
          held: dispatcher.heldTotal,
          sent: dispatcher.sent,
          lateAnswers: dispatcher.late,
          peers: peers.live(),
          sharedMemory: deps.store.shared ? (deps.store.available ? "available" : "away") : "none",
        }),
      },
      requests: [
        {
          name: "requests-get",
          subject: subjects.everyRequestGet,
          handler: (body, message) => requests.get(idOf(message), parseFrame(requestGetSchema, body, "the body")),
        },
        {
          name: "requests-cancel",
          subject: subjects.everyRequestCancel,
          handler: (_body, message) => requests.cancel(idOf(message)),
        },
        {
          name: "requests-own",
          subject: subjects.routerRequests(routerId),
          handler: (body) => requests.own(parseFrame(ownerQuestionSchema, body, "owner question")),
        },
      ],
      endpoints: goalTypes.map((type) => ({
        name: `coordinate-${type}`,
        subject: subjects.coordinate(type),
        queue: "router",
        handler: coordinateHandler(type, coordinate),
      })),
    },
    deps,
  );
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
      peers.stop();
      fleet.stop();
      sweep();
      for (const end of gauges) end();
      log.info({}, "router stopped");
    },
  };
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
