import {
  type GoalOf,
  type JsonValue,
  limits,
  type MissingAgent,
  type MissingReason,
  operationIdOf,
  type ReplyFrame,
  type Row,
} from "@nexus/contracts";
import { createRoundRobin } from "@nexus/core-balancing";
import type { Timer } from "@nexus/ports";
import type { DriveDeps } from "../fan-out/drive.ts";
import { type AttemptContext, type Plan, repeatAfterMs } from "../plan.ts";
import { type AgentEntry, isPresent } from "../table/routing-table.ts";
import { strangers } from "./fan-out-run.ts";
import { executedOf, type GoalRun, type RunReport, verdictOf } from "./run.ts";

/**
 * Many pieces of work, each to one agent.
 *
 * Invariants
 * L1. A piece is with at most one agent at a time. It goes to another only if the first refused it (it never ran), or if
 *     its fate is unknown and the request is idempotent; otherwise it ends as `unknown`.
 * L2. No agent is given more than its capacity by this router, except by the last resort, which knows no loads.
 * L3. Every piece ends in exactly one row.
 * L4. An answer counts only from an agent that the piece was given to; ids of pieces can be guessed from one of them.
 */

/** A refused piece tries this many agents before it ends as refused. */
const REFUSALS_MAX = 3;
const EXTRA_MAX = 10_000;

type BalanceEnd = "everyone" | "deadline" | "cancelled" | "hopeless";

interface Piece {
  readonly index: number;
  readonly operationId: string;
  agent: AgentEntry | undefined;
  sends: number;
  heardMs: number;
  readonly avoided: Set<string>;
  /** Agents that it was published to: only they may answer for it. */
  readonly given: Set<string>;
  /** It was published to an agent whose fate is unknown. */
  mayHaveRun: boolean;
  /** An attempt failed while this agent had the piece: only it may get it again (L1). */
  bound: boolean;
  row: Row | undefined;
}

export class BalanceRun implements GoalRun {
  readonly #plan: Plan;
  readonly #goal: GoalOf<"balance">;
  readonly #deps: DriveDeps;
  readonly #pieces: Piece[];
  readonly #waiting: Piece[];
  readonly #held = new Map<Piece, AgentEntry>();
  readonly #gone = new Map<string, MissingReason>();
  readonly #listening = new Map<string, () => void>();
  readonly #extra = new Set<string>();
  readonly #picker;
  #open: number;
  #ended: BalanceEnd | undefined;
  #context: AttemptContext | undefined;
  #timer: Timer | undefined;
  #finish: { resolve: () => void; reject: (error: unknown) => void } | undefined;

  constructor(plan: Plan, goal: GoalOf<"balance">, offset: number, deps: DriveDeps) {
    this.#plan = plan;
    this.#goal = goal;
    this.#deps = deps;
    this.#picker = createRoundRobin<AgentEntry>(offset);
    const count = goal.pieces?.length ?? 1;
    this.#pieces = Array.from({ length: count }, (_, index) => ({
      index,
      operationId: operationIdOf(plan.id, index),
      agent: undefined,
      sends: 0,
      heardMs: 0,
      avoided: new Set<string>(),
      given: new Set<string>(),
      mayHaveRun: false,
      bound: false,
      row: undefined,
    }));
    this.#waiting = [...this.#pieces].reverse();
    this.#open = count;
  }

  attempt(context: AttemptContext): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#context = context;
      this.#finish = { resolve, reject };
      const { clock } = context;
      const tick = () => {
        const now = clock.monotonicMs();
        if (now >= this.#plan.deadlineMs) this.#stop("deadline");
        else {
          this.#repeatSilent(now);
          if (this.#finish !== undefined) this.#timer = clock.schedule(this.#tickMs(now), tick);
        }
      };
      this.#timer = clock.schedule(this.#tickMs(clock.monotonicMs()), tick);
      this.#pump();
    });
  }

  agentGone(agent: string, reason: MissingReason): void {
    this.#gone.set(agent, reason);
    for (const piece of [...this.#held.keys()]) if (piece.agent?.id === agent) this.#lost(piece, reason);
    this.#pump();
  }

  cancel(): void {
    for (const [piece, agent] of this.#held) this.#deps.dispatcher.cancel(agent, piece.operationId);
    this.#stop("cancelled");
  }

  canDescend(): boolean {
    return true;
  }

  report(): RunReport {
    const { targets, request } = this.#plan;
    const rows = this.#pieces.map((piece) => piece.row ?? this.#openRow(piece));
    const count = (status: Row["status"]) => rows.filter((row) => row.status === status).length;
    const done = count("ok");
    const executed = executedOf(rows.length, done + count("error"), count("unknown"));
    const ended = this.#ended ?? "deadline";
    const responders = new Set(rows.filter((row) => row.status === "ok").map((row) => row.agent));
    return {
      ...verdictOf({
        satisfied: done === rows.length,
        cancelled: ended === "cancelled",
        reached: done,
        wanted: rows.length,
        what: "pieces of work",
        executed,
        degrade: request.degrade,
      }),
      executed,
      outcome: { type: "balance", pieces: rows.length, done, ended, rows: [], rowsTotal: rows.length },
      rows,
      agents: {
        targeted: targets.agents.length + targets.unknown.length,
        responded: responders.size,
        extra: this.#extra.size,
        missing: [...this.#missing(rows), ...strangers(targets.unknown)],
      },
    };
  }

  /** Gives waiting pieces to agents until neither is left. */
  #pump(): void {
    const context = this.#context;
    if (context === undefined || this.#finish === undefined) return;
    const began = context.clock.monotonicMs();
    try {
      for (let piece = this.#waiting.pop(); piece !== undefined; piece = this.#waiting.pop()) {
        const agent = this.#pick(piece, context);
        if (agent === undefined) {
          this.#waiting.push(piece);
          break;
        }
        this.#give(piece, agent, began, context);
      }
    } catch (error) {
      this.#settle(() => this.#finishNow().reject(error));
    }
    context.tally.busyUs += (context.clock.monotonicMs() - began) * 1_000;
    if (this.#open === 0) this.#stop("everyone");
    else if (this.#held.size === 0 && this.#waiting.length > 0) this.#stop("hopeless");
  }

  #pick(piece: Piece, context: AttemptContext): AgentEntry | undefined {
    if (piece.bound && piece.agent !== undefined) return piece.agent;
    const { windowed } = context.mechanism;
    return this.#picker.pick(
      this.#plan.targets.agents,
      (agent) =>
        isPresent(agent) &&
        !this.#gone.has(agent.id) &&
        !piece.avoided.has(agent.id) &&
        agent.operations.has(this.#goal.operation) &&
        (!windowed || this.#deps.dispatcher.held(agent.id) < agent.capacity),
    );
  }

  #give(piece: Piece, agent: AgentEntry, nowMs: number, context: AttemptContext): void {
    if (!piece.bound) piece.sends = 0;
    piece.agent = agent;
    this.#hold(piece, agent);
    this.#send(piece, agent, nowMs, context);
  }

  #send(piece: Piece, agent: AgentEntry, nowMs: number, context: AttemptContext): void {
    const { request, digest, type, deadlineMs } = this.#plan;
    const payload: JsonValue | undefined = this.#goal.pieces?.[piece.index] ?? this.#goal.payload;
    if (!this.#listening.has(piece.operationId)) {
      this.#listening.set(
        piece.operationId,
        this.#deps.dispatcher.listen(piece.operationId, (from, answer) => {
          if (answer.kind === "progress") this.#progressed(piece, from, answer.fraction, answer.message);
          else this.#answered(piece, from, answer);
        }),
      );
    }
    this.#deps.dispatcher.send(
      agent,
      {
        deadlineMs,
        trace: context.trace,
        frame: {
          operationId: piece.operationId,
          router: this.#deps.routerId,
          operation: this.#goal.operation,
          type,
          ...(payload === undefined ? {} : { payload }),
          ...(digest === undefined ? {} : { digest }),
          ...(request.priority === undefined ? {} : { priority: request.priority }),
        },
      },
      nowMs,
      piece.sends > 0,
      context.tally.messages < limits.handlerSpansMax,
    );
    piece.sends++;
    piece.given.add(agent.id);
    piece.heardMs = nowMs;
    context.tally.messages++;
  }

  #progressed(piece: Piece, from: string, fraction: number | undefined, message: string | undefined): void {
    if (!piece.given.has(from)) return;
    if (piece.agent?.id === from) piece.heardMs = this.#context?.clock.monotonicMs() ?? piece.heardMs;
    this.#plan.emit({
      event: "progress",
      agent: from,
      index: piece.index,
      ...(fraction === undefined ? {} : { fraction }),
      ...(message === undefined ? {} : { message }),
    });
  }

  #answered(piece: Piece, from: string, reply: ReplyFrame): void {
    if (!piece.given.has(from)) {
      if (this.#extra.size < EXTRA_MAX) this.#extra.add(from); // L4
      return;
    }
    if (piece.row !== undefined) return;
    if (reply.status === "refused") {
      if (piece.agent?.id !== from) return;
      this.#release(piece);
      piece.avoided.add(from);
      piece.bound = false;
      piece.sends = 0;
      if (piece.avoided.size < Math.min(REFUSALS_MAX, this.#plan.targets.agents.length)) this.#waiting.push(piece);
      else this.#close(piece, from, reply);
    } else this.#close(piece, from, reply);
    this.#pump();
  }

  #close(piece: Piece, from: string, reply: ReplyFrame): void {
    this.#release(piece);
    const { value, error, serviceTimeMs } = reply;
    this.#end(piece, {
      agent: from,
      index: piece.index,
      // Refused here, but an earlier agent had it and fell silent.
      status: reply.status === "refused" && piece.mayHaveRun ? "unknown" : reply.status,
      ...(value === undefined ? {} : { value }),
      ...(error === undefined ? {} : { error }),
      ...(serviceTimeMs === undefined ? {} : { serviceTimeMs }),
    });
    if (this.#context !== undefined) this.#context.tally.answers++;
    this.#plan.emit({ event: "answer", agent: from, index: piece.index, status: reply.status });
  }

  /** The agent that holds the piece will not answer for it (L1). */
  #lost(piece: Piece, reason: MissingReason): void {
    const agent = piece.agent?.id;
    this.#release(piece);
    piece.mayHaveRun = true;
    if (agent !== undefined) piece.avoided.add(agent);
    if (this.#plan.request.idempotent === true) this.#waiting.push(piece);
    else {
      this.#end(piece, { ...(agent === undefined ? {} : { agent }), index: piece.index, status: "unknown" });
      if (agent !== undefined) this.#gone.set(agent, reason);
    }
  }

  #repeatSilent(nowMs: number): void {
    const context = this.#context;
    if (context === undefined) return;
    const afterMs = repeatAfterMs(this.#plan.deadlineMs - this.#plan.arrivedMs);
    try {
      for (const [piece, agent] of [...this.#held]) {
        if (nowMs - piece.heardMs < afterMs * piece.sends) continue;
        if (piece.sends < context.mechanism.sendsMax) this.#send(piece, agent, nowMs, context);
        else if (this.#plan.request.idempotent === true && this.#pick(piece, context) !== undefined) this.#lost(piece, "slow");
      }
    } catch (error) {
      this.#settle(() => this.#finishNow().reject(error));
    }
    this.#pump();
  }

  #end(piece: Piece, row: Row): void {
    piece.row = row;
    this.#open--;
    this.#listening.get(piece.operationId)?.();
    this.#listening.delete(piece.operationId);
  }

  #stop(reason: BalanceEnd): void {
    if (this.#finish === undefined) {
      this.#ended ??= reason;
      return;
    }
    this.#ended ??= reason;
    this.#settle(() => this.#finishNow().resolve());
  }

  #settle(finish: () => void): void {
    if (this.#finish === undefined) return;
    this.#timer?.cancel();
    // What is under way stays listened to only while an attempt runs; a descent sends it again under the same id.
    for (const [piece] of [...this.#held]) {
      this.#release(piece);
      if (this.#ended === undefined) {
        if (piece.sends > 0) {
          piece.bound = this.#plan.request.idempotent !== true;
          piece.mayHaveRun = true;
        }
        this.#waiting.push(piece);
      }
    }
    if (this.#ended !== undefined) for (const stop of this.#listening.values()) stop();
    finish();
    this.#finish = undefined;
  }

  #finishNow(): { resolve: () => void; reject: (error: unknown) => void } {
    if (this.#finish === undefined) throw new Error("a balance attempt was finished twice");
    return this.#finish;
  }

  #tickMs(nowMs: number): number {
    const afterMs = repeatAfterMs(this.#plan.deadlineMs - this.#plan.arrivedMs);
    return Math.max(0, Math.min(afterMs, this.#plan.deadlineMs - nowMs));
  }

  #hold(piece: Piece, agent: AgentEntry): void {
    this.#held.set(piece, agent);
    this.#deps.dispatcher.hold(agent.id);
  }

  #release(piece: Piece): void {
    const agent = this.#held.get(piece);
    if (agent === undefined) return;
    this.#held.delete(piece);
    this.#deps.dispatcher.release(agent.id);
  }

  #openRow(piece: Piece): Row {
    if (piece.agent === undefined || (piece.sends === 0 && !piece.mayHaveRun)) return { index: piece.index, status: "not-sent" };
    return { agent: piece.agent.id, index: piece.index, status: "unknown" };
  }

  /** One line per agent that some piece failed at. */
  #missing(rows: readonly Row[]): MissingAgent[] {
    const missing = new Map<string, MissingAgent>();
    for (const row of rows) {
      if (row.agent === undefined || row.status === "ok" || missing.has(row.agent)) continue;
      const reason: MissingReason =
        row.status === "unknown" ? (this.#gone.get(row.agent) ?? (this.#ended === "deadline" ? "slow" : "unknown")) : row.status;
      missing.set(row.agent, { agent: row.agent, reason, ...(row.error === undefined ? {} : { message: row.error.message }) });
    }
    return [...missing.values()];
  }
}
