import {
  acceptedSchema,
  type CoordinationResult,
  codecOfHeaders,
  decode,
  NexusError,
  parseFrame,
  type RequestReport,
  requestEventSchema,
} from "@nexus/contracts";
import type { Timer } from "@nexus/ports";
import { readAnswer } from "./answers.ts";
import { getReport } from "./ask.ts";
import { EventStream } from "./event-stream.ts";
import { isTransportFault, pause } from "./patience.ts";
import { type Outgoing, type Sender, send } from "./send.ts";
import type { AcceptedCoordination, CallOptions, SendOptions } from "./types.ts";

/** One question of `result`; long enough to be rare, short enough to outlive a router that dies unnoticed. */
const WAIT_MS_MAX = 20_000;
const PAUSE_MS = 250;
/** Silence after which it is asked whether the request has ended: events are sent once, and may be lost. */
const QUIET_MS = 5_000;

export interface AcceptDeps extends Sender {
  readonly eventsMax: number;
  readonly cancel: (id: string, options?: CallOptions) => Promise<RequestReport>;
  /** The client's open streams, closed with it. */
  readonly streams: Set<EventStream>;
}

/** Subscribes to the events before the request is sent, so that none can be missed between. */
export async function accept(deps: AcceptDeps, outgoing: Outgoing, options: SendOptions): Promise<AcceptedCoordination> {
  const { events, watchSilence } = await openEvents(deps, outgoing.id);
  try {
    const accepted = await send(deps, outgoing, options, (answer) => readAnswer(answer, acceptedSchema, "the acknowledgement"));
    watchSilence();
    const endMs = deps.clock.monotonicMs() + accepted.remainingMs + deps.graceMs;
    return {
      id: outgoing.id,
      accepted,
      events,
      result: (callOptions = {}) => awaitResult(deps, outgoing.id, endMs, callOptions),
      cancel: (callOptions) => deps.cancel(outgoing.id, callOptions),
    };
  } catch (error) {
    events.close();
    throw error;
  }
}

interface OpenEvents {
  readonly events: EventStream;
  /** From now on, and again with each event. */
  readonly watchSilence: () => void;
}

async function openEvents(deps: AcceptDeps, id: string): Promise<OpenEvents> {
  const { bus, clock, logger, subjects, streams } = deps;
  let quiet: Timer | undefined;
  const subscription = bus.subscribe(subjects.requestEvents(id), (message) => {
    watchSilence();
    const codec = codecOfHeaders(message.headers);
    events.push(parseFrame(requestEventSchema, decode(message.data, codec), "a request's event"));
  });
  const events = new EventStream(deps.eventsMax, () => {
    quiet?.cancel();
    subscription.unsubscribe();
    streams.delete(events);
  });
  const watchSilence = () => {
    quiet?.cancel();
    if (!events.ended) quiet = clock.schedule(QUIET_MS, () => void endWhereDone());
  };
  const endWhereDone = async () => {
    try {
      const report = await getReport({ ...deps, retries: 0 }, id);
      if (report.state === "done") events.close();
    } catch (error) {
      if (error instanceof NexusError && error.code === "not-found") events.close();
      logger.debug({ requestId: id, err: error }, "could not ask whether the request has ended");
    }
    watchSilence();
  };
  streams.add(events);
  try {
    await bus.flush();
  } catch (error) {
    events.close();
    throw error;
  }
  return { events, watchSilence };
}

async function awaitResult(deps: AcceptDeps, id: string, endMs: number, options: CallOptions): Promise<CoordinationResult> {
  const { clock, logger } = deps;
  for (;;) {
    const leftMs = endMs - clock.monotonicMs();
    if (leftMs <= 0) throw new NexusError("timeout", `request ${id} has not ended in its time`, { executed: "unknown" });
    try {
      const waitMs = Math.min(WAIT_MS_MAX, Math.ceil(leftMs));
      const { result } = await getReport({ ...deps, retries: 0 }, id, { waitMs, ...options });
      if (result !== undefined) return result;
    } catch (error) {
      if (!(error instanceof NexusError) || !isTransportFault(error) || options.signal?.aborted === true) throw error;
      logger.debug({ requestId: id, code: error.code }, "asking for the result again");
    }
    await pause(PAUSE_MS, clock, options.signal);
  }
}
