import {
  attributes,
  type CausalAsk,
  type CausalMissing,
  type CodecName,
  limits,
  NexusError,
  type OperationFrame,
  WIRE_VERSION,
} from "@nexus/contracts";
import {
  CausalDelivery,
  type Dot,
  type DotRange,
  type Effect,
  type Missing,
  scopeOfAll,
  scopeOfTargeted,
} from "@nexus/core-clocks";
import type { Clock, Logger, Telemetry, Timer, TraceContext } from "@nexus/ports";
import type { Finished } from "./operations.ts";

/**
 * Puts causal operations in their order before the agent takes them: carries out what `CausalDelivery` decides.
 *
 * Invariants
 * I1. What an agent begins behind something else was either sent behind it, or its answer and its handler are told of the gap.
 * I2. An operation whose cause is missing is refused, unless the request allows `unordered`: an effect without its cause.
 * I3. However many are set free at once, they are begun by a loop: no depth of calls grows with what waits.
 */

/** An operation on its way to the agent, with what its answer needs. */
export interface Arrived {
  readonly frame: OperationFrame;
  readonly codec: CodecName;
  readonly parent: TraceContext | undefined;
}

export interface CausalIntakeDeps {
  readonly agentId: string;
  readonly boot: string;
  readonly groups: readonly string[];
  readonly clock: Clock;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
  /** Begins it, or puts it in the queue, or answers it. @returns whether it is held now, so that its end will be told */
  readonly begin: (arrived: Arrived, missing: CausalMissing) => boolean;
  /** Answers without having taken it. */
  readonly answer: (arrived: Arrived, error: NexusError, missing: CausalMissing) => void;
  readonly remembers: (operationId: string) => boolean;
  readonly ask: (router: string, question: CausalAsk) => void;
}

export class CausalIntake {
  readonly #deps: CausalIntakeDeps;
  readonly #delivery: CausalDelivery<Arrived>;
  /** By operation: what was begun and has not ended. Several, where several routers have sent it. */
  readonly #begun = new Map<string, Dot[]>();
  readonly #due: Effect<Arrived>[] = [];
  #isCarrying = false;
  #timer: Timer | undefined;
  #timerMs: number | undefined;
  #overflowsSeen = 0;

  constructor(deps: CausalIntakeDeps) {
    this.#deps = deps;
    this.#delivery = new CausalDelivery({ scopes: new Set([scopeOfAll, scopeOfTargeted, ...deps.groups]) });
  }

  /** Operations that wait for others. */
  get waiting(): number {
    return this.#delivery.size;
  }

  /** An operation of this life that has a causal order. @param bytes about what its frame takes */
  take(arrived: Arrived, order: NonNullable<OperationFrame["causal"]>, bytes: number): void {
    const { clock, remembers } = this.#deps;
    const { frame } = arrived;
    const nowMs = clock.monotonicMs();
    const dot = { session: frame.router, scope: order.scope, seq: order.seq };
    const message = {
      dot,
      before: order.before,
      after: order.after ?? [],
      body: arrived,
      bytes,
      untilMs: nowMs + frame.remainingMs,
    };
    const { verdict, effects } = this.#delivery.receive(message, nowMs);
    this.#carryOut(effects);
    if (typeof verdict === "object") {
      this.#deps.answer(arrived, new NexusError("invalid-field", `causal: ${verdict.refused}`, { field: "causal" }), []);
    } else if (verdict === "past" && remembers(frame.operationId)) this.#deps.begin(arrived, []);
    else if (verdict === "past" || verdict === "passed-over") this.#deps.answer(arrived, cameTooLate(), []);
  }

  /** The router says that there is nothing to wait for. */
  skip(run: DotRange, lost: boolean): void {
    this.#carryOut(this.#delivery.skip(run, lost, this.#deps.clock.monotonicMs()).effects);
  }

  /** An operation that was begun has ended, whatever became of it. */
  ended(operationId: string, { status, error }: Finished): void {
    const dots = this.#begun.get(operationId);
    if (dots === undefined) return;
    this.#begun.delete(operationId);
    const ran = status === "ok" || (status === "error" && !(error?.code === "cancelled" && error.executed === "none"));
    for (const dot of dots) this.#carryOut(this.#delivery.ended(dot, ran, this.#deps.clock.monotonicMs()));
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** I3 */
  #carryOut(effects: readonly Effect<Arrived>[]): void {
    for (const effect of effects) this.#due.push(effect);
    if (this.#isCarrying) return;
    this.#isCarrying = true;
    try {
      for (let effect = this.#due.shift(); effect !== undefined; effect = this.#due.shift()) this.#carry(effect);
    } finally {
      this.#isCarrying = false;
    }
    this.#countOverflows();
    this.#planSweep();
  }

  #carry(effect: Effect<Arrived>): void {
    const { telemetry, logger, agentId } = this.#deps;
    switch (effect.kind) {
      case "deliver":
        return this.#deliver(effect.message.dot, effect.message.body, effect.message.untilMs, effect.missing);
      case "drop": {
        const isLate = effect.message.untilMs <= this.#deps.clock.monotonicMs();
        const error = isLate ? new NexusError("expired", "its time was up while it waited for others") : cameTooLate();
        return this.#deps.answer(effect.message.body, error, []);
      }
      case "ask": {
        const { session, scope, from, to } = effect.range;
        telemetry.count("causalQuestions", 1);
        this.#deps.ask(session, { v: WIRE_VERSION, boot: this.#deps.boot, scope, from, to });
        return;
      }
      case "gap":
        telemetry.count("causalGaps", 1, { [attributes.reason]: effect.reason });
        logger.warn(
          { agent: agentId, ...effect.range, reason: effect.reason },
          "causal operations are missing and were given up",
        );
    }
  }

  #deliver(dot: Dot, { frame, ...rest }: Arrived, untilMs: number, all: readonly Missing[]): void {
    const nowMs = this.#deps.clock.monotonicMs();
    const arrived = { ...rest, frame: { ...frame, remainingMs: Math.max(0, untilMs - nowMs) } };
    const missing = all.slice(0, limits.causalMissingMax);
    const cause = all.find((run) => run.cause);
    if (cause !== undefined && frame.causal?.unordered !== true) {
      this.#deps.answer(arrived, withoutCause(cause), missing); // I2
      this.#carryOut(this.#delivery.ended(dot, false, nowMs));
      return;
    }
    this.#begun.set(frame.operationId, [...(this.#begun.get(frame.operationId) ?? []), dot]);
    if (this.#deps.begin(arrived, missing)) return;
    // It was answered at once: what is remembered ran earlier, what is not was refused.
    this.#begun.delete(frame.operationId);
    this.#carryOut(this.#delivery.ended(dot, this.#deps.remembers(frame.operationId), nowMs));
  }

  #planSweep(): void {
    const { wakeMs } = this.#delivery;
    if (wakeMs === this.#timerMs) return;
    this.#timer?.cancel();
    this.#timerMs = wakeMs;
    if (wakeMs === undefined) return;
    const { clock } = this.#deps;
    this.#timer = clock.schedule(Math.max(0, wakeMs - clock.monotonicMs()), () => {
      this.#timerMs = undefined;
      this.#carryOut(this.#delivery.sweep(clock.monotonicMs()));
    });
  }

  #countOverflows(): void {
    const { overflows } = this.#delivery;
    if (overflows === this.#overflowsSeen) return;
    this.#deps.telemetry.count("boundsReached", overflows - this.#overflowsSeen, { [attributes.reason]: "causal-buffer" });
    this.#overflowsSeen = overflows;
  }
}

function cameTooLate(): NexusError {
  return new NexusError("causal-gap", "it came after it was given up; what comes after it may have run");
}

function withoutCause({ session, scope, from, to }: Missing): NexusError {
  const which = `${session}/${scope}/${from}${from === to ? "" : `–${to}`}`;
  return new NexusError("causal-gap", `operation ${which}, which comes before this one, never ran here`);
}
