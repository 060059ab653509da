import { type AgentAnswer, limits, NexusError, splitOperationId } from "@nexus/contracts";
import type { Clock, Logger, Timer, TraceContext } from "@nexus/ports";
import type { Work } from "./operations.ts";
import type { OperationContext } from "./types.ts";

export interface ContextDeps {
  readonly agentId: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly progress: (work: Work, answer: AgentAnswer) => void;
}

/**
 * A handler that runs: what may abort it, and the context that it is given. The signal, its timer and the logger are made
 * when the handler first asks for them: most never do.
 */
export class HeldContext {
  readonly context: OperationContext;
  readonly #work: Work;
  readonly #deps: ContextDeps;
  #controller: AbortController | undefined;
  #timer: Timer | undefined;
  #log: Logger | undefined;
  #aborted: NexusError | undefined;

  constructor(work: Work, trace: TraceContext, deps: ContextDeps) {
    this.#work = work;
    this.#deps = deps;
    this.context = new HandlerContext(this, work, deps.agentId, trace);
  }

  /** Why the signal was aborted, if it was. */
  get abortedBy(): NexusError | undefined {
    return this.#aborted;
  }

  get log(): Logger {
    const { operationId, operation } = this.#work.frame;
    this.#log ??= this.#deps.logger.child({ operationId, operation });
    return this.#log;
  }

  get signal(): AbortSignal {
    if (this.#controller !== undefined) return this.#controller.signal;
    this.#controller = new AbortController();
    const leftMs = this.#work.deadlineMs - this.#deps.clock.monotonicMs();
    if (this.#aborted !== undefined) this.#controller.abort(this.#aborted);
    else if (leftMs <= 0) this.#expire();
    else this.#timer = this.#deps.clock.schedule(leftMs, () => this.#expire());
    return this.#controller.signal;
  }

  remainingMs(): number {
    return Math.max(0, this.#work.deadlineMs - this.#deps.clock.monotonicMs());
  }

  progress(update: Parameters<OperationContext["progress"]>[0]): void {
    this.#deps.progress(this.#work, progressOf(this.#work.frame.operationId, update));
  }

  abort(reason: NexusError): void {
    this.#timer?.cancel();
    this.#aborted ??= reason;
    this.#controller?.abort(this.#aborted);
  }

  /** The handler has ended. */
  close(): void {
    this.#timer?.cancel();
  }

  #expire(): void {
    this.abort(new NexusError("expired", "the operation's time is up", { executed: "unknown" }));
  }
}

const nothing: OperationContext["causalMissing"] = [];

/** Its functions do not look at `this`, since they may be taken out. */
class HandlerContext implements OperationContext {
  readonly operationId: string;
  readonly agentId: string;
  readonly coordination: OperationContext["coordination"];
  readonly causalMissing: OperationContext["causalMissing"];
  readonly trace: TraceContext;
  readonly remainingMs: OperationContext["remainingMs"];
  readonly progress: OperationContext["progress"];
  readonly #held: HeldContext;

  constructor(held: HeldContext, work: Work, agentId: string, trace: TraceContext) {
    const { frame, missing } = work;
    this.#held = held;
    this.operationId = frame.operationId;
    this.agentId = agentId;
    this.coordination = frame.coordination;
    this.causalMissing = missing ?? nothing;
    this.trace = trace;
    this.remainingMs = () => held.remainingMs();
    this.progress = (update) => held.progress(update);
  }

  get requestId(): string {
    return splitOperationId(this.operationId).requestId;
  }

  get signal(): AbortSignal {
    return this.#held.signal;
  }

  get log(): Logger {
    return this.#held.log;
  }
}

/** What does not fit is bent or left out: a progress report is never worth failing for. */
function progressOf(operationId: string, update: Parameters<OperationContext["progress"]>[0]): AgentAnswer {
  const { fraction, message } = update;
  return {
    v: 1,
    kind: "progress",
    operationId,
    ...(typeof fraction === "number" && !Number.isNaN(fraction) ? { fraction: Math.min(1, Math.max(0, fraction)) } : {}),
    ...(typeof message === "string" ? { message: message.slice(0, limits.messageCharsMax) } : {}),
  };
}
