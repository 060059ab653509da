import {
  type AgentAnswer,
  type AgentLoad,
  attributes,
  type CodecName,
  type ErrorBody,
  encode,
  type JsonValue,
  limits,
  NexusError,
  type OperationFrame,
  type ReplyFrame,
  splitOperationId,
  toErrorBody,
} from "@nexus/contracts";
import { IdempotencyWindow } from "@nexus/core-idempotency";
import type { Clock, Logger, Telemetry, TraceContext } from "@nexus/ports";
import type { Handler, OperationContext } from "./types.ts";

/**
 * What becomes of an operation that reached an agent.
 *
 * Invariants
 * O1. A handler runs at most once per operation id while the id is remembered. A repeat of a running operation adds its
 *     reply address; a repeat of a finished one gets the stored answer.
 * O2. What never ran (refused, expired) is not remembered: a later repeat may run it.
 * O3. At most `capacity` operations run, at most `queueMax` wait; beyond that `overloaded`.
 * O4. Every operation that wants a reply gets exactly one per reply address.
 */

export interface IntakeOptions {
  readonly agentId: string;
  readonly boot: string;
  readonly capacity: number;
  readonly queueMax: number;
  readonly handlers: Readonly<Record<string, Handler>>;
  readonly repeatWindowMs: number;
  readonly repeatEntriesMax: number;
  readonly repeatBytesMax: number;
  readonly answerBytesMax: number;
}

export interface IntakeDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
  readonly send: (router: string, codec: CodecName, answer: AgentAnswer) => void;
}

/** Routers that one running operation answers to. */
const REPLY_ADDRESSES_MAX = 16;
const SERVICE_TIME_WEIGHT = 0.2;

interface Work {
  readonly frame: OperationFrame;
  readonly deadlineMs: number;
  readonly parent: TraceContext | undefined;
  readonly replyTo: Map<string, CodecName>;
  readonly abort: AbortController;
  started: boolean;
  cancelled: boolean;
}

type Finished = Pick<ReplyFrame, "status" | "value" | "error" | "serviceTimeMs">;

export class OperationIntake {
  readonly #options: IntakeOptions;
  readonly #deps: IntakeDeps;
  readonly #window: IdempotencyWindow<Finished>;
  readonly #works = new Map<string, Work>();
  readonly #queue: Work[] = [];
  #inFlight = 0;
  #serviceTimeMs = 0;
  #draining = false;
  #idle: (() => void)[] = [];

  constructor(options: IntakeOptions, deps: IntakeDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#window = new IdempotencyWindow({
      entriesMax: options.repeatEntriesMax,
      bytesMax: options.repeatBytesMax,
      ttlMs: options.repeatWindowMs,
    });
  }

  get load(): AgentLoad {
    return { inFlight: this.#inFlight, queueDepth: this.#queue.length, serviceTimeMs: this.#serviceTimeMs };
  }

  take(frame: OperationFrame, codec: CodecName, parent: TraceContext | undefined): void {
    const { clock } = this.#deps;
    const refusal = this.#refusalOf(frame);
    if (refusal !== undefined) return this.#refuse(frame, codec, refusal);
    const now = clock.monotonicMs();
    const beginning = this.#window.begin(frame.operationId, frame.digest, now);
    switch (beginning.kind) {
      case "reused":
        return this.#refuse(frame, codec, new NexusError("id-reused", `another body was sent under ${frame.operationId}`));
      case "full":
        return this.#refuse(
          frame,
          codec,
          new NexusError("overloaded", "as many operations are remembered as may be", { retryAfterMs: 100 }),
        );
      case "done":
        this.#countRepeat(frame);
        return this.#reply(frame, frame.router, codec, beginning.result);
      case "running":
        this.#countRepeat(frame);
        return this.#join(frame, codec);
      case "new":
        return this.#admit(frame, codec, parent, now);
    }
  }

  cancel(operationId: string): void {
    const work = this.#works.get(operationId);
    if (work === undefined) return;
    work.cancelled = true;
    work.abort.abort(new NexusError("cancelled", "the operation was cancelled"));
    if (!work.started) {
      this.#queue.splice(this.#queue.indexOf(work), 1);
      this.#drop(work, "error", new NexusError("cancelled", "cancelled before it ran"));
    }
  }

  /** Takes nothing new from now on; resolves when everything that was taken is answered. */
  drain(): Promise<void> {
    this.#draining = true;
    if (this.#works.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /** Why the frame cannot be begun; repeats of known work are answered even while draining. */
  #refusalOf(frame: OperationFrame): NexusError | undefined {
    const { boot, agentId, handlers } = this.#options;
    if (frame.boot !== undefined && frame.boot !== boot) {
      return new NexusError("other-boot", `agent ${agentId} restarted since; what its earlier life did is not known`, {
        executed: "unknown",
      });
    }
    if (this.#window.peek(frame.operationId) !== undefined) return undefined;
    if (this.#draining) return new NexusError("draining", `agent ${agentId} is leaving`);
    if (!Object.hasOwn(handlers, frame.operation)) {
      return new NexusError("unknown-operation", `agent ${agentId} has no operation "${frame.operation}"`, {
        field: "operation",
      });
    }
    return undefined;
  }

  #admit(frame: OperationFrame, codec: CodecName, parent: TraceContext | undefined, nowMs: number): void {
    const work: Work = {
      frame,
      deadlineMs: nowMs + frame.remainingMs,
      parent,
      replyTo: new Map([[frame.router, codec]]),
      abort: new AbortController(),
      started: false,
      cancelled: false,
    };
    if (frame.remainingMs <= 0) return this.#drop(work, "expired", new NexusError("expired", "its time was up on arrival"));
    if (this.#inFlight < this.#options.capacity) {
      this.#works.set(frame.operationId, work);
      this.#run(work);
    } else if (this.#queue.length < this.#options.queueMax) {
      this.#works.set(frame.operationId, work);
      this.#queue.push(work);
    } else {
      this.#deps.telemetry.count("boundsReached", 1, { [attributes.reason]: "agent-queue" });
      this.#drop(
        work,
        "refused",
        new NexusError("overloaded", `agent ${this.#options.agentId} runs and queues all it can`, { retryAfterMs: 100 }),
      );
    }
  }

  #join(frame: OperationFrame, codec: CodecName): void {
    const work = this.#works.get(frame.operationId);
    if (work === undefined) return;
    if (work.replyTo.size < REPLY_ADDRESSES_MAX || work.replyTo.has(frame.router)) work.replyTo.set(frame.router, codec);
    else this.#deps.telemetry.count("boundsReached", 1, { [attributes.reason]: "reply-addresses" });
  }

  #run(work: Work): void {
    const { clock, telemetry } = this.#deps;
    const { frame } = work;
    const beganMs = clock.monotonicMs();
    if (work.deadlineMs <= beganMs)
      return this.#drop(work, "expired", new NexusError("expired", "its time was up before it could run"));
    work.started = true;
    this.#inFlight++;
    const span = telemetry.startSpan("handler", {
      kind: "consumer",
      fill: { operation: frame.operation },
      ...(work.parent === undefined ? {} : { parent: work.parent }),
      attributes: {
        [attributes.messagingSystem]: "nats",
        [attributes.agentId]: this.#options.agentId,
        [attributes.operation]: frame.operation,
        [attributes.operationId]: frame.operationId,
      },
    });
    const deadline = clock.schedule(work.deadlineMs - beganMs, () =>
      work.abort.abort(new NexusError("expired", "the deadline has passed")),
    );
    this.#handle(work, span.context).then((finished) => {
      const tookMs = clock.monotonicMs() - beganMs;
      deadline.cancel();
      span.end(finished.error?.code);
      telemetry.record("operationDuration", tookMs / 1_000, {
        [attributes.operation]: frame.operation,
        [attributes.status]: finished.status,
      });
      this.#serviceTimeMs =
        this.#serviceTimeMs === 0 ? tookMs : this.#serviceTimeMs + SERVICE_TIME_WEIGHT * (tookMs - this.#serviceTimeMs);
      this.#inFlight--;
      this.#finish(work, { ...finished, serviceTimeMs: tookMs });
      this.#runNext();
    });
  }

  /** Never rejects: whatever a handler does becomes an answer. */
  async #handle(work: Work, trace: TraceContext): Promise<Finished> {
    const { frame } = work;
    const handler = this.#options.handlers[frame.operation];
    try {
      const value = await handler?.(frame.payload, this.#contextOf(work, trace));
      if (work.cancelled) return failed(new NexusError("cancelled", "cancelled while it ran", { executed: "some" }));
      return value === undefined ? { status: "ok" } : { status: "ok", value: this.#checked(value) };
    } catch (error) {
      if (work.cancelled) return failed(new NexusError("cancelled", "cancelled while it ran", { executed: "some" }));
      if (error instanceof NexusError) return failed(error);
      this.#deps.logger.warn({ operation: frame.operation, operationId: frame.operationId, err: error }, "a handler failed");
      return failed(
        new NexusError("handler-failed", error instanceof Error ? error.message : String(error), { executed: "unknown" }),
      );
    }
  }

  /** A value that cannot travel is the handler's error, told as such. */
  #checked(value: JsonValue): JsonValue {
    let bytes: number;
    try {
      const text = JSON.stringify(value);
      if (text === undefined)
        throw new NexusError("malformed", "the handler returned what is not of the JSON data model", { executed: "all" });
      bytes = Buffer.byteLength(text);
    } catch (error) {
      if (error instanceof NexusError) throw error;
      throw new NexusError("malformed", `the handler's answer cannot be encoded: ${(error as Error).message}`, {
        executed: "all",
      });
    }
    if (bytes > this.#options.answerBytesMax) {
      throw new NexusError(
        "too-large",
        `the handler's answer has ${bytes} bytes; one message carries ${this.#options.answerBytesMax}`,
        { executed: "all" },
      );
    }
    return value;
  }

  #contextOf(work: Work, trace: TraceContext): OperationContext {
    const { clock, logger, send } = this.#deps;
    const { frame } = work;
    return {
      operationId: frame.operationId,
      requestId: splitOperationId(frame.operationId).requestId,
      agentId: this.#options.agentId,
      remainingMs: () => Math.max(0, work.deadlineMs - clock.monotonicMs()),
      signal: work.abort.signal,
      progress: ({ fraction, message }) => {
        if (frame.reply === false) return;
        const answer: AgentAnswer = {
          v: 1,
          kind: "progress",
          operationId: frame.operationId,
          ...(fraction === undefined ? {} : { fraction: Math.min(1, Math.max(0, fraction)) }),
          ...(message === undefined ? {} : { message: message.slice(0, limits.messageCharsMax) }),
        };
        for (const [router, codec] of work.replyTo) send(router, codec, answer);
      },
      coordination: frame.coordination,
      trace,
      logger,
    };
  }

  #runNext(): void {
    while (this.#inFlight < this.#options.capacity) {
      const next = this.#queue.shift();
      if (next === undefined) return;
      this.#run(next);
    }
  }

  /** Ends work that ran: remembered and told (O1). */
  #finish(work: Work, finished: Finished): void {
    const { operationId } = work.frame;
    const bytes = finished.value === undefined ? 64 : encode(finished.value).byteLength + 64;
    this.#works.delete(operationId);
    this.#window.finish(operationId, finished, bytes, this.#deps.clock.monotonicMs());
    for (const [router, codec] of work.replyTo) this.#reply(work.frame, router, codec, finished);
    this.#tellIdle();
  }

  /** Ends work that never ran: told and forgotten (O2). */
  #drop(work: Work, status: ReplyFrame["status"], error: NexusError): void {
    const { operationId } = work.frame;
    this.#works.delete(operationId);
    this.#window.forget(operationId);
    for (const [router, codec] of work.replyTo) this.#reply(work.frame, router, codec, { status, error: toErrorBody(error) });
    this.#tellIdle();
  }

  #refuse(frame: OperationFrame, codec: CodecName, error: NexusError): void {
    this.#reply(frame, frame.router, codec, { status: "refused", error: toErrorBody(error) });
  }

  #reply(frame: OperationFrame, router: string, codec: CodecName, finished: Finished): void {
    if (frame.reply === false) return;
    const { inFlight } = this;
    this.#deps.send(router, codec, {
      v: 1,
      kind: "reply",
      operationId: frame.operationId,
      ...finished,
      inFlight,
      queueDepth: this.#queue.length,
    });
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  #countRepeat(frame: OperationFrame): void {
    this.#deps.telemetry.count("operationsRepeated", 1, { [attributes.operation]: frame.operation });
  }

  #tellIdle(): void {
    if (this.#works.size > 0) return;
    for (const tell of this.#idle) tell();
    this.#idle = [];
  }
}

function failed(error: NexusError): { status: "error"; error: ErrorBody } {
  return { status: "error", error: toErrorBody(error) };
}
