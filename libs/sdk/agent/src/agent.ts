import {
  type AgentAnswer,
  type AgentFrame,
  type AgentLoad,
  attributes,
  type CausalAsk,
  type CausalMissing,
  type CodecName,
  type Hello,
  limits,
  NexusError,
  type OperationFrame,
  roundMs,
  splitOperationId,
  toErrorBody,
} from "@nexus/contracts";
import type { Clock, Logger, Span, Telemetry, Timer, TraceContext } from "@nexus/ports";
import { type AnswerValue, answerValue, handlerError } from "./answer-value.ts";
import { CausalIntake } from "./causal-intake.ts";
import { type ContextDeps, HeldContext } from "./operation-context.ts";
import { type Finished, Operations, type OperationsOptions, type Work } from "./operations.ts";
import type { Handler } from "./types.ts";

/**
 * An agent on its connection: carries out what `Operations` decides. Runs handlers, measures them, has answers sent.
 *
 * Invariants
 * A1. Whatever a handler does, its work ends with one answer to each address.
 * A2. A handler that answers at once is finished within the call, and the queue is worked off by a loop: no depth of
 *     calls grows with the queue.
 */

export interface ResidentOptions extends Omit<OperationsOptions, "knows" | "agentId" | "boot" | "addressesMax"> {
  readonly id: string;
  readonly hello: Hello;
  readonly handlers: ReadonlyMap<string, Handler>;
  /** Of a handler's value, encoded. */
  readonly answerBytesMax: number;
}

export interface ResidentDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
  /** @param bytes about what the answer takes */
  readonly send: (agentId: string, router: string, codec: CodecName, answer: AgentAnswer, bytes: number) => void;
  /** Asks a router for causal operations that are missing. */
  readonly ask: (agentId: string, router: string, question: CausalAsk) => void;
}

/** Routers that one operation answers to. */
const ADDRESSES_MAX = 16;
const SERVICE_TIME_WEIGHT = 0.2;
/** A reply or progress report without its value. */
const ANSWER_BYTES = 300;

export class Resident {
  readonly id: string;
  readonly hello: Hello;
  readonly #options: ResidentOptions;
  readonly #deps: ResidentDeps;
  readonly #operations: Operations;
  readonly #contextDeps: ContextDeps;
  #causal: CausalIntake | undefined;
  #serviceTimeMs = 0;
  #evictedSeen = 0;
  #idle: (() => void)[] = [];

  constructor(options: ResidentOptions, deps: ResidentDeps) {
    this.id = options.id;
    this.hello = options.hello;
    this.#options = options;
    this.#deps = deps;
    const progress = (of: Work, answer: AgentAnswer): void => this.#progress(of, answer);
    this.#contextDeps = { agentId: options.id, clock: deps.clock, logger: deps.logger, progress };
    this.#operations = new Operations({
      ...options,
      agentId: options.id,
      boot: options.hello.boot,
      addressesMax: ADDRESSES_MAX,
      knows: (operation) => options.handlers.has(operation),
    });
  }

  get load(): AgentLoad {
    const { inFlight, queueDepth } = this.#operations;
    return { inFlight, queueDepth, serviceTimeMs: this.#serviceTimeMs };
  }

  /** Nothing runs or waits. */
  get #isIdle(): boolean {
    return this.#operations.idle && (this.#causal?.waiting ?? 0) === 0;
  }

  /** It said bye. */
  get leaving(): boolean {
    return this.#operations.draining;
  }

  /** @param bytes about what the frame takes */
  take(frame: OperationFrame, codec: CodecName, parent: TraceContext | undefined, bytes: number): void {
    // One of an earlier life is refused whatever its order is.
    const isOfOtherLife = frame.boot !== undefined && frame.boot !== this.hello.boot;
    if (frame.causal === undefined || isOfOtherLife) this.#take(frame, codec, parent, undefined);
    else this.#causalIntake().take({ frame, codec, parent }, frame.causal, bytes);
  }

  /** The router says that nothing is to be waited for. */
  causalNothing({ router, boot, scope, from, to, lost }: Extract<AgentFrame, { kind: "causal-nothing" }>): void {
    if (boot === this.hello.boot) this.#causal?.skip({ session: router, scope, from, to }, lost);
  }

  /** @returns whether it is held now */
  #take(frame: OperationFrame, codec: CodecName, parent: TraceContext | undefined, missing: CausalMissing | undefined): boolean {
    const { telemetry } = this.#deps;
    const nowMs = this.#deps.clock.monotonicMs();
    for (const { work, finished } of this.#operations.sweep(nowMs)) this.#tell(work, finished);
    const verdict = this.#operations.take(frame, codec, parent, nowMs, missing);
    if (verdict.kind === "run") {
      this.#run(verdict.work);
      this.#pump();
      return true;
    }
    if (verdict.repeat) telemetry.count("operationsRepeated", 1, { [attributes.operation]: frame.operation });
    if (verdict.overflow) {
      const reason = verdict.kind === "held" ? "reply-addresses" : "agent-queue";
      telemetry.count("boundsReached", 1, { [attributes.reason]: reason });
    }
    if (verdict.kind === "answer" && frame.reply !== false) this.#reply(frame.operationId, frame.router, codec, verdict.finished);
    return verdict.kind === "held";
  }

  /** Made when the first causal operation comes: most agents never get any. */
  #causalIntake(): CausalIntake {
    const { ask, ...deps } = this.#deps;
    this.#causal ??= new CausalIntake({
      ...{ ...deps, agentId: this.id, boot: this.hello.boot, groups: this.hello.groups },
      begin: ({ frame, codec, parent }, missing) => {
        const isHeld = this.#take(frame, codec, parent, missing);
        this.#tellIdle();
        return isHeld;
      },
      answer: ({ frame, codec }, error, missing) => {
        if (frame.reply === false) return;
        const status = error.code === "expired" ? "expired" : "refused";
        const causalMissing = missing.length === 0 ? {} : { causalMissing: missing };
        this.#reply(frame.operationId, frame.router, codec, { status, error: toErrorBody(error), ...causalMissing });
        this.#tellIdle();
      },
      remembers: (operationId) => this.#operations.remembers(operationId),
      ask: (router, question) => ask(this.id, router, question),
    });
    return this.#causal;
  }

  /** Nothing of it happens any more. */
  stop(): void {
    this.#causal?.stop();
  }

  /** Answers at once; a handler that runs is told by its signal. */
  cancel(operationId: string): void {
    const cancelled = this.#operations.cancel(operationId, this.#deps.clock.monotonicMs());
    if (cancelled === undefined) return;
    this.#tell(cancelled.work, cancelled.finished);
    cancelled.work.held?.abort(new NexusError("cancelled", "the operation was cancelled", { executed: "unknown" }));
    this.#tellIdle();
  }

  startDraining(): void {
    this.#operations.startDraining();
  }

  /** Resolves when nothing is held any more; after `withinMs` it gives up what is. */
  async finishAll(withinMs: number): Promise<void> {
    if (this.#isIdle) return;
    const { clock, logger } = this.#deps;
    let timer: Timer | undefined;
    const late = await new Promise<boolean>((resolve) => {
      this.#idle.push(() => resolve(false));
      timer = clock.schedule(withinMs, () => resolve(true));
    });
    timer?.cancel();
    if (!late) return;
    const given = this.#operations.giveUp(clock.monotonicMs());
    logger.warn({ operations: given.length, withinMs }, "left before all operations had ended");
    for (const { work, finished } of given) {
      this.#tell(work, finished);
      work.held?.abort(new NexusError("draining", "the agent leaves; the time to finish is up", { executed: "unknown" }));
    }
  }

  /** A2 */
  #pump(): void {
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      if (next.kind === "run") this.#run(next.work);
      else this.#tell(next.work, next.finished);
    }
    this.#tellIdle();
  }

  #next() {
    return this.#operations.next(this.#deps.clock.monotonicMs());
  }

  #run(work: Work): void {
    const { frame } = work;
    const beganMs = this.#deps.clock.monotonicMs();
    const span = this.#startSpan(work);
    const held = new HeldContext(work, span.context, this.#contextDeps);
    work.held = held;
    let returned: unknown;
    let later: boolean;
    try {
      returned = this.#options.handlers.get(frame.operation)?.(frame.payload, held.context);
      later = isThenable(returned);
    } catch (error) {
      return this.#failed(work, held, span, beganMs, error);
    }
    if (!later) return this.#returned(work, held, span, beganMs, returned);
    // What throws beyond the handler is a defect of ours, and must end the process rather than hide.
    void Promise.resolve(returned)
      .then(
        (value) => this.#returned(work, held, span, beganMs, value),
        (error: unknown) => this.#failed(work, held, span, beganMs, error),
      )
      .then(() => this.#pump());
  }

  #returned(work: Work, held: HeldContext, span: Span, beganMs: number, returned: unknown): void {
    let answer: AnswerValue;
    try {
      answer = answerValue(returned, this.#options.answerBytesMax);
    } catch (error) {
      return this.#failed(work, held, span, beganMs, error);
    }
    const { value } = answer;
    this.#settled(work, held, span, beganMs, value === undefined ? { status: "ok" } : { status: "ok", value }, answer.bytes);
  }

  #failed(work: Work, held: HeldContext, span: Span, beganMs: number, error: unknown): void {
    // Libraries throw an error of their own when their signal is aborted; ours says why it was.
    const aborted = held.abortedBy;
    const cause = aborted !== undefined && error instanceof Error && error.name === "AbortError" ? aborted : error;
    if (!(cause instanceof NexusError)) {
      const { operation, operationId } = work.frame;
      this.#deps.logger.warn({ operation, operationId, err: error }, "a handler failed");
    }
    this.#settled(work, held, span, beganMs, { status: "error", error: handlerError(cause) }, 0);
  }

  #settled(work: Work, held: HeldContext, span: Span, beganMs: number, ended: Finished, bytes: number): void {
    const { clock, telemetry } = this.#deps;
    const nowMs = clock.monotonicMs();
    const tookMs = Math.min(nowMs - beganMs, limits.timeoutMsMax);
    held.close();
    this.#serviceTimeMs += this.#serviceTimeMs === 0 ? tookMs : SERVICE_TIME_WEIGHT * (tookMs - this.#serviceTimeMs);
    this.#operations.settle();
    const causalMissing = work.missing === undefined || work.missing.length === 0 ? {} : { causalMissing: work.missing };
    const finished = { ...ended, serviceTimeMs: roundMs(tookMs), ...causalMissing };
    const first = this.#operations.finish(work, finished, bytes, nowMs);
    span.end(first ? ended.error?.code : (held.abortedBy?.code ?? "cancelled"));
    telemetry.record("operationDuration", tookMs / 1_000, {
      [attributes.operation]: work.frame.operation,
      [attributes.status]: first ? ended.status : "error",
    });
    if (first) this.#tell(work, finished, bytes);
    const { evicted } = this.#operations;
    if (evicted > this.#evictedSeen) {
      telemetry.count("boundsReached", evicted - this.#evictedSeen, { [attributes.reason]: "repeat-window" });
      this.#evictedSeen = evicted;
    }
  }

  #startSpan(work: Work): Span {
    const { frame, parent } = work;
    return this.#deps.telemetry.startSpan("handler", {
      kind: "consumer",
      fill: { operation: frame.operation },
      parent,
      attributes: () => ({
        [attributes.messagingSystem]: "nats",
        [attributes.messagingOperation]: "process",
        [attributes.operation]: frame.operation,
        [attributes.operationId]: frame.operationId,
        [attributes.requestId]: splitOperationId(frame.operationId).requestId,
        [attributes.goalType]: frame.type,
        [attributes.agentId]: this.id,
        [attributes.routerId]: frame.router,
      }),
    });
  }

  #progress(work: Work, answer: AgentAnswer): void {
    if (work.state === "ended") return;
    for (const [router, codec] of work.addresses) this.#deps.send(this.id, router, codec, answer, ANSWER_BYTES);
  }

  #tell(work: Work, finished: Finished, bytes = 0): void {
    for (const [router, codec] of work.addresses) this.#reply(work.frame.operationId, router, codec, finished, bytes);
    if (work.missing !== undefined) this.#causal?.ended(work.frame.operationId, finished);
  }

  #reply(operationId: string, router: string, codec: CodecName, finished: Finished, bytes = 0): void {
    const { inFlight, queueDepth } = this.#operations;
    const answer: AgentAnswer = { v: 1, kind: "reply", operationId, ...finished, inFlight, queueDepth };
    this.#deps.send(this.id, router, codec, answer, bytes + ANSWER_BYTES);
  }

  #tellIdle(): void {
    if (this.#idle.length === 0 || !this.#isIdle) return;
    const waiting = this.#idle;
    this.#idle = [];
    for (const tell of waiting) tell();
  }
}

function isThenable(value: unknown): boolean {
  return typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
}
