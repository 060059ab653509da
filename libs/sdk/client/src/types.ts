import type {
  Accepted,
  AgentRow,
  AgentsQuery,
  CodecName,
  CoordinationRequest,
  CoordinationResult,
  Goal,
  GoalType,
  MissingAgent,
  OutcomeOf,
  RequestEvent,
  RequestGet,
  RequestReport,
  Row,
} from "@nexus/contracts";
import type { Bus, Clock, Ids, Logger, Telemetry } from "@nexus/ports";

/** A request whose goal type is known to the compiler, so that the outcome's is as well. */
export type RequestOf<T extends GoalType> = Omit<CoordinationRequest, "goal"> & { goal: Goal & { type: T } };
export type ResultOf<T extends GoalType> = Omit<CoordinationResult, "type" | "outcome"> & { type: T; outcome?: OutcomeOf<T> };

export interface ClientOptions {
  /** First tokens of every subject; default `nexus`. */
  readonly prefix: string;
  /** Milliseconds that an answer may be late after the request's own time is up. */
  readonly graceMs: number;
  /** Further attempts after the first, all under one id. */
  readonly retries: number;
  /** Encoding of requests; results come in the same. */
  readonly codec: CodecName;
  /** Events of one accepted request that are kept for a reader that is behind; older ones are dropped and counted. */
  readonly eventsMax: number;
}

export interface ClientDeps {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly telemetry?: Telemetry;
  readonly logger?: Logger;
}

export interface CallOptions {
  /** Gives up waiting. It does not stop the work: `client.cancel(id)` does. */
  readonly signal?: AbortSignal;
}

export interface SendOptions extends CallOptions {
  readonly codec?: CodecName;
  readonly retries?: number;
  /** Send again, under the same id, after this many milliseconds of silence; default: wait for the request's whole time. */
  readonly attemptTimeoutMs?: number;
}

export type GetOptions = RequestGet & CallOptions;

/** Events of one accepted request, for one reader. */
export interface RequestEvents extends AsyncIterable<RequestEvent> {
  /** Events that never arrived: gaps in `seq`. */
  readonly missed: number;
  /** Events that arrived and were dropped, because the reader was more than `eventsMax` behind. */
  readonly dropped: number;
  /** Ends the iteration and the subscription. */
  close(): void;
}

export interface AcceptedCoordination<T extends GoalType = GoalType> {
  readonly id: string;
  readonly accepted: Accepted;
  /** Ends after `finished`, or when the request is found to have ended. */
  readonly events: RequestEvents;
  /**
   * Waits for the end and fetches the result; survives routers and connections that go away meanwhile.
   * @throws NexusError `timeout` after the request's deadline and the grace, `not-found` where no router knows it any more
   */
  result(options?: CallOptions): Promise<ResultOf<T>>;
  cancel(options?: CallOptions): Promise<RequestReport>;
}

export interface Client {
  /**
   * Sends a request and waits for its result.
   *
   * Returns whatever a router coordinated: look at `status`, since `partial` and `failed` are results too, with the rows,
   * the missing agents and the decision record in them. Throws only where nothing was coordinated or where that cannot be
   * told: a refusal, or a transport that failed after all retries (`executed` of the error says which).
   *
   * A request without an id gets one, so that retries never execute it twice. Retried, with jitter and no longer than the
   * request's own time: `no-responders`, `disconnected`, silence, refusals that may pass (`overloaded`, `draining`), and
   * failed results that executed nothing and may succeed later.
   * @throws NexusError
   */
  coordinate<T extends GoalType>(request: RequestOf<T>, options?: SendOptions): Promise<ResultOf<T>>;
  /**
   * Sends a request in `accept` mode: acknowledged at once, followed by events, fetched by id.
   * @throws NexusError as `coordinate` does
   */
  accept<T extends GoalType>(request: RequestOf<T>, options?: SendOptions): Promise<AcceptedCoordination<T>>;
  /** Where a request stands. @throws NexusError `not-found` */
  get(id: string, options?: GetOptions): Promise<RequestReport>;
  /** Stops a running request; its report has the result. @throws NexusError `not-found` */
  cancel(id: string, options?: CallOptions): Promise<RequestReport>;
  /** Every row of an ended request, page by page. @throws NexusError `not-found`, `incomplete` while it still runs */
  rows(id: string, options?: CallOptions): AsyncIterable<Row>;
  /** Every missing agent of an ended request, with its reason. */
  missing(id: string, options?: CallOptions): AsyncIterable<MissingAgent>;
  /** Every agent that the routers know, by id. Pages may come from several routers, so the list is no snapshot. */
  agents(query?: Omit<AgentsQuery, "offset">, options?: CallOptions): AsyncIterable<AgentRow>;
  /** Ends subscriptions; closes the connection where the client opened it. */
  close(): Promise<void>;
}
