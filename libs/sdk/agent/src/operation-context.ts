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

/** A handler's context, and what ends its timer. */
export interface HeldContext {
  readonly context: OperationContext;
  /** Why the signal was aborted, if it was. */
  readonly abortedBy: () => NexusError | undefined;
  close(): void;
}

/** The signal, its timer and the logger are made when a handler first asks for them: most never do. */
export function operationContext(work: Work, trace: TraceContext, deps: ContextDeps): HeldContext {
  const { clock, agentId } = deps;
  const { frame, deadlineMs } = work;
  let controller: AbortController | undefined;
  let timer: Timer | undefined;
  let log: Logger | undefined;
  let aborted: NexusError | undefined;
  const abort = (reason: NexusError): void => {
    timer?.cancel();
    aborted ??= reason;
    controller?.abort(aborted);
  };
  work.abort = abort;
  const signal = (): AbortSignal => {
    if (controller !== undefined) return controller.signal;
    controller = new AbortController();
    const expire = (): void => abort(new NexusError("expired", "the operation's time is up", { executed: "unknown" }));
    if (aborted !== undefined) controller.abort(aborted);
    else if (deadlineMs <= clock.monotonicMs()) expire();
    else timer = clock.schedule(deadlineMs - clock.monotonicMs(), expire);
    return controller.signal;
  };
  const context: OperationContext = {
    operationId: frame.operationId,
    get requestId() {
      return splitOperationId(frame.operationId).requestId;
    },
    agentId,
    remainingMs: () => Math.max(0, deadlineMs - clock.monotonicMs()),
    get signal() {
      return signal();
    },
    progress: (update) => deps.progress(work, progressOf(frame.operationId, update)),
    coordination: frame.coordination,
    trace,
    get log() {
      log ??= deps.logger.child({ operationId: frame.operationId, operation: frame.operation });
      return log;
    },
  };
  return { context, abortedBy: () => aborted, close: () => timer?.cancel() };
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
