import {
  type Accepted,
  attributes,
  CONTENT_TYPE_HEADER,
  type CodecName,
  type CoordinationResult,
  codecOf,
  contentTypes,
  decode,
  encode,
  type GoalType,
  isReplyAllowed,
  NexusError,
  parseRequest,
  type Refusal,
  toErrorBody,
} from "@nexus/contracts";
import type { BusMessage, Clock, Logger, ServiceAnswer, Span, Telemetry } from "@nexus/ports";
import type { Coordinator } from "../coordinator.ts";

export interface CoordinateDeps {
  readonly coordinator: Coordinator;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
  readonly replyPrefixes: readonly string[];
  readonly requestsMax: number;
  readonly routerId: string;
  readonly isDraining: () => boolean;
  readonly active: () => number;
}

/** The clients' ingress: decode, validate, hand over, encode. Whatever is wrong with a request ends here. */
export function coordinateHandler(
  type: GoalType,
  deps: CoordinateDeps,
): (message: BusMessage) => Promise<ServiceAnswer | undefined> {
  return async (message) => {
    const { telemetry, logger, clock } = deps;
    if (message.reply !== undefined && !isReplyAllowed(message.reply, deps.replyPrefixes)) {
      // Answering there could lend our rights to the client, and without an answer it must not be executed either.
      telemetry.count("requestsRefused", 1, { [attributes.errorType]: "reply-subject" });
      logger.warn({ reply: message.reply.slice(0, 128) }, "request refused: its reply subject is no inbox");
      return undefined;
    }
    const beganMs = clock.monotonicMs();
    const parent = telemetry.extract(message.headers);
    const span = telemetry.startSpan("routerCoordinate", {
      kind: "server",
      fill: { type },
      ...(parent === undefined ? {} : { parent }),
      attributes: { [attributes.messagingSystem]: "nats", [attributes.goalType]: type, [attributes.routerId]: deps.routerId },
    });
    let codec: CodecName = "json";
    try {
      codec = codecOf(message.headers[CONTENT_TYPE_HEADER]);
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
  if (deps.active() >= deps.requestsMax) {
    throw new NexusError("overloaded", `${deps.requestsMax} requests are running here; try again`, { retryAfterMs: 250 });
  }
  const request = parseRequest(decode(message.data, codec), type);
  const started = deps.coordinator.start(request, span.context);
  span.set({ [attributes.requestId]: started.id });
  if (request.mode !== "accept") {
    const { result, encoded } = await started.ended;
    finish(result, span, beganMs, deps);
    return codec === "json" ? { data: encoded } : bodyOf(result, codec);
  }
  started.ended.then(
    ({ result }) => finish(result, span, beganMs, deps),
    (error: unknown) => {
      deps.logger.warn({ requestId: started.id, err: error }, "an accepted request was refused afterwards");
      span.end(error instanceof NexusError ? error.code : "internal");
    },
  );
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

function finish(result: CoordinationResult, span: Span, beganMs: number, deps: CoordinateDeps): void {
  const { telemetry, clock } = deps;
  span.set({
    [attributes.status]: result.status,
    [attributes.agentsTargeted]: result.agents.targeted,
    [attributes.agentsResponded]: result.agents.responded,
    [attributes.agentsMissing]: result.agents.missingTotal,
    [attributes.repeated]: result.repeated,
  });
  span.end(result.status === "failed" ? (result.error?.code ?? "internal") : undefined);
  const by = { [attributes.goalType]: result.type, [attributes.status]: result.status };
  telemetry.count("coordinations", 1, by);
  telemetry.record("coordinationDuration", (clock.monotonicMs() - beganMs) / 1_000, {
    ...by,
    [attributes.layer]: result.decision?.layer ?? "unexplained",
  });
}

function refuse(error: unknown, type: GoalType, codec: CodecName, span: Span, deps: CoordinateDeps): ServiceAnswer {
  const body = toErrorBody(error);
  span.end(body.code);
  deps.telemetry.count("requestsRefused", 1, { [attributes.errorType]: body.code });
  if (body.code === "internal") deps.logger.error({ err: error, type }, "a request met a defect");
  else deps.logger.debug({ code: body.code, field: body.field, type }, "request refused");
  const refusal: Refusal = { v: 1, type, status: "failed", executed: body.executed, error: body };
  return { ...bodyOf(refusal, codec), error: body };
}

function bodyOf(value: unknown, codec: CodecName): ServiceAnswer {
  return { data: encode(value, codec), ...(codec === "json" ? {} : { headers: { [CONTENT_TYPE_HEADER]: contentTypes[codec] } }) };
}
