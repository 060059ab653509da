import { errorOf, NexusError, natsCodeOf, toErrorBody } from "@nexus/contracts";
import type { ServiceAnswer, ServiceDefinition, ServiceEndpoint, ServiceHandle } from "@nexus/ports";
import { type Msg, type NatsConnection, type Service, ServiceErrorCodeHeader, ServiceErrorHeader, type ServiceMsg } from "nats";
import { toBusError } from "./errors.ts";
import { NatsMessage, toNatsHeaders } from "./messages.ts";

/** What the library counts wrongly: it takes a handler for done when its promise is made, and sees no error after that. */
interface Counters {
  done: number;
  processingMs: number;
  errors: number;
  lastError: string | undefined;
}

/** The counters that the library reads for STATS right after it asked `statsHandler`; they are its own, public in JSON only. */
interface LibraryStats {
  num_errors: number;
  last_error?: string | undefined;
  processing_time: number;
  average_processing_time: number;
}

/** The library's own endpoints, PING, INFO and STATS, which answer wherever they are asked to. */
interface LibraryService {
  readonly internal: readonly { readonly sub: { callback: (error: Error | null, message: Msg) => void } }[];
}

/** Registers the service with the library's implementation of the NATS services framework. */
export async function startService(
  nc: NatsConnection,
  definition: ServiceDefinition,
  onError: (error: Error) => void,
  isEnding: () => boolean,
): Promise<ServiceHandle> {
  const counted = new Map<string, Counters>();
  let stopping = false;
  const service = await nc.services.add({
    name: definition.name,
    version: definition.version,
    description: definition.description,
    metadata: { ...definition.metadata },
    statsHandler: async (endpoint) => {
      const counters = counted.get(endpoint.subject);
      if (counters !== undefined) correct((endpoint as unknown as { stats: LibraryStats }).stats, counters);
      return undefined;
    },
  });
  if (definition.answersAt !== undefined) guardReplies(service, definition.answersAt);
  for (const endpoint of definition.endpoints) {
    const counters: Counters = { done: 0, processingMs: 0, errors: 0, lastError: undefined };
    counted.set(endpoint.subject, counters);
    service.addEndpoint(endpoint.name, {
      subject: endpoint.subject,
      ...(endpoint.queue === undefined ? {} : { queue: endpoint.queue }),
      ...(endpoint.metadata === undefined ? {} : { metadata: { ...endpoint.metadata } }),
      // The library closes the service itself when `error` is set, and tells `stopped`.
      handler: (error, message) => {
        if (error === null) void run(endpoint, counters, message, onError);
      },
    });
  }
  void service.stopped.then((error) => {
    if (error !== null && !stopping && !isEnding())
      onError(new Error(`service ${definition.name} stopped: ${error.message}`, { cause: error }));
  });
  return {
    id: service.info().id,
    async stop() {
      stopping = true;
      const error = await service.stop();
      if (error !== null) throw toBusError(error, definition.name);
    },
  };
}

function guardReplies(service: Service, answersAt: (reply: string) => boolean): void {
  for (const { sub } of (service as unknown as LibraryService).internal) {
    const { callback } = sub;
    sub.callback = (error, message) => {
      if (error !== null || !message.reply || answersAt(message.reply)) callback(error, message);
    };
  }
}

/** Never rejects: everything that fails is told to the caller, to `onError`, or to both. */
async function run(
  endpoint: ServiceEndpoint,
  counters: Counters,
  message: ServiceMsg,
  onError: (error: Error) => void,
): Promise<void> {
  const startMs = performance.now();
  let answer: ServiceAnswer | undefined;
  try {
    answer = await endpoint.handler(new NatsMessage(message));
  } catch (error) {
    answer = { data: new Uint8Array(0), error: toErrorBody(error) };
    onError(errorOf(error)); // B2
  }
  counters.done++;
  counters.processingMs += performance.now() - startMs;
  if (answer?.error !== undefined) count(counters, answer.error.message);
  if (answer === undefined || message.reply === undefined || message.reply === "") return;
  try {
    respond(message, answer);
  } catch (error) {
    const failure = toBusError(error, endpoint.subject);
    count(counters, failure.message);
    onError(failure);
    if (failure instanceof NexusError && failure.code === "too-large") {
      respond(message, { data: new Uint8Array(0), error: toErrorBody(failure) });
    }
  }
}

function respond(message: ServiceMsg, answer: ServiceAnswer): void {
  const told = answer.error === undefined ? {} : errorHeaders(answer.error);
  const headers = toNatsHeaders(answer.headers === undefined ? told : { ...answer.headers, ...told });
  if (headers === undefined) message.respond(answer.data);
  else message.respond(answer.data, { headers });
}

function errorHeaders(error: NonNullable<ServiceAnswer["error"]>): Record<string, string> {
  return {
    // Tools print it to a terminal.
    [ServiceErrorHeader]: error.message.replace(/[\p{Cc}\p{Cf}]+/gu, " "),
    [ServiceErrorCodeHeader]: String(natsCodeOf(error.code)),
  };
}

function count(counters: Counters, message: string): void {
  counters.errors++;
  counters.lastError = message;
}

/** Times in nanoseconds, as the framework has them. */
function correct(stats: LibraryStats, counters: Counters): void {
  const processingNs = Math.round(counters.processingMs * 1e6);
  stats.num_errors = counters.errors;
  stats.last_error = counters.lastError;
  stats.processing_time = processingNs;
  stats.average_processing_time = counters.done === 0 ? 0 : Math.round(processingNs / counters.done);
}
