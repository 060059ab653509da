import {
  type Accepted,
  attributes,
  CONTENT_TYPE_HEADER,
  type CodecName,
  type CoordinationRequest,
  type CoordinationResult,
  codecOfHeaders,
  contentTypes,
  decode,
  encode,
  encodeText,
  type GoalType,
  isReplyAllowed,
  NexusError,
  parseRequest,
  type Refusal,
  toErrorBody,
} from "@nexus/contracts";
import type { BusMessage, Clock, Logger, ServiceAnswer, Span, Telemetry, TraceContext } from "@nexus/ports";
import type { LogLimit } from "@nexus/runtime";
import type { ActivityFeed } from "../activity-feed.ts";
import type { Admission } from "../admission.ts";
import type { Coordinator, Started } from "../coordinator.ts";
import type { EndedRequest } from "../ended-request.ts";
import { fitted } from "../results.ts";

export interface CoordinateDeps {
  readonly coordinator: Coordinator;
  readonly activity: ActivityFeed;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
  readonly replyPrefixes: readonly string[];
  /** Of all requests that this router is to answer or to carry out, those that join another one included. */
  readonly admission: Admission;
  readonly limit: LogLimit;
  readonly routerId: string;
  readonly isDraining: () => boolean;
  readonly contentBytesMax: () => number;
}

/** The clients' ingress: decode, validate, hand over, encode. Whatever is wrong with a request ends here. */
export function coordinateHandler(
  type: GoalType,
  deps: CoordinateDeps,
): (message: BusMessage) => Promise<ServiceAnswer | undefined> {
  return async (message) => {
    const { telemetry, logger, clock } = deps;
    const { reply } = message;
    if (reply !== undefined && !isReplyAllowed(reply, deps.replyPrefixes)) {
      // Answering there could lend our rights to the client, and without an answer it must not be executed either.
      telemetry.count("requestsRefused", 1, { [attributes.errorType]: "reply-subject" });
      deps.limit((omitted) => {
        logger.warn({ reply: reply.slice(0, 128), omitted }, "request refused: its reply subject is no inbox");
      });
      return undefined;
    }
    const beganMs = clock.monotonicMs();
    const span = telemetry.startSpan("routerCoordinate", {
      kind: "server",
      fill: { type },
      parent: parentOf(message, telemetry),
      attributes: () => ({
        [attributes.messagingSystem]: "nats",
        [attributes.goalType]: type,
        [attributes.routerId]: deps.routerId,
      }),
    });
    let codec: CodecName = "json";
    try {
      codec = codecOfHeaders(message.headers);
      return await answer(message, type, codec, span, beganMs, deps);
    } catch (error) {
      return refuse(error, type, codec, span, deps);
    }
  };
}

async function answer(
  message: BusMessage,
  type: GoalType,
  codec: CodecName,
  span: Span,
  beganMs: number,
  deps: CoordinateDeps,
): Promise<ServiceAnswer> {
  if (deps.isDraining()) throw new NexusError("draining", "this router is stopping; send it again", { retryAfterMs: 50 });
  const leave = deps.admission.enter();
  let request: CoordinationRequest;
  let started: Started;
  try {
    request = parseRequest(decode(message.data, codec), type);
    started = deps.coordinator.start(request, span.context);
  } catch (error) {
    leave();
    throw error;
  }
  const { class: goalClass } = request.goal;
  span.set(() => ({
    [attributes.requestId]: started.id,
    ...(goalClass === undefined ? {} : { [attributes.goalClass]: goalClass }),
  }));
  if (request.mode !== "accept") {
    let ended: EndedRequest;
    try {
      ended = await started.ended;
    } finally {
      leave();
    }
    finish(ended.result, span, beganMs, deps);
    return resultBody(ended, codec, deps.contentBytesMax());
  }
  const ended = started.ended.finally(leave).then(({ result }) => finish(result, span, beganMs, deps));
  await Promise.race([started.begun, ended]);
  ended.catch((error: unknown) => lostLater(error, started.id, type, span, deps));
  const accepted: Accepted = {
    v: 1,
    id: started.id,
    type,
    status: "accepted",
    router: deps.routerId,
    remainingMs: started.remainingMs,
    ...(span.context.traceId === undefined ? {} : { traceId: span.context.traceId }),
  };
  return bodyOf(accepted, codec);
}

/** A message whose headers cannot be read belongs to no trace; it is refused where its body would be read. */
function parentOf(message: BusMessage, telemetry: Telemetry): TraceContext | undefined {
  try {
    return telemetry.extract(message.headers);
  } catch {
    return undefined;
  }
}

/** The client has its `accepted`; another router had the request, and its end is not known. */
function lostLater(error: unknown, requestId: string, type: GoalType, span: Span, deps: CoordinateDeps): void {
  const { code } = toErrorBody(error);
  span.end(code);
  deps.telemetry.count("requestsRefused", 1, { [attributes.errorType]: code });
  if (code === "internal") deps.logger.error({ requestId, err: error, type }, "a request met a defect");
  else
    deps.limit((omitted) =>
      deps.logger.warn({ requestId, code, omitted }, "an accepted request has no end that this router knows of"),
    );
}

function finish(result: CoordinationResult, span: Span, beganMs: number, deps: CoordinateDeps): void {
  const { telemetry, clock } = deps;
  span.set(() => ({
    [attributes.status]: result.status,
    [attributes.agentsTargeted]: result.agents.targeted,
    [attributes.agentsResponded]: result.agents.responded,
    [attributes.agentsMissing]: result.agents.missingTotal,
    [attributes.repeated]: result.repeated,
  }));
  span.end(result.status === "failed" ? (result.error?.code ?? "internal") : undefined);
  const by = { [attributes.goalType]: result.type, [attributes.status]: result.status };
  telemetry.count("coordinations", 1, by);
  telemetry.record("coordinationDuration", (clock.monotonicMs() - beganMs) / 1_000, {
    ...by,
    [attributes.layer]: result.decision?.layer ?? "unexplained",
    [attributes.strategy]: result.decision?.strategy ?? "unexplained",
  });
}

function refuse(error: unknown, type: GoalType, codec: CodecName, span: Span, deps: CoordinateDeps): ServiceAnswer {
  const body = toErrorBody(error);
  span.end(body.code);
  deps.activity.refused(type, body);
  deps.telemetry.count("requestsRefused", 1, { [attributes.errorType]: body.code });
  if (body.code === "internal") deps.logger.error({ err: error, type }, "a request met a defect");
  else deps.logger.debug({ code: body.code, field: body.field, type }, "request refused");
  const refusal: Refusal = { v: 1, type, status: "failed", executed: body.executed, error: body };
  return { ...bodyOf(refusal, codec), error: body };
}

/** Results are kept as they fit one message in JSON; numbers may take more in MessagePack. */
function resultBody({ result, json }: EndedRequest, codec: CodecName, bytesMax: number): ServiceAnswer {
  return codec === "json" ? { data: encodeText(json) } : bodyOf(fitted(result, bytesMax, codec), codec);
}

function bodyOf(value: unknown, codec: CodecName): ServiceAnswer {
  return { data: encode(value, codec), ...(codec === "json" ? {} : { headers: { [CONTENT_TYPE_HEADER]: contentTypes[codec] } }) };
}
