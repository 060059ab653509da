import { errorOf, natsCodeOf, toErrorBody } from "@nexus/contracts";
import type { Bus, BusMessage, Clock, ServiceAnswer, ServiceDefinition, ServiceEndpoint, ServiceHandle } from "@nexus/ports";

/**
 * The NATS services framework (ADR-32 of nats-architecture-and-design) over any bus: answers `$SRV.PING|INFO|STATS`, with
 * `.<name>` and `.<name>.<id>` behind them, and counts what the endpoints do.
 */
export interface ServiceContext {
  readonly id: string;
  readonly clock: Pick<Clock, "monotonicMs">;
  readonly onError: (error: Error) => void;
}

interface Counters {
  requests: number;
  errors: number;
  processingMs: number;
  lastError: string | undefined;
}

export function startService(bus: Bus, service: ServiceDefinition, context: ServiceContext): ServiceHandle {
  const identity = { name: service.name, id: context.id, version: service.version, metadata: service.metadata };
  const started = new Date().toISOString();
  const endpoints = service.endpoints.map((endpoint) => {
    const counters: Counters = { requests: 0, errors: 0, processingMs: 0, lastError: undefined };
    return { endpoint, counters, queue: endpoint.queue ?? "q" };
  });
  const reports = {
    PING: () => ({ type: "io.nats.micro.v1.ping_response", ...identity }),
    INFO: () => ({
      type: "io.nats.micro.v1.info_response",
      ...identity,
      description: service.description,
      endpoints: endpoints.map(({ endpoint, queue }) => ({
        name: endpoint.name,
        subject: endpoint.subject,
        queue_group: queue,
        metadata: endpoint.metadata,
      })),
    }),
    STATS: () => ({
      type: "io.nats.micro.v1.stats_response",
      ...identity,
      started,
      endpoints: endpoints.map(({ endpoint, counters, queue }) => statsOf(endpoint, queue, counters)),
    }),
  };
  const subscriptions = endpoints.map(({ endpoint, counters, queue }) =>
    bus.subscribe(endpoint.subject, (message) => run(bus, endpoint, counters, context, message), { queue }),
  );
  for (const [verb, report] of Object.entries(reports)) {
    const answer = (message: BusMessage): void => {
      const { reply } = message;
      if (reply === undefined || service.answersAt?.(reply) === false) return;
      bus.publish(reply, new TextEncoder().encode(JSON.stringify(report())));
    };
    for (const suffix of ["", `.${service.name}`, `.${service.name}.${context.id}`]) {
      subscriptions.push(bus.subscribe(`$SRV.${verb}${suffix}`, answer));
    }
  }
  return {
    id: context.id,
    async stop() {
      for (const subscription of subscriptions) subscription.unsubscribe();
    },
  };
}

async function run(
  bus: Bus,
  endpoint: ServiceEndpoint,
  counters: Counters,
  context: ServiceContext,
  message: BusMessage,
): Promise<void> {
  const startMs = context.clock.monotonicMs();
  let answer: ServiceAnswer | undefined;
  counters.requests++;
  try {
    answer = await endpoint.handler(message);
  } catch (error) {
    answer = { data: new Uint8Array(0), error: toErrorBody(error) };
    context.onError(errorOf(error));
  }
  counters.processingMs += context.clock.monotonicMs() - startMs;
  if (answer?.error !== undefined) {
    counters.errors++;
    counters.lastError = answer.error.message;
  }
  if (answer === undefined || message.reply === undefined) return;
  try {
    respond(bus, message.reply, answer);
  } catch (error) {
    const body = toErrorBody(error);
    counters.errors++;
    counters.lastError = body.message;
    context.onError(errorOf(error));
    if (body.code === "too-large") respond(bus, message.reply, { data: new Uint8Array(0), error: body });
  }
}

function respond(bus: Bus, reply: string, answer: ServiceAnswer): void {
  const told = answer.error === undefined ? {} : errorHeaders(answer.error);
  bus.publish(reply, answer.data, { headers: answer.headers === undefined ? told : { ...answer.headers, ...told } });
}

function errorHeaders(error: NonNullable<ServiceAnswer["error"]>): Record<string, string> {
  return {
    "Nats-Service-Error": error.message.replace(/[\p{Cc}\p{Cf}]+/gu, " "),
    "Nats-Service-Error-Code": String(natsCodeOf(error.code)),
  };
}

/** Times in nanoseconds, as the framework has them. */
function statsOf(endpoint: ServiceEndpoint, queue: string, counters: Counters): object {
  const processingNs = Math.round(counters.processingMs * 1e6);
  return {
    name: endpoint.name,
    subject: endpoint.subject,
    queue_group: queue,
    num_requests: counters.requests,
    num_errors: counters.errors,
    last_error: counters.lastError,
    processing_time: processingNs,
    average_processing_time: counters.requests === 0 ? 0 : Math.round(processingNs / counters.requests),
  };
}
