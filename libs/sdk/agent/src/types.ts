import type { JsonValue, Labels, OperationFrame, ProcessLoad } from "@nexus/contracts";
import type { Bus, Clock, Ids, Logger, Telemetry, TraceContext } from "@nexus/ports";

/** What a handler is told of the operation that it runs. */
export interface OperationContext {
  readonly operationId: string;
  readonly requestId: string;
  readonly agentId: string;
  /** Milliseconds left until nobody waits for the answer any more. */
  remainingMs(): number;
  /** Aborted when the operation is cancelled or its time is up. */
  readonly signal: AbortSignal;
  /** Tells whoever waits that work goes on. @param update `fraction` in [0, 1] */
  progress(update: { fraction?: number; message?: string }): void;
  /** Of a coordinated causal operation: who coordinated it, and its answer. */
  readonly coordination: OperationFrame["coordination"];
  readonly trace: TraceContext;
  readonly logger: Logger;
}

/** Returns the answer, of the JSON data model; `undefined` is told as no value. Throw to answer with an error. */
export type Handler = (
  payload: JsonValue | undefined,
  context: OperationContext,
) => JsonValue | undefined | Promise<JsonValue | undefined>;

export interface AgentOptions {
  readonly id: string;
  readonly groups?: readonly string[];
  readonly labels?: Labels;
  /** Operations that run at once; default 16. */
  readonly capacity?: number;
  /** Operations that wait beyond the capacity before further ones are refused; default 4 × capacity. */
  readonly queueMax?: number;
  readonly handlers: Readonly<Record<string, Handler>>;
}

export interface ConnectionOptions {
  readonly prefix: string;
  readonly connId: string;
  /** Until a router advertises one. */
  readonly heartbeatIntervalMs: number;
  /** Milliseconds that an answer waits for others of the connection before it is sent. */
  readonly lingerMs: number;
  /** Repeats are recognised for this long, by agent; it outlives the longest timeout. */
  readonly repeatWindowMs: number;
  readonly repeatEntriesMax: number;
  readonly repeatBytesMax: number;
}

export interface ConnectionDeps {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
  readonly processGauge: { read(): ProcessLoad };
}
