import type { CausalMissing, JsonValue, Labels, OperationFrame, ProcessLoad } from "@nexus/contracts";
import type { Bus, Clock, Ids, Logger, Telemetry, TraceContext } from "@nexus/ports";

/** What a handler is told of the operation that it runs. Its members may be taken out of it (`{ signal, progress }`). */
export interface OperationContext {
  readonly operationId: string;
  readonly requestId: string;
  readonly agentId: string;
  /** Milliseconds left until nobody waits for the answer any more; 0 when that has passed. */
  remainingMs(): number;
  /** Aborted, with a NexusError as its reason, when the operation is cancelled (`cancelled`) or its time is up (`expired`). */
  readonly signal: AbortSignal;
  /** Tells whoever waits that work goes on. @param update `fraction` in [0, 1] */
  progress(update: { readonly fraction?: number; readonly message?: string }): void;
  /** Of a coordinated causal operation: who coordinated it, and its answer. */
  readonly coordination: OperationFrame["coordination"];
  /** Of a causal operation: what was sent to this agent before it, never ran here and is not waited for; usually nothing. */
  readonly causalMissing: CausalMissing;
  /** Of the handler's own span: the parent for spans that the handler starts. */
  readonly trace: TraceContext;
  readonly log: Logger;
}

/**
 * Returns the answer: what JSON can say, small enough for one message; `undefined` is told as no value. Throw to answer
 * with an error: a NexusError keeps its code, anything else becomes `handler-failed`. The payload of a fan-out is
 * frozen, as all agents of the connection are given the same one.
 */
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

export interface Agent {
  readonly id: string;
  /** This life of the agent; another `addAgent` of the same id gets another. */
  readonly boot: string;
  /** Says bye, takes nothing new, finishes what it runs, then leaves. @param withinMs default `drainTimeoutMs` */
  leave(withinMs?: number): Promise<void>;
}

export interface ConnectionOptions {
  readonly prefix: string;
  readonly connId: string;
  /** Until a router announces one. */
  readonly heartbeatIntervalMs: number;
  /** Milliseconds in [0, 2] that an answer waits for others of the connection; 0: until the next turn of the event loop. */
  readonly lingerMs: number;
  /** What runs longer after a bye is given up: its signal is aborted and the answer is `unknown-outcome`. */
  readonly drainTimeoutMs: number;
  /** Repeats are recognised for this long, by agent; it outlives the longest timeout. */
  readonly repeatWindowMs: number;
  /** Operations that an agent remembers; never less than it can hold at once. */
  readonly repeatEntriesMax: number;
  /** Bytes of answers that an agent remembers, about. */
  readonly repeatBytesMax: number;
}

export interface ConnectionDeps {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly processGauge: { read(): ProcessLoad };
  readonly logger?: Logger;
  readonly telemetry?: Telemetry;
}
