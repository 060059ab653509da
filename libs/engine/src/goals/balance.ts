import type { GoalOf, JsonValue, MissingReason, ReplyFrame, Row } from "@nexus/contracts";
import { createRoundRobin } from "@nexus/core-balancing";
import type { Timer } from "@nexus/ports";
import type { DriveDeps } from "../fan-out/drive.ts";
import { type AttemptContext, type Plan, recordsNext, repeatAfterMs } from "../plan.ts";
import { type AgentEntry, isPresent } from "../table/routing-table.ts";
import { missingIn, type Piece, piecesOf, rowOfPiece } from "./balance-piece.ts";
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
 * L4. A piece that no agent has room for waits for it, in turn with the other requests; the run is hopeless only when no
 *     agent could take what is left even if it had room.
 */

/** A refused piece tries this many agents before it ends as refused. */
const REFUSALS_MAX = 3;

type BalanceEnd = "everyone" | "deadline" | "cancelled" | "hopeless";

export class BalanceRun implements GoalRun {
  readonly #plan: Plan;
  readonly #goal: GoalOf<"balance">;
  readonly #deps: DriveDeps;
  readonly #pieces: Piece[];
  readonly #waiting: Piece[];
  readonly #held = new Map<Piece, AgentEntry>();
  readonly #gone = new Map<string, MissingReason>();
  readonly #listening = new Map<string, () => void>();
  readonly #targets: ReadonlyMap<string, AgentEntry>;
  readonly #picker;
  #open: number;
  #ended: BalanceEnd | undefined;
  #context: AttemptContext | undefined;
  #timer: Timer | undefined;
  #finish: { resolve: () => void; reject: (error: unknown) => void } | undefined;
  /** Set while it waits for room. */
  #leaveQueue: (() => void) | undefined;

  constructor(plan: Plan, goal: GoalOf<"balance">, offset: number, deps: DriveDeps) {
    this.#plan = plan;
    this.#goal = goal;
    this.#deps = deps;
    this.#picker = createRoundRobin<AgentEntry>(offset);
    this.#targets = new Map(plan.targets.agents.map((agent) => [agent.id, agent]));
    const count = goal.pieces?.length ?? 1;
    this.#pieces = piecesOf(plan.id, count);
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
    const rows = this.#pieces.map(rowOfPiece);
    const count = (status: Row["status"]) => rows.filter((row) => row.status === status).length;
    const done = count("ok");
    const executed = executedOf(rows.length, done + count("error"), count("unknown"));
    const ended = this.#ended ?? "deadline";
    const whyUnknown = (agent: string) => this.#gone.get(agent) ?? (this.#ended === "deadline" ? "slow" : "unknown");
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
        extra: 0,
        missing: [...missingIn(rows, whyUnknown), ...strangers(targets.unknown)],
      },
    };
  }

  /** Gives waiting pieces to agents until either has no more. */
  #pump(): void {
    const context = this.#context;
    if (context === undefined || this.#finish === undefined) return;
    if (this.#open > 0 && this.#waitsForBus(context)) return;
    let full = false;
    const done = this.#working(context, (nowMs) => {
      full = this.#giveWaiting(nowMs, context);
    });
    if (!done) return;
    if (this.#open === 0) this.#stop("everyone");
    else if (full) this.#leaveQueue ??= this.#deps.dispatcher.awaitRoom((agent) => this.#takeRoom(agent));
    else {
      this.#leaveQueueNow();
      if (this.#held.size === 0 && this.#waiting.length > 0) this.#stop("hopeless");
    }
  }

  /** @returns whether pieces are left that only room is wanting for (L4) */
  #giveWaiting(nowMs: number, context: AttemptContext): boolean {
    const passedOver: Piece[] = [];
    try {
      for (let piece = this.#waiting.pop(); piece !== undefined; piece = this.#waiting.pop()) {
        const agent = this.#pick(piece, context);
        if (agent !== undefined) {
          this.#give(piece, agent, nowMs, context);
          continue;
        }
        passedOver.push(piece);
        for (const other of this.#plan.targets.agents) if (this.#mayTake(piece, other)) return true;
      }
      return false;
    } finally {
      this.#waiting.push(...passedOver.reverse());
    }
  }

  /** An agent has room for one operation more, and it is this run's turn. */
  #takeRoom(agentId: string): boolean {
    const context = this.#context;
    const agent = this.#targets.get(agentId);
    const piece = this.#waiting.at(-1);
    if (context === undefined || agent === undefined || piece === undefined) return false;
    if (!this.#mayTake(piece, agent) || !this.#hasRoom(agent, context) || this.#waitsForBus(context)) return false;
    this.#waiting.pop();
    if (this.#waiting.length === 0) this.#leaveQueueNow();
    this.#working(context, (nowMs) => this.#give(piece, agent, nowMs, context));
    return true;
  }

  #leaveQueueNow(): void {
    this.#leaveQueue?.();
    this.#leaveQueue = undefined;
  }

  /** Cut off with work under way: no other rung has another bus, and what is under way may yet end well. */
  #waitsForBus({ mechanism, tally }: AttemptContext): boolean {
    return !this.#deps.dispatcher.connected && mechanism.sendsMax > 1 && tally.messages > 0;
  }

  /** Work that publishes: its time counts, its failure ends the attempt. @returns whether it did not fail */
  #working(context: AttemptContext, work: (nowMs: number) => void): boolean {
    const began = context.clock.monotonicMs();
    try {
      work(began);
      return true;
    } catch (error) {
      this.#settle(() => this.#finishNow().reject(error));
      return false;
    } finally {
      context.tally.busyUs += (context.clock.monotonicMs() - began) * 1_000;
    }
  }

  #pick(piece: Piece, context: AttemptContext): AgentEntry | undefined {
    if (piece.bound && piece.agent !== undefined) return piece.agent;
    return this.#picker.pick(this.#plan.targets.agents, (agent) => this.#hasRoom(agent, context) && this.#mayTake(piece, agent));
  }

  #mayTake(piece: Piece, agent: AgentEntry): boolean {
    return (
      isPresent(agent) && !this.#gone.has(agent.id) && !piece.avoided.has(agent.id) && agent.operations.has(this.#goal.operation)
    );
  }

  /** L2 */
  #hasRoom(agent: AgentEntry, { mechanism }: AttemptContext): boolean {
    return !mechanism.windowed || this.#deps.dispatcher.held(agent.id) < agent.capacity;
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
      recordsNext(context),
    );
    piece.sends++;
    piece.heardMs = nowMs;
    context.tally.messages++;
  }

  #progressed(piece: Piece, from: string, fraction: number | undefined, message: string | undefined): void {
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
    if (context === undefined || this.#waitsForBus(context)) return;
    const afterMs = repeatAfterMs(this.#plan.deadlineMs - this.#plan.arrivedMs);
    this.#working(context, () => {
      for (const [piece, agent] of [...this.#held]) {
        if (nowMs - piece.heardMs < afterMs * piece.sends) continue;
        if (piece.sends < context.mechanism.sendsMax) this.#send(piece, agent, nowMs, context);
        else if (this.#plan.request.idempotent === true && this.#pick(piece, context) !== undefined) this.#lost(piece, "slow");
      }
    });
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
    this.#leaveQueueNow();
    // What is under way is listened to only while an attempt runs; a descent sends it again under the same id.
    for (const stop of this.#listening.values()) stop();
    this.#listening.clear();
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
}
