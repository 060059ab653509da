import { encode, natsCodeOf, toErrorBody } from "@nexus/contracts";
import type {
  Bus,
  BusMessage,
  BusSubscription,
  Clock,
  Ids,
  Logger,
  ServiceDefinition,
  ServiceEndpoint,
  ServiceHandle,
} from "@nexus/ports";

/**
 * Registers a service with the NATS services framework: answers `$SRV.PING|INFO|STATS`, for all, by name and by id, and
 * counts its endpoints, as `nats micro` reads them (ADR-32 of nats-architecture-and-design).
 *
 * Not the `services` module of nats.js: that one counts an asynchronous handler's time as zero and none of its errors,
 * and it needs a NATS connection where this needs a bus.
 */

const PROTOCOL = "io.nats.micro.v1";
const DEFAULT_QUEUE = "q";

interface EndpointStats {
  requests: number;
  errors: number;
  lastError: string;
  busyNs: number;
}

export interface ServeDeps {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
}

export function serveService(definition: ServiceDefinition, deps: ServeDeps): ServiceHandle {
  const { bus, clock } = deps;
  const id = deps.ids.instanceName(definition.name);
  const started = new Date(clock.epochMs()).toISOString();
  const stats = new Map<ServiceEndpoint, EndpointStats>();
  const subscriptions: BusSubscription[] = [];
  const identity = { name: definition.name, id, version: definition.version, metadata: definition.metadata };

  for (const endpoint of definition.endpoints) {
    const counts: EndpointStats = { requests: 0, errors: 0, lastError: "", busyNs: 0 };
    stats.set(endpoint, counts);
    const handler = (message: BusMessage) => answer(message, endpoint, counts, deps);
    subscriptions.push(bus.subscribe(endpoint.subject, handler, { queue: endpoint.queue ?? DEFAULT_QUEUE }));
  }

  const reports: Record<string, () => unknown> = {
    PING: () => ({ type: `${PROTOCOL}.ping_response`, ...identity }),
    INFO: () => ({
      type: `${PROTOCOL}.info_response`,
      ...identity,
      description: definition.description,
      endpoints: definition.endpoints.map((endpoint) => ({
        name: endpoint.name,
        subject: endpoint.subject,
        queue_group: endpoint.queue ?? DEFAULT_QUEUE,
        metadata: endpoint.metadata ?? {},
      })),
    }),
    STATS: () => ({
      type: `${PROTOCOL}.stats_response`,
      ...identity,
      started,
      endpoints: definition.endpoints.map((endpoint) => statsOf(endpoint, stats.get(endpoint))),
    }),
  };
  for (const [verb, report] of Object.entries(reports)) {
    for (const subject of [`$SRV.${verb}`, `$SRV.${verb}.${definition.name}`, `$SRV.${verb}.${definition.name}.${id}`]) {
      subscriptions.push(
        bus.subscribe(subject, (message) => {
          if (message.reply !== undefined && bus.connected) bus.publish(message.reply, encode(report()));
        }),
      );
    }
  }
  return {
    id,
    async stop() {
      for (const subscription of subscriptions) subscription.unsubscribe();
    },
  };
}

async function answer(message: BusMessage, endpoint: ServiceEndpoint, counts: EndpointStats, deps: ServeDeps): Promise<void> {
  const { bus, clock, logger } = deps;
  const beganMs = clock.monotonicMs();
  try {
    const reply = await endpoint.handler(message);
    if (reply?.error !== undefined) countError(counts, `${reply.error.code}: ${reply.error.message}`);
    if (reply === undefined || message.reply === undefined) return;
    const headers =
      reply.error === undefined
        ? reply.headers
        : {
            ...reply.headers,
            "Nats-Service-Error": reply.error.code,
            "Nats-Service-Error-Code": String(natsCodeOf(reply.error.code)),
          };
    bus.publish(message.reply, reply.data, headers === undefined ? {} : { headers });
  } catch (error) {
    // The handler turns what it expects into answers; this is the answer itself that could not be given.
    const body = toErrorBody(error);
    countError(counts, `${body.code}: ${body.message}`);
    logger.warn({ endpoint: endpoint.name, err: error }, "a request could not be answered");
  } finally {
    counts.requests++;
    counts.busyNs += Math.round((clock.monotonicMs() - beganMs) * 1e6);
  }
}

function countError(counts: EndpointStats, message: string): void {
  counts.errors++;
  counts.lastError = message;
}

function statsOf(endpoint: ServiceEndpoint, counts: EndpointStats | undefined) {
  const { requests = 0, errors = 0, lastError = "", busyNs = 0 } = counts ?? {};
  return {
    name: endpoint.name,
    subject: endpoint.subject,
    queue_group: endpoint.queue ?? DEFAULT_QUEUE,
    num_requests: requests,
    num_errors: errors,
    last_error: lastError,
    processing_time: busyNs,
    average_processing_time: requests === 0 ? 0 : Math.round(busyNs / requests),
  };
}
