import { attributes, NexusError, type ProgressFrame, toErrorBody } from "@nexus/contracts";
import type { Telemetry, Timer } from "@nexus/ports";
import { type Dispatcher, type FrameBody, sendingOf } from "../dispatcher.ts";
import type { AttemptContext, Plan } from "../plan.ts";
import { emitProgress, recordsNext, repeatAfterMs, waitsForBus } from "../plan.ts";
import type { AgentEntry } from "../table/routing-table.ts";
import type { FanOut } from "./fan-out.ts";

export interface DriveDeps {
  readonly dispatcher: Dispatcher;
  readonly telemetry: Telemetry;
  readonly routerId: string;
}

/**
 * Carries a fan-out until it ends or its deadline comes: sends to who was not sent to, repeats to the silent under the
 * same operation id, takes answers. Resolves when the fan-out has ended; rejects when the mechanism failed, leaving the
 * fan-out as it is for the next layer. Timers, listeners and in-flight counts are given back on every path.
 */
export function driveFanOut(
  fanOut: FanOut,
  body: FrameBody,
  plan: Plan,
  context: AttemptContext,
  deps: DriveDeps,
): Promise<void> {
  return new Promise((resolve, reject) => new Drive(fanOut, body, plan, context, deps, resolve, reject).start());
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
  #reconnects: number;
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
    this.#reconnects = deps.dispatcher.reconnects;
    this.#span = deps.telemetry.startSpan("fanOut", {
      kind: "producer",
      parent: context.trace,
      attributes: () => ({
        [attributes.messagingSystem]: "nats",
        [attributes.operation]: body.operation,
        [attributes.operationId]: fanOut.operationId,
      }),
    });
    this.#sending = sendingOf(plan, fanOut.operationId, body, this.#span.context, deps.routerId);
  }

  start(): void {
    const { clock, mechanism, abandon } = this.#context;
    const { dispatcher } = this.#deps;
    const { operationId } = this.#fanOut;
    dispatcher.listen(operationId, (agent, answer) => {
      const began = clock.monotonicMs();
      if (answer.kind === "progress") this.#onProgress(agent, answer);
      else if (this.#fanOut.answer(agent, answer)) this.#onFirstAnswer(agent);
      this.#context.tally.busyUs += (clock.monotonicMs() - began) * 1_000;
      this.#check();
    });
    this.#undo.push(() => dispatcher.unlisten(operationId));
    const deadline = clock.schedule(this.#plan.deadlineMs - clock.monotonicMs(), () => {
      this.#fanOut.end("deadline");
      this.#check();
    });
    const stop = (): void => this.#settle(this.#resolve);
    abandon.add(stop);
    this.#undo.push(
      () => deadline.cancel(),
      () => abandon.delete(stop),
    );
    // The last resort asks once more whoever was asked in vain by the layers above: same id, so nothing runs twice.
    this.#sendTo(mechanism.sendsMax === 1 ? this.#fanOut.unanswered() : this.#fanOut.unsent());
    this.#check();
    if (!this.#settled) this.#scheduleTick();
  }

  #sendTo(entries: readonly AgentEntry[]): void {
    const { clock, tally } = this.#context;
    if (waitsForBus(this.#context, this.#deps.dispatcher.connected)) return;
    const began = clock.monotonicMs();
    try {
      for (const entry of entries) this.#sendOne(entry, began);
    } catch (error) {
      this.#settle(() => this.#reject(error), toErrorBody(error).code);
    }
    tally.busyUs += (clock.monotonicMs() - began) * 1_000;
  }

  #sendOne(entry: AgentEntry, nowMs: number): void {
    const repeat = this.#fanOut.everSent && !this.#fanOut.isUnsent(entry.id);
    const record = recordsNext(this.#context);
    try {
      this.#deps.dispatcher.send(entry, this.#sending, nowMs, { repeat, record });
    } catch (error) {
      // Too large in the codec of this one agent: the others need not miss it.
      if (!(error instanceof NexusError) || error.code !== "too-large" || !this.#fanOut.everSent) throw error;
      return this.#fanOut.gone(entry.id, "not-sent", error.message);
    }
    this.#fanOut.sent(entry.id, nowMs);
    this.#hold(entry.id);
    this.#context.tally.messages++;
  }

  #scheduleTick(): void {
    const { clock, mechanism } = this.#context;
    const afterMs = repeatAfterMs(this.#plan.deadlineMs - this.#plan.arrivedMs);
    this.#repeatTimer = clock.schedule(afterMs, () => {
      if (this.#settled) return;
      const nowMs = clock.monotonicMs();
      const { reconnects } = this.#deps.dispatcher;
      if (reconnects !== this.#reconnects) this.#fanOut.reconnected();
      this.#reconnects = reconnects;
      this.#sendTo([...this.#fanOut.unsent(), ...this.#fanOut.overdue(nowMs, afterMs, mechanism.sendsMax)]);
      this.#check();
      if (!this.#settled) this.#scheduleTick();
    });
  }

  #onFirstAnswer(agent: string): void {
    const status = this.#fanOut.answers.get(agent)?.status ?? "ok";
    this.#context.tally.answers++;
    this.#release(agent);
    this.#plan.events.emit({ event: "answer", agent, index: this.#fanOut.index, status });
  }

  #onProgress(agent: string, progress: ProgressFrame): void {
    if (!this.#fanOut.progress(agent, this.#context.clock.monotonicMs())) return;
    emitProgress(this.#plan, agent, this.#fanOut.index, progress);
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
    this.#span.set(() => ({
      [attributes.agentsTargeted]: this.#fanOut.expected.length,
      [attributes.agentsResponded]: this.#fanOut.answers.size,
    }));
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
