import { type Ended, type GoalOf, limits, type MissingReason, type ReplyFrame, type Row } from "@nexus/contracts";
import type { Timer } from "@nexus/ports";
import { sendingOf } from "../dispatcher.ts";
import type { DriveDeps } from "../fan-out/drive.ts";
import { EXTRA_MAX, isOtherLife } from "../fan-out/fan-out.ts";
import { type AttemptContext, type Plan, repeatAfterMs } from "../plan.ts";
import type { AgentEntry } from "../table/routing-table.ts";
import { answeredRow, had, type Piece, piecesOf, reportOf, unansweredRow } from "./pieces.ts";
import { Placement } from "./placement.ts";
import type { GoalRun, RunReport } from "./run.ts";

/**
 * Many pieces of work, each to one agent.
 *
 * Invariants
 * L1. A piece is with at most one agent at a time. It goes to another only if the first refused it (it never ran), or if
 *     its fate is unknown and the request is idempotent; otherwise it ends as `unknown`.
 * L2. No agent is given more than its capacity by this router, except by the last resort, which knows no loads.
 * L3. Every piece ends in exactly one row.
 * L4. An answer counts only from an agent that was given the piece.
 * L5. A piece waits for room while some agent could take it; what no agent can take any more ends at once, and holds up
 *     no other piece.
 */

/** A refused piece tries this many agents before it ends as refused. */
const REFUSALS_MAX = 3;

export class BalanceRun implements GoalRun {
  readonly #plan: Plan;
  readonly #goal: GoalOf<"balance">;
  readonly #deps: DriveDeps;
  readonly #pieces: Piece[];
  /** Pieces that nobody had yet, the next one last: any agent will do for any of them. */
  readonly #fresh: Piece[];
  /** Pieces that came back, and may not go everywhere. */
  #returned: Piece[] = [];
  readonly #held = new Map<Piece, AgentEntry>();
  readonly #listening = new Map<string, () => void>();
  readonly #extra = new Set<string>();
  readonly #placement: Placement;
  readonly #repeatAfterMs: number;
  #open: number;
  #ended: Ended | undefined;
  #context: AttemptContext | undefined;
  #timer: Timer | undefined;
  #stopWaiting: (() => void) | undefined;
  /** Why publishing failed in this attempt. */
  #fault: { readonly error: unknown } | undefined;
  #finish: { resolve: () => void; reject: (error: unknown) => void } | undefined;

  constructor(plan: Plan, goal: GoalOf<"balance">, offset: number, deps: DriveDeps) {
    this.#plan = plan;
    this.#goal = goal;
    this.#deps = deps;
    this.#placement = new Placement(plan.targets.agents, goal.operation, offset, deps.dispatcher);
    this.#repeatAfterMs = repeatAfterMs(plan.deadlineMs - plan.arrivedMs);
    this.#pieces = piecesOf(plan, goal);
    this.#fresh = [...this.#pieces].reverse();
    this.#open = this.#pieces.length;
  }

  attempt(context: AttemptContext): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#context = context;
      this.#placement.windowed = context.mechanism.windowed; // L2
      this.#finish = { resolve, reject };
      this.#fault = undefined;
      this.#schedule(context);
      this.#pump();
    });
  }

  agentGone(agent: string, reason: MissingReason): void {
    this.#placement.gone.set(agent, reason);
    for (const piece of [...this.#held.keys()]) if (piece.agent?.id === agent) this.#lost(piece);
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
    return reportOf(this.#plan, this.#pieces, {
      gone: this.#placement.gone,
      ended: this.#ended ?? "deadline",
      extra: this.#extra.size,
    });
  }

  #schedule(context: AttemptContext): void {
    const { clock } = context;
    const leftMs = this.#plan.deadlineMs - clock.monotonicMs();
    this.#timer = clock.schedule(Math.max(0, Math.min(this.#repeatAfterMs, leftMs)), () => {
      const now = clock.monotonicMs();
      if (now >= this.#plan.deadlineMs) return this.#stop("deadline");
      this.#repeatSilent(now, context);
      this.#pump();
      if (this.#finish !== undefined) this.#schedule(context);
    });
  }

  /** Gives waiting pieces to agents until neither is left. */
  #pump(): void {
    const context = this.#context;
    if (context === undefined || this.#finish === undefined) return;
    const began = context.clock.monotonicMs();
    this.#placeReturned(began, context);
    this.#placeFresh(began, context);
    context.tally.busyUs += (context.clock.monotonicMs() - began) * 1_000;
    if (this.#fault !== undefined) this.#fail(this.#fault.error);
    else if (this.#open === 0) this.#stop("everyone");
    else if (this.#held.size === 0 && !this.#placement.someoneCould()) this.#stop("hopeless");
    else if (this.#fresh.length + this.#returned.length > 0) {
      // Another request may hold the room: its end is no answer to us.
      this.#stopWaiting ??= this.#deps.dispatcher.whenRoom(() => {
        this.#stopWaiting = undefined;
        this.#pump();
      });
    }
  }

  #placeReturned(nowMs: number, context: AttemptContext): void {
    // An earlier agent may have answered for a piece meanwhile.
    const returned = this.#returned.filter((piece) => piece.row === undefined);
    this.#returned = [];
    let hasRoom = returned.length > 0 && this.#placement.hasRoom();
    const someoneCould = returned.length > 0 && this.#placement.someoneCould();
    for (const piece of returned) {
      const looks = this.#fault === undefined && (hasRoom || piece.bound);
      const agent = looks ? this.#placement.pick(piece) : undefined;
      if (agent !== undefined) this.#give(piece, agent, nowMs, context);
      else if (this.#fault === undefined && (looks || !someoneCould) && !this.#placement.mayStillGo(piece)) {
        this.#end(piece, unansweredRow(piece)); // L5
      } else {
        this.#returned.push(piece);
        hasRoom &&= this.#placement.hasRoom();
      }
    }
  }

  #placeFresh(nowMs: number, context: AttemptContext): void {
    while (this.#fault === undefined) {
      const piece = this.#fresh.at(-1);
      const agent = piece === undefined ? undefined : this.#placement.pick(piece);
      if (piece === undefined || agent === undefined) return;
      this.#fresh.pop();
      this.#give(piece, agent, nowMs, context);
    }
  }

  #give(piece: Piece, agent: AgentEntry, nowMs: number, context: AttemptContext): void {
    if (!piece.bound) piece.sends = 0;
    piece.agent = agent;
    this.#held.set(piece, agent);
    this.#deps.dispatcher.hold(agent.id);
    this.#send(piece, agent, nowMs, context);
  }

  #send(piece: Piece, agent: AgentEntry, nowMs: number, context: AttemptContext): void {
    const { payload, operationId } = piece;
    const body = { operation: this.#goal.operation, reply: true, ...(payload === undefined ? {} : { payload }) };
    if (!this.#listening.has(operationId)) this.#listening.set(operationId, this.#listen(piece));
    const sending = sendingOf(this.#plan, operationId, body, context.trace, this.#deps.routerId);
    try {
      this.#deps.dispatcher.send(agent, sending, nowMs, {
        repeat: piece.sends > 0,
        record: context.tally.messages < limits.handlerSpansMax,
      });
    } catch (error) {
      this.#fault = { error };
      return;
    }
    piece.sends++;
    piece.heardMs = nowMs;
    context.tally.messages++;
  }

  #listen(piece: Piece): () => void {
    return this.#deps.dispatcher.listen(piece.operationId, (from, answer) => {
      if (!had(piece, from)) {
        if (this.#extra.size < EXTRA_MAX) this.#extra.add(from); // L4
      } else if (answer.kind === "progress") this.#progressed(piece, from, answer.fraction, answer.message);
      else this.#answered(piece, from, answer);
    });
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
    if (reply.status !== "refused") this.#close(piece, from, reply);
    else if (piece.agent?.id !== from || !this.#held.has(piece)) return;
    else if (isOtherLife(reply)) {
      this.#placement.gone.set(from, "dead");
      this.#lost(piece);
    } else {
      this.#release(piece);
      piece.avoided.add(from);
      piece.sends = 0;
      piece.bound = false;
      piece.refusal = { agent: from, reply };
      if (piece.avoided.size < REFUSALS_MAX) this.#returned.push(piece);
      else this.#close(piece, from, reply);
    }
    this.#pump();
  }

  #close(piece: Piece, from: string, reply: ReplyFrame): void {
    this.#release(piece);
    this.#end(piece, answeredRow(piece, from, reply));
    if (this.#context !== undefined) this.#context.tally.answers++;
    this.#plan.emit({ event: "answer", agent: from, index: piece.index, status: reply.status });
  }

  /** The agent that holds the piece will not answer for it (L1). */
  #lost(piece: Piece): void {
    this.#release(piece);
    piece.mayHaveRun = true;
    if (piece.agent !== undefined) piece.avoided.add(piece.agent.id);
    if (this.#plan.request.idempotent === true) this.#returned.push(piece);
    else this.#end(piece, unansweredRow(piece));
  }

  #repeatSilent(nowMs: number, context: AttemptContext): void {
    const mayMove = this.#plan.request.idempotent === true;
    for (const [piece, agent] of [...this.#held]) {
      if (this.#fault !== undefined) return;
      if (nowMs - piece.heardMs < this.#repeatAfterMs * piece.sends) continue;
      if (piece.sends < context.mechanism.sendsMax) this.#send(piece, agent, nowMs, context);
      else if (mayMove && this.#placement.isRoomElsewhere(piece)) this.#lost(piece);
    }
  }

  /** Every piece that ends, ends here, once (L3). */
  #end(piece: Piece, row: Row): void {
    piece.row = row;
    this.#open--;
    this.#listening.get(piece.operationId)?.();
    this.#listening.delete(piece.operationId);
  }

  #stop(reason: Ended): void {
    this.#ended ??= reason;
    const finish = this.#finish;
    if (finish === undefined) return;
    this.#endAttempt();
    for (const piece of [...this.#held.keys()]) this.#release(piece);
    finish.resolve();
  }

  /** The next rung takes over: what is under way is sent again under the same id. */
  #fail(error: unknown): void {
    const finish = this.#finish;
    this.#endAttempt();
    for (const piece of [...this.#held.keys()]) {
      this.#release(piece);
      if (piece.sends === 0) this.#fresh.push(piece);
      else {
        piece.bound = this.#plan.request.idempotent !== true;
        piece.mayHaveRun = true;
        this.#returned.push(piece);
      }
    }
    finish?.reject(error);
  }

  #endAttempt(): void {
    this.#finish = undefined;
    this.#timer?.cancel();
    for (const stop of this.#listening.values()) stop();
    this.#listening.clear();
    this.#stopWaiting?.();
    this.#stopWaiting = undefined;
  }

  #release(piece: Piece): void {
    const agent = this.#held.get(piece);
    if (agent === undefined) return;
    this.#held.delete(piece);
    // We look for room ourselves after each release; being called back from within it would find us half-way.
    this.#stopWaiting?.();
    this.#stopWaiting = undefined;
    this.#deps.dispatcher.release(agent.id);
  }
}
