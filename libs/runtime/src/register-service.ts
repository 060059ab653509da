import {
  attributes,
  CONTENT_TYPE_HEADER,
  type CodecName,
  codecOfHeaders,
  contentTypes,
  createSubjects,
  decode,
  encode,
  type Failure,
  type HealthAnswer,
  isReplyAllowed,
  type JsonValue,
  type ServiceName,
  type ServiceReport,
  toErrorBody,
  type VerbOf,
  WIRE_VERSION,
  wireRange,
} from "@nexus/contracts";
import type { Bus, BusMessage, Clock, Logger, ServiceAnswer, ServiceEndpoint, ServiceHandle, Telemetry } from "@nexus/ports";
import type { Health } from "./health.ts";
import { createLogLimit, type LogLimit } from "./log-limit.ts";
import { measureProcess, processLoad } from "./process-load.ts";

/**
 * A service's API on the bus, `<prefix>.<service>.<verb>`, with one endpoint `health` that any replica answers, and one
 * `report`, the same subject for all services, that every instance answers.
 *
 * Invariants
 * A1. Whatever a handler throws is answered as a `Failure`, in the request's codec, with NATS's error headers.
 * A2. A request whose reply subject is no allowed inbox is neither executed nor answered: answering there could lend the
 *     service's rights to the client.
 */
export type VerbHandler = (body: JsonValue, message: BusMessage) => unknown;

/** Verbs that the service itself answers; `health` is answered here. */
export type OwnVerbOf<S extends ServiceName> = Exclude<VerbOf<S>, "health">;

interface ServiceRequest {
  readonly name: string;
  readonly subject: string;
  readonly everyInstance?: boolean;
  readonly handler: VerbHandler;
}

export interface ServiceRegistration<S extends ServiceName> {
  readonly service: S;
  readonly version: string;
  readonly description: string;
  readonly prefix: string;
  /** Inboxes that clients may ask answers at; each ends with a dot. */
  readonly replyPrefixes: readonly string[];
  readonly instance: string;
  /** Names this life of the instance. */
  readonly boot: string;
  readonly health: Health;
  /** The service's own counts and levels, for its report. */
  readonly counts?: () => Readonly<Record<string, number>>;
  readonly verbs: Readonly<Record<OwnVerbOf<S>, VerbHandler>>;
  /** Requests on other subjects, answered as the verbs are: by one instance, or by each. */
  readonly requests?: readonly ServiceRequest[];
  /** Endpoints that decode, check the reply subject and answer by themselves. */
  readonly endpoints?: readonly ServiceEndpoint[];
  /** Beside the wire range, the instance and the boot. */
  readonly metadata?: Readonly<Record<string, string>>;
}

interface Deps {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
}

/** Resolves when the server knows every subscription. */
export async function registerService<S extends ServiceName>(
  registration: ServiceRegistration<S>,
  deps: Deps,
): Promise<ServiceHandle> {
  const { service, health, instance, boot } = registration;
  const subjects = createSubjects(registration.prefix);
  const limited = { ...deps, limit: createLogLimit(deps.clock) };
  const verbs = {
    ...registration.verbs,
    health: (): HealthAnswer => ({ v: WIRE_VERSION, service, instance, boot, ...health.report() }),
  } as Readonly<Record<VerbOf<S>, VerbHandler>>;
  const report = reporter(registration, deps.clock);
  const requests: ServiceRequest[] = [
    { name: "report", subject: subjects.everyServiceReport, everyInstance: true, handler: report },
    ...(Object.keys(verbs) as VerbOf<S>[]).map((verb) => ({
      name: verb,
      subject: subjects.service(service, verb),
      handler: verbs[verb],
    })),
    ...(registration.requests ?? []),
  ];
  const handle = await deps.bus.serve({
    name: `nexus-${service}`,
    version: registration.version,
    description: registration.description,
    metadata: {
      ...registration.metadata,
      instance,
      boot,
      wire_min: String(wireRange.min),
      wire_max: String(wireRange.max),
    },
    answersAt: (reply) => isReplyAllowed(reply, registration.replyPrefixes), // A2
    endpoints: [
      ...requests.map(({ name, subject, everyInstance = false, handler }) => ({
        name,
        subject,
        queue: everyInstance ? boot : service, // a queue for each life
        handler: (message: BusMessage) => answering(message, name, handler, registration, limited),
      })),
      ...(registration.endpoints ?? []),
    ],
  });
  await deps.bus.flush();
  return handle;
}

function reporter<S extends ServiceName>(registration: ServiceRegistration<S>, clock: Clock): () => ServiceReport {
  const { service, instance, boot, version, health } = registration;
  const startedMs = clock.monotonicMs();
  measureProcess();
  return () => ({
    v: WIRE_VERSION,
    service,
    instance,
    boot,
    version,
    wire: wireRange,
    epochMs: clock.epochMs(),
    uptimeMs: clock.monotonicMs() - startedMs,
    process: processLoad(),
    ...health.report(),
    counts: registration.counts?.() ?? {},
  });
}

async function answering(
  message: BusMessage,
  verb: string,
  handler: VerbHandler,
  registration: Pick<ServiceRegistration<ServiceName>, "service" | "replyPrefixes">,
  deps: Deps & { readonly limit: LogLimit },
): Promise<ServiceAnswer | undefined> {
  const { service } = registration;
  const { reply } = message;
  if (reply !== undefined && !isReplyAllowed(reply, registration.replyPrefixes)) {
    deps.telemetry.count("requestsRefused", 1, { [attributes.service]: service, [attributes.errorType]: "reply-subject" }); // A2
    deps.limit((omitted) => {
      deps.logger.warn({ verb, reply: reply.slice(0, 128), omitted }, "request refused: its reply subject is no inbox");
    });
    return undefined;
  }
  let codec: CodecName = "json";
  try {
    codec = codecOfHeaders(message.headers);
    const body: JsonValue = message.data.byteLength === 0 ? {} : decode(message.data, codec);
    return answerOf(await handler(body, message), codec);
  } catch (error) {
    return failureOf(error, verb, codec, service, deps);
  }
}

/** A1 */
function failureOf(error: unknown, verb: string, codec: CodecName, service: ServiceName, deps: Deps): ServiceAnswer {
  const body = toErrorBody(error);
  deps.telemetry.count("requestsRefused", 1, { [attributes.service]: service, [attributes.errorType]: body.code });
  if (body.code === "internal") deps.logger.error({ verb, err: error }, "a request met a defect");
  else deps.logger.debug({ verb, code: body.code, field: body.field }, "request refused");
  const failure: Failure = { v: WIRE_VERSION, error: body };
  return { ...answerOf(failure, codec), error: body };
}

function answerOf(value: unknown, codec: CodecName): ServiceAnswer {
  return { data: encode(value ?? null, codec), headers: { [CONTENT_TYPE_HEADER]: contentTypes[codec] } };
}
