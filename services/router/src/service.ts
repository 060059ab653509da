import { attributes, createSubjects, encodeText } from "@nexus/contracts";
import { Dispatcher, Engine, RoutingTable } from "@nexus/engine";
import type { Clock } from "@nexus/ports";
import { createLogLimit, DEFAULT_REPLY_PREFIXES, healthOf, registerService, type ServiceDeps, VERSION } from "@nexus/runtime";
import { ActivityFeed } from "./activity-feed.ts";
import { Admission } from "./admission.ts";
import { AgentIntake } from "./agent-intake.ts";
import { Claims } from "./claims.ts";
import { Coordinator } from "./coordinator.ts";
import { FrameGuard } from "./frame-guard.ts";
import { routerApi } from "./handlers/api.ts";
import { contentBytesMax } from "./message-bytes.ts";
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
  /** Agents in the routing table, and the bytes of the hellos that they came with. */
  readonly agentsMax: number;
  readonly agentBytesMax: number;
  /** Where no memory is shared, how long a request with an id waits at most for the other routers' word on it. */
  readonly peersAnswerMs: number;
  /** What people call this replica; default: the id of this life. */
  readonly instance?: string;
}

export const routerDefaults: RouterOptions = {
  prefix: "nexus",
  version: VERSION,
  replyPrefixes: DEFAULT_REPLY_PREFIXES,
  activeMax: 4_096,
  requestsMax: 20_000,
  requestBytesMax: 128 * 1_048_576,
  retentionMs: 600_000,
  agentsMax: 100_000,
  agentBytesMax: 128 * 1_048_576,
  peersAnswerMs: 20,
};

export interface Router {
  readonly id: string;
  /** Operations that agents hold for this router; zero when nothing runs. */
  readonly heldTotal: () => number;
  readonly agentsKnown: () => number;
  /** Takes nothing new, finishes what runs for at most `withinMs`, then leaves. */
  stop(withinMs?: number): Promise<void>;
}

const STOP_WITHIN_MS = 2_000;
/** For what was cancelled to tell its client so. */
const CANCEL_WITHIN_MS = 500;
const SWEEP_EVERY_MS = 1_000;

/** Starts a router on a connected bus. The caller closes the bus and the store. @throws NexusError `disconnected` */
export async function startRouter(options: Partial<RouterOptions>, deps: ServiceDeps): Promise<Router> {
  const settings = { ...routerDefaults, ...options };
  const { clock, bus } = deps;
  const parts = assemble(settings, deps);
  const { routerId, registry, log } = parts;
  parts.peers.start();
  await parts.intake.start();
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
      ...parts.api,
    },
    deps,
  );
  const endSweeps = every(SWEEP_EVERY_MS, clock, parts.sweep);
  log.info({ prefix: settings.prefix, server: bus.server }, "router started");
  return {
    id: routerId,
    heldTotal: () => parts.dispatcher.heldTotal,
    agentsKnown: () => parts.table.size,
    async stop(withinMs = STOP_WITHIN_MS) {
      parts.drain();
      if (!(await within(withinMs, clock, registry.settled()))) {
        const abandoned = registry.cancelAll();
        log.warn({ abandoned, withinMs }, "requests were cancelled: the time to finish them is up");
        await within(CANCEL_WITHIN_MS, clock, registry.settled());
      }
      await service.stop();
      parts.activity.stop();
      parts.peers.stop();
      parts.intake.stop();
      endSweeps();
      parts.endGauges();
      log.info({}, "router stopped");
    },
  };
}

/** Every part of a router, wired and not yet started. */
function assemble(settings: RouterOptions, deps: ServiceDeps) {
  const { bus, clock, ids, store, telemetry } = deps;
  const subjects = createSubjects(settings.prefix);
  const routerId = ids.instanceName("router");
  const log = deps.logger.child({ router: routerId });
  const base = { bus, clock, logger: log, telemetry, subjects, routerId };
  const table = new RoutingTable({ agentsMax: settings.agentsMax, bytesMax: settings.agentBytesMax });
  const dispatcher = new Dispatcher({ bus, subjects, telemetry });
  const engine = new Engine({ ...base, table, dispatcher, ids });
  const registry = new RequestRegistry({
    requestsMax: settings.requestsMax,
    bytesMax: settings.requestBytesMax,
    ttlMs: settings.retentionMs,
  });
  const guard = new FrameGuard(base);
  const { replyPrefixes } = settings;
  const peers = new Peers({
    ...base,
    guard,
    replyPrefixes,
    answerWithinMs: settings.peersAnswerMs,
    owns: (id) => registry.owns(id),
  });
  const claims = new Claims({
    ...{ store, peers, clock, ids, logger: log, routerId },
    retentionMs: settings.retentionMs,
    resultOf(id) {
      const ended = registry.ended(id);
      return ended === undefined ? undefined : encodeText(ended.json);
    },
  });
  const requests = new RequestsApi({
    ...base,
    registry,
    claims,
    waiters: new Admission(settings.requestsMax, "callers wait for requests"),
  });
  const activity = new ActivityFeed(base);
  const coordinator = new Coordinator({
    ...base,
    ids,
    engine,
    registry,
    claims,
    activity,
    askOwner: (owner, id, digest, waitMs) => requests.askOwner(owner, id, digest, waitMs),
    cancelAt: (owner, id) => requests.cancelAt(owner, id),
  });
  let draining = false;
  const api = routerApi({
    subjects,
    requests,
    peers,
    store,
    guard,
    active: () => engine.active,
    agents: { table, dispatcher, routerId, nowMs: () => clock.monotonicMs(), contentBytesMax: () => contentBytesMax(bus) },
    coordinate: {
      ...base,
      coordinator,
      activity,
      replyPrefixes,
      admission: new Admission(settings.activeMax, "requests are running"),
      limit: createLogLimit(clock),
      isDraining: () => draining,
      contentBytesMax: () => contentBytesMax(bus),
    },
  });
  const gauges = [telemetry.gauge("agentsKnown", () => table.size), telemetry.gauge("coordinationsActive", () => engine.active)];
  let evicted = 0;
  return {
    ...{ routerId, log, table, dispatcher, registry, peers, activity, api },
    intake: new AgentIntake({ ...base, guard, table, dispatcher, engine }),
    drain() {
      draining = true;
    },
    sweep() {
      registry.expire(clock.monotonicMs());
      void claims.tell();
      if (registry.evicted > evicted) {
        telemetry.count("boundsReached", registry.evicted - evicted, { [attributes.reason]: "requests-kept" });
        evicted = registry.evicted;
      }
    },
    endGauges() {
      for (const end of gauges) end();
    },
  };
}

/** @returns whether it was done in time */
async function within(timeoutMs: number, clock: Clock, work: Promise<unknown>): Promise<boolean> {
  const late = Promise.withResolvers<boolean>();
  const timer = clock.schedule(timeoutMs, () => late.resolve(false));
  try {
    return await Promise.race([work.then(() => true), late.promise]);
  } finally {
    timer.cancel();
  }
}

function every(intervalMs: number, clock: Clock, action: () => void): () => void {
  let timer = clock.schedule(intervalMs, function again() {
    action();
    timer = clock.schedule(intervalMs, again);
  });
  return () => timer.cancel();
}
