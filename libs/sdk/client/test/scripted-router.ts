import { createMemoryBroker } from "@nexus/adapter-memory";
import { createIds, systemClock } from "@nexus/adapter-node";
import {
  CONTENT_TYPE_HEADER,
  type CoordinationResult,
  codecOfHeaders,
  createSubjects,
  decode,
  encode,
  type GoalType,
  type JsonValue,
  type RequestEvent,
} from "@nexus/contracts";
import type { BusHeaders, BusMessage } from "@nexus/ports";
import { type ClientOptions, createClient } from "../src/index.ts";

/** A router that answers from a script, on a bus within the process; the client under test is on the other end. */

export interface Heard {
  readonly subject: string;
  readonly headers: BusHeaders;
  readonly body: { [key: string]: JsonValue };
}
/** undefined: stay silent. */
export type Script = (heard: Heard, count: number) => unknown;

export const ID = "01JD0000000000000000000000";
export const subjects = createSubjects();

export function scripted(options: Partial<ClientOptions> = {}) {
  const broker = createMemoryBroker();
  const routerBus = broker.connect();
  const clientBus = broker.connect();
  const heard: Heard[] = [];
  const client = createClient({ graceMs: 200, ...options }, { bus: clientBus, clock: systemClock, ids: createIds() });
  const on = (subject: string, script: Script) => {
    let count = 0;
    return routerBus.subscribe(subject, async (message: BusMessage) => {
      const codec = codecOfHeaders(message.headers);
      const body = message.data.byteLength === 0 ? {} : (decode(message.data, codec) as Heard["body"]);
      const entry = { subject: message.subject, headers: message.headers, body };
      heard.push(entry);
      const answer = await script(entry, ++count);
      if (answer === undefined || message.reply === undefined) return;
      const headers: Record<string, string> =
        codec === "json" ? {} : { [CONTENT_TYPE_HEADER]: message.headers[CONTENT_TYPE_HEADER] ?? "" };
      routerBus.publish(message.reply, encode(answer, codec), { headers });
    });
  };
  const emit = (seq: number, event: RequestEvent["event"], more: Partial<RequestEvent> = {}) =>
    routerBus.publish(subjects.requestEvents(ID), encode({ v: 1, id: ID, seq, atMs: seq, event, ...more }));
  /** Cuts the client off, and connects it again in a later turn. */
  const cut = () => {
    broker.disconnect(clientBus);
    setImmediate(() => broker.reconnect(clientBus));
  };
  return { client, routerBus, heard, on, emit, cut };
}

export function resultFor(type: GoalType, id: unknown, more: Partial<CoordinationResult> = {}): CoordinationResult {
  return {
    v: 1,
    id: String(id),
    type,
    status: "completed",
    executed: "all",
    agents: { targeted: 2, responded: 2, extra: 0, missingTotal: 0, missing: [] },
    idempotency: "claimed",
    repeated: false,
    dryRun: false,
    durationMs: 3,
    router: "r1",
    ...more,
  };
}

export function refusal(code: string, more: object = {}) {
  const retryable = ["overloaded", "draining"].includes(code);
  return { v: 1, status: "failed", executed: "none", error: { code, message: `${code}!`, retryable, executed: "none", ...more } };
}
