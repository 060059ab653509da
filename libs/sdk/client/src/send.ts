import {
  attributes,
  CONTENT_TYPE_HEADER,
  type CodecName,
  type CoordinationRequest,
  type CoordinationResult,
  contentTypes,
  encode,
  errorFromIssues,
  fromErrorBody,
  limits,
  NexusError,
  requestSchema,
  resultSchema,
} from "@nexus/contracts";
import type { BusMessage, Logger, Telemetry } from "@nexus/ports";
import { readAnswer } from "./answers.ts";
import { getReport, type Line } from "./ask.ts";
import { isTransportFault, patiently, requestWatched } from "./patience.ts";
import type { SendOptions } from "./types.ts";

/**
 * One request on its way to a router and back.
 *
 * Invariants
 * K1. Every attempt has the same id and the same body, but for the time left: the router joins or repeats, never executes
 *     a second time.
 * K2. No attempt begins after the request's own time is up.
 * K3. An error says that nothing was executed only where no attempt can have: the last one speaks for itself alone.
 */

export interface Sender extends Line {
  readonly telemetry: Telemetry;
  readonly logger: Logger;
  readonly graceMs: number;
  readonly codec: CodecName;
}

/** A request that is valid and has an id, with the moment (monotonic) at which its time is up. */
export interface Outgoing {
  readonly id: string;
  readonly request: CoordinationRequest;
  readonly deadlineMs: number;
}

/**
 * Validates a request before anything is sent.
 * @throws NexusError `invalid-field`, `unknown-field` or `deadline-past`, naming the field
 */
export function outgoingOf(request: CoordinationRequest, line: Line, newId: () => string): Outgoing {
  const parsed = requestSchema.safeParse(request);
  if (!parsed.success) throw errorFromIssues(parsed.error.issues, "the request");
  const { deadline, timeoutMs } = parsed.data;
  const leftMs = deadline === undefined ? (timeoutMs ?? limits.timeoutMsDefault) : deadline - line.clock.epochMs();
  if (leftMs <= 0) throw new NexusError("deadline-past", `the deadline was ${-leftMs} ms ago`, { field: "deadline" });
  const id = parsed.data.id ?? newId();
  return { id, request: { ...parsed.data, id }, deadlineMs: line.clock.monotonicMs() + Math.min(leftMs, limits.timeoutMsMax) };
}

/** Sends until `read` gets something out of an answer. @param read throws what the router refused with */
export async function send<T>(
  sender: Sender,
  outgoing: Outgoing,
  options: SendOptions,
  read: (answer: BusMessage) => T,
): Promise<T> {
  const { telemetry, logger, clock, subjects } = sender;
  const { type } = outgoing.request.goal;
  const subject = subjects.coordinate(type);
  const span = telemetry.startSpan("clientCoordinate", {
    kind: "client",
    fill: { type },
    attributes: {
      [attributes.messagingSystem]: "nats",
      [attributes.messagingDestination]: subject,
      [attributes.goalType]: type,
      [attributes.requestId]: outgoing.id,
    },
  });
  const codec = options.codec ?? sender.codec;
  const headers: Record<string, string> = { [CONTENT_TYPE_HEADER]: contentTypes[codec] };
  telemetry.inject(span.context, headers);
  let attempts = 0;
  let inDoubt = false;
  const attempt = async () => {
    attempts++;
    const leftMs = Math.max(1, outgoing.deadlineMs - clock.monotonicMs());
    const timeoutMs = Math.min(leftMs + sender.graceMs, options.attemptTimeoutMs ?? Number.POSITIVE_INFINITY);
    const data = encode(bodyWith(outgoing.request, leftMs), codec);
    const signal = options.signal === undefined ? {} : { signal: options.signal };
    try {
      return read(await requestWatched(sender.bus, subject, data, { timeoutMs, headers, ...signal }));
    } catch (error) {
      inDoubt ||= error instanceof NexusError && error.executed !== "none";
      throw error;
    }
  };
  const patience = {
    retries: options.retries ?? sender.retries,
    untilMs: outgoing.deadlineMs,
    signal: options.signal,
    mayRetry: (error: NexusError) => {
      const again = isTransportFault(error) || (error.retryable && error.executed === "none");
      if (again) logger.debug({ requestId: outgoing.id, code: error.code, attempts }, "request may be sent again");
      return again;
    },
  };
  try {
    const answer = await patiently(attempt, patience, clock);
    span.end();
    return answer;
  } catch (error) {
    span.end(error instanceof NexusError ? error.code : "internal");
    throw inDoubt && error instanceof NexusError && error.executed === "none" ? doubted(error) : error;
  }
}

/** Sends and waits for the result, as `Client.coordinate` promises. */
export async function sendForResult(sender: Sender, outgoing: Outgoing, options: SendOptions): Promise<CoordinationResult> {
  let unsuccessful: CoordinationResult | undefined;
  let answers = 0;
  const read = (answer: BusMessage): CoordinationResult => {
    const result = readAnswer(answer, resultSchema, "the result");
    answers++;
    const mayPass = result.status === "failed" && result.executed === "none" && result.error?.retryable === true;
    // A stored result stays what it is, however often it is asked for.
    if (!mayPass || result.error === undefined || (result.repeated && answers > 1)) return result;
    unsuccessful = result;
    throw fromErrorBody(result.error);
  };
  try {
    return await send(sender, outgoing, options, read);
  } catch (error) {
    if (options.signal?.aborted !== true) {
      if (unsuccessful !== undefined) return unsuccessful;
      if (error instanceof NexusError && error.code === "timeout") {
        const late = await lateResult(sender, outgoing.id, options.signal);
        if (late !== undefined) return late;
      }
    }
    throw error;
  }
}

/** The result of a request whose answer was lost on its way; undefined where there is none. */
async function lateResult(sender: Sender, id: string, signal: AbortSignal | undefined): Promise<CoordinationResult | undefined> {
  try {
    return (await getReport({ ...sender, retries: 0 }, id, signal === undefined ? {} : { signal })).result;
  } catch (error) {
    sender.logger.debug({ requestId: id, err: error }, "no result is kept either");
    return undefined;
  }
}

/** K3 */
function doubted(error: NexusError): NexusError {
  const { code, message, field, retryable, retryAfterMs } = error;
  return new NexusError(code, message, {
    executed: "unknown",
    retryable,
    cause: error,
    ...(field === undefined ? {} : { field }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

function bodyWith(request: CoordinationRequest, leftMs: number): CoordinationRequest {
  return request.deadline === undefined ? { ...request, timeoutMs: Math.max(1, Math.ceil(leftMs)) } : request;
}
