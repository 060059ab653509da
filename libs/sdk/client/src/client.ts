import { createSubjects, DEFAULT_PREFIX, type GoalType, NexusError, requestReportSchema } from "@nexus/contracts";
import { noTelemetry, silentLogger } from "@nexus/ports";
import { type AcceptDeps, accept } from "./accept.ts";
import { ask, getReport } from "./ask.ts";
import type { EventStream } from "./event-stream.ts";
import { agentPages, missingPages, rowPages } from "./pages.ts";
import { outgoingOf, sendForResult } from "./send.ts";
import type { AcceptedCoordination, Client, ClientDeps, ClientOptions, RequestOf, ResultOf, SendOptions } from "./types.ts";

export const clientDefaults: ClientOptions = {
  prefix: DEFAULT_PREFIX,
  graceMs: 2_000,
  retries: 5,
  codec: "json",
  eventsMax: 1_024,
};

/** How long a router may take to stop what it is asked to cancel. */
const CANCEL_WAIT_MS = 10_000;

/** A client on a connected bus, which stays the caller's: `close` ends subscriptions and leaves it open. */
export function createClient(options: Partial<ClientOptions>, deps: ClientDeps): Client {
  const settings = { ...clientDefaults, ...options };
  const streams = new Set<EventStream>();
  const sender: AcceptDeps = {
    bus: deps.bus,
    clock: deps.clock,
    telemetry: deps.telemetry ?? noTelemetry,
    logger: deps.logger ?? silentLogger,
    subjects: createSubjects(settings.prefix),
    graceMs: settings.graceMs,
    retries: settings.retries,
    codec: settings.codec,
    eventsMax: settings.eventsMax,
    streams,
    cancel: async (id, callOptions = {}) =>
      ask(sender, sender.subjects.requestCancel(id), {}, requestReportSchema, { ...callOptions, waitMs: CANCEL_WAIT_MS }),
  };
  const newId = () => deps.ids.requestId();

  return {
    async coordinate<T extends GoalType>(request: RequestOf<T>, sendOptions: SendOptions = {}): Promise<ResultOf<T>> {
      if (request.mode === "accept") {
        throw new NexusError("invalid-field", 'mode "accept" has no result to wait for: use client.accept', { field: "mode" });
      }
      const result = await sendForResult(sender, outgoingOf(request, sender, newId), sendOptions);
      if (result.type !== request.goal.type)
        throw new NexusError("malformed", `a ${result.type} result came for a ${request.goal.type} goal`);
      return result as ResultOf<T>;
    },
    async accept<T extends GoalType>(request: RequestOf<T>, sendOptions: SendOptions = {}): Promise<AcceptedCoordination<T>> {
      const outgoing = outgoingOf({ ...request, mode: "accept" }, sender, newId);
      // The id is the request's, so what is kept under it is of its type.
      return (await accept(sender, outgoing, sendOptions)) as unknown as AcceptedCoordination<T>;
    },
    get: (id, getOptions) => getReport(sender, id, getOptions),
    cancel: sender.cancel,
    rows: (id, callOptions = {}) => rowPages(sender, id, callOptions),
    missing: (id, callOptions = {}) => missingPages(sender, id, callOptions),
    agents: (query = {}, callOptions = {}) => agentPages(sender, query, callOptions),
    async close() {
      for (const stream of [...streams]) stream.close();
    },
  };
}
