import {
  attributes,
  type Ended,
  type MissingAgent,
  type MissingReason,
  type Outcome,
  operationIdOf,
  type ReplyFrame,
  type Row,
} from "@nexus/contracts";
import { type FrameBody, sendingOf } from "../dispatcher.ts";
import { type DriveDeps, driveFanOut } from "../fan-out/drive.ts";
import { FanOut, type Taken } from "../fan-out/fan-out.ts";
import { type AttemptContext, type Plan, recordsNext } from "../plan.ts";
import { executedOf, type GoalRun, type RunReport, type Verdict, verdictOf } from "./run.ts";

/** What distinguishes the goals that put one question to many agents. */
export interface Collector {
  /** Takes a first answer. */
  take(agent: string, reply: ReplyFrame): Taken;
  readonly satisfied: boolean;
  /** How much of what was wanted is there, for the message of an incomplete result. */
  readonly reached: number;
  readonly wanted: number;
  /** Whether an answer's value belongs in its row. */
  readonly keepsValues: boolean;
  outcome(ended: Ended, rowsTotal: number): Outcome;
  /** Replaces the general verdict where the goal has its own. */
  verdict?(general: Verdict, executed: RunReport["executed"]): Verdict;
}

/** One question to an expected set: broadcast, gather and vote. */
export class FanOutRun implements GoalRun {
  readonly #fanOut: FanOut;
  readonly #plan: Plan;
  readonly #collector: Collector;
  readonly #body: FrameBody;
  readonly #deps: DriveDeps;

  constructor(plan: Plan, collector: Collector, body: FrameBody, deps: DriveDeps) {
    this.#plan = plan;
    this.#collector = collector;
    this.#body = body;
    this.#deps = deps;
    this.#fanOut = new FanOut({
      index: 0,
      operationId: operationIdOf(plan.id, 0),
      expected: plan.targets.agents,
      onAnswer: (agent, reply) => collector.take(agent, reply),
    });
  }

  async attempt(context: AttemptContext): Promise<void> {
    if (this.#fanOut.ended === undefined && !this.#body.reply) {
      this.#publishUnacknowledged(context);
      return;
    }
    if (this.#fanOut.ended === undefined) await driveFanOut(this.#fanOut, this.#body, this.#plan, context, this.#deps);
  }

  /** Fire and forget: what was published counts as done; no answer is expected, so none is missing. */
  #publishUnacknowledged(context: AttemptContext): void {
    const { dispatcher, telemetry, routerId } = this.#deps;
    const { operationId, expected } = this.#fanOut;
    const span = telemetry.startSpan("fanOut", {
      kind: "producer",
      parent: context.trace,
      attributes: {
        [attributes.messagingSystem]: "nats",
        [attributes.operation]: this.#body.operation,
        [attributes.operationId]: operationId,
        [attributes.agentsTargeted]: expected.length,
      },
    });
    const sending = sendingOf(this.#plan, operationId, this.#body, span.context, routerId);
    const now = context.clock.monotonicMs();
    try {
      for (const entry of this.#fanOut.unsent()) {
        dispatcher.send(entry, sending, now, { repeat: false, record: recordsNext(context) });
        this.#fanOut.sent(entry.id, now);
        context.tally.messages++;
      }
    } finally {
      span.end();
    }
    this.#fanOut.end("condition");
  }

  agentGone(agent: string, reason: MissingReason): void {
    this.#fanOut.gone(agent, reason);
  }

  cancel(): void {
    for (const entry of this.#fanOut.unanswered()) {
      if (!this.#fanOut.isUnsent(entry.id)) this.#deps.dispatcher.cancel(entry, this.#fanOut.operationId);
    }
    this.#fanOut.end("cancelled");
  }

  canDescend(): boolean {
    return this.#body.reply || !this.#fanOut.everSent;
  }

  report(): RunReport {
    const { targets, request } = this.#plan;
    const targeted = targets.agents.length + targets.unknown.length;
    const ended = this.#fanOut.ended ?? "deadline";
    const rows = rowsOf(this.#fanOut, this.#collector.keepsValues);
    const ran = rows.filter((row) => row.status === "ok" || row.status === "error").length;
    const executed = executedOf(targeted, ran, this.#fanOut.unknownCount());
    const general = verdictOf({
      satisfied: this.#collector.satisfied && (this.#body.reply || this.#fanOut.everSent),
      cancelled: ended === "cancelled",
      reached: this.#collector.reached,
      wanted: this.#collector.wanted,
      what: "answers",
      executed,
      degrade: request.degrade,
    });
    const verdict = this.#collector.verdict?.(general, executed) ?? general;
    return {
      ...verdict,
      executed,
      outcome: this.#collector.outcome(ended, rows.length),
      rows,
      agents: {
        targeted,
        responded: rows.filter((row) => row.status === "ok").length,
        extra: this.#fanOut.extraCount,
        missing: [...(this.#body.reply ? this.#fanOut.missing() : this.#fanOut.unreached()), ...strangers(targets.unknown)],
      },
    };
  }
}

export function strangers(ids: readonly string[]): MissingAgent[] {
  return ids.map((agent) => ({ agent, reason: "not-sent", message: "no agent of this id is known" }));
}

/** A row per answer, in the order of the expected set. */
export function rowsOf(fanOut: FanOut, keepsValues: boolean): Row[] {
  const rows: Row[] = [];
  for (const { id } of fanOut.expected) {
    const reply = fanOut.answers.get(id);
    if (reply !== undefined) rows.push(rowOf(id, reply, keepsValues));
  }
  return rows;
}

export function rowOf(agent: string, reply: ReplyFrame, keepsValue: boolean): Row {
  return {
    agent,
    status: reply.status,
    ...(keepsValue && reply.value !== undefined ? { value: reply.value } : {}),
    ...(reply.error === undefined ? {} : { error: reply.error }),
    ...(reply.serviceTimeMs === undefined ? {} : { serviceTimeMs: reply.serviceTimeMs }),
  };
}
