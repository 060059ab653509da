import { attributes, limits, NexusError } from "@nexus/contracts";
import type { Telemetry, Timer } from "@nexus/ports";
import { type Dispatcher, type FrameBody, sendingOf } from "../dispatcher.ts";
import type { AttemptContext, Plan } from "../plan.ts";
import { repeatAfterMs } from "../plan.ts";
import type { AgentEntry } from "../table/routing-table.ts";
import type { FanOut } from "./fan-out.ts";

export interface DriveDeps {
  readonly dispatcher: Dispatcher;
  readonly telemetry: Telemetry;
  readonly routerId: string;
}

export interface Driving {
  /** Resolves when the fan-out has ended or was abandoned; rejects when the mechanism failed. */
  readonly done: Promise<void>;
  /** Stops asking and listening, and leaves the fan-out as it is for the next layer. */
  abandon(): void;
}

/**
 * Carries a fan-out until it ends or its deadline comes: sends to who was not sent to, repeats to the silent under the
 * same operation id, takes answers. A failure of the mechanism leaves the fan-out as it is for the next layer. Timers,
 * listeners and in-flight counts are given back on every path.
 */
export function driveFanOut(fanOut: FanOut, body: FrameBody, plan: Plan, context: AttemptContext, deps: DriveDeps): Driving {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const drive = new Drive(fanOut, body, plan, context, deps, resolve, reject);
  drive.start();
  return { done: promise, abandon: () => drive.abandon() };
}

class Drive {
  readonly #fanOut: FanOut;
  readonly #plan: Plan;
  readonly #context: AttemptContext;
  readonly #deps: DriveDeps;
  readonly #resolve: () => void;
  readonly #reject: (error: unknown) => void;
  readonly #sending;
  readonly #span;
  readonly #held = new Set<string>();
  readonly #undo: (() => void)[] = [];
  #repeatTimer: Timer | undefined;
  #recorded = 0;
  #settled = false;

  constructor(
    fanOut: FanOut,
    body: FrameBody,
    plan: Plan,
    context: AttemptContext,
    deps: DriveDeps,
    resolve: () => void,
    reject: (error: unknown) => void,
  ) {
    this.#fanOut = fanOut;
    this.#plan = plan;
    this.#context = context;
    this.#deps = deps;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#span = deps.telemetry.startSpan("fanOut", {
      kind: "producer",
      parent: context.trace,
      attributes: {
        [attributes.messagingSystem]: "nats",
        [attributes.operation]: body.operation,
        [attributes.operationId]: fanOut.operationId,
      },
    });
    this.#sending = sendingOf(plan, fanOut.operationId, body, this.#span.context, deps.routerId);
  }

  start(): void {
    const { clock, mechanism } = this.#context;
    this.#undo.push(
      this.#deps.dispatcher.listen(this.#fanOut.operationId, (agent, answer) => {
        const began = clock.monotonicMs();
        if (answer.kind === "progress") this.#onProgress(agent, answer.fraction, answer.message);
        else if (this.#fanOut.answer(agent, answer)) this.#onFirstAnswer(agent);
        this.#context.tally.busyUs += (clock.monotonicMs() - began) * 1_000;
        this.#check();
      }),
    );
    const deadline = clock.schedule(this.#plan.deadlineMs - clock.monotonicMs(), () => {
      this.#fanOut.end("deadline");
      this.#check();
    });
    this.#undo.push(() => deadline.cancel());
    // The last resort asks once more whoever was asked in vain by the layers above: same id, so nothing runs twice.
    this.#sendTo(mechanism.sendsMax === 1 ? this.#fanOut.unanswered() : this.#fanOut.unsent());
    this.#check();
    if (!this.#settled && mechanism.sendsMax > 1) this.#scheduleRepeats();
  }

  abandon(): void {
    this.#settle(this.#resolve);
  }

  #sendTo(entries: readonly AgentEntry[]): void {
    const { clock, tally } = this.#context;
    const began = clock.monotonicMs();
    try {
      for (const entry of entries) {
        const repeat = this.#fanOut.everSent && !this.#fanOut.isUnsent(entry.id);
        const record = this.#recorded++ < limits.handlerSpansMax;
        this.#deps.dispatcher.send(entry, this.#sending, began, { repeat, record });
        this.#fanOut.sent(entry.id, began);
        this.#hold(entry.id);
        tally.messages++;
      }
    } catch (error) {
      this.#settle(() => this.#reject(error), error instanceof NexusError ? error.code : "internal");
    }
    tally.busyUs += (clock.monotonicMs() - began) * 1_000;
  }

  #scheduleRepeats(): void {
    const { clock, mechanism } = this.#context;
    const afterMs = repeatAfterMs(this.#plan.deadlineMs - this.#plan.arrivedMs);
    this.#repeatTimer = clock.schedule(afterMs, () => {
      if (this.#settled) return;
      this.#sendTo(this.#fanOut.overdue(clock.monotonicMs(), afterMs, mechanism.sendsMax));
      if (!this.#settled) this.#scheduleRepeats();
    });
  }

  #onFirstAnswer(agent: string): void {
    const status = this.#fanOut.answers.get(agent)?.status ?? "ok";
    this.#context.tally.answers++;
    this.#release(agent);
    this.#plan.emit({ event: "answer", agent, index: this.#fanOut.index, status });
  }

  #onProgress(agent: string, fraction: number | undefined, message: string | undefined): void {
    this.#fanOut.progress(agent, this.#context.clock.monotonicMs());
    this.#plan.emit({
      event: "progress",
      agent,
      index: this.#fanOut.index,
      ...(fraction === undefined ? {} : { fraction }),
      ...(message === undefined ? {} : { message }),
    });
  }

  /** Ends the drive once the fan-out has; also called from outside through `fanOut.onEnd`. */
  #check(): void {
    if (this.#fanOut.ended === undefined) {
      this.#fanOut.onEnd = () => this.#check();
      return;
    }
    this.#settle(this.#resolve);
  }

  /** @param errorCode of the fault that ends the drive */
  #settle(finish: () => void, errorCode?: string): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#fanOut.onEnd = undefined;
    this.#repeatTimer?.cancel();
    for (const undo of this.#undo) undo();
    for (const agent of this.#held) this.#deps.dispatcher.release(agent);
    this.#held.clear();
    this.#span.set({
      [attributes.agentsTargeted]: this.#fanOut.expected.length,
      [attributes.agentsResponded]: this.#fanOut.answers.size,
      ...(this.#recorded > limits.handlerSpansMax
        ? { [attributes.handlersUnrecorded]: this.#recorded - limits.handlerSpansMax }
        : {}),
    });
    this.#span.end(errorCode);
    finish();
  }

  #hold(agent: string): void {
    if (this.#held.has(agent)) return;
    this.#held.add(agent);
    this.#deps.dispatcher.hold(agent);
  }

  #release(agent: string): void {
    if (this.#held.delete(agent)) this.#deps.dispatcher.release(agent);
  }
}
