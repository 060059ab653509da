import {
  attributes,
  type GoalOf,
  type MissingReason,
  NexusError,
  type ProgressFrame,
  type ReplyFrame,
  toErrorBody,
} from "@nexus/contracts";
import { createRoundRobin } from "@nexus/core-balancing";
import type { Span, Timer } from "@nexus/ports";
import { sendingOf } from "../../dispatcher.ts";
import type { DriveDeps } from "../../fan-out/drive.ts";
import { type AttemptContext, emitProgress, type Plan, recordsNext, repeatAfterMs, waitsForBus } from "../../plan.ts";
import { type AgentEntry, isPresent } from "../../table/routing-table.ts";
import type { GoalRun, RunReport } from "../run.ts";
import { type Piece, Pieces } from "./pieces.ts";
import { type BalanceEnd, reportOf } from "./report.ts";

/**
 * Many pieces of work, each to one agent. `Pieces` keeps where each is; this gives them out, sends, repeats and waits.
 *
 * Invariants
 * L1. No agent is given more than its capacity by this router, except by the last resort, which knows no loads.
 * L2. A piece that finds every agent full waits for room, which goes to those that wait longest; it fails only when no
 *     agent is left that could ever take it, or at the deadline.
 * L3. A run that has ended holds no timer, no listener and no in-flight count.
 */

export class BalanceRun implements GoalRun {
  readonly #plan: Plan;
  readonly #goal: GoalOf<"balance">;
  readonly #deps: DriveDeps;
  readonly #pieces: Pieces;
  readonly #picker;
  /** Made when the run first waits for room. */
  #targetsById: ReadonlyMap<string, AgentEntry> | undefined;
  /** Agents that said that they are full, until when. */
  #fullUntilMs: Map<string, number> | undefined;
  #ended: BalanceEnd | undefined;
  #context: AttemptContext | undefined;
  #span: Span | undefined;
  #timer: Timer | undefined;
  #stopWaiting: (() => void) | undefined;
  #reconnects = 0;
  #finish: { resolve: () => void; reject: (error: unknown) => void } | undefined;

  constructor(plan: Plan, goal: GoalOf<"balance">, offset: number, deps: DriveDeps) {
    this.#plan = plan;
    this.#goal = goal;
    this.#deps = deps;
    this.#picker = createRoundRobin<AgentEntry>(offset);
    this.#pieces = new Pieces(plan.id, goal.pieces?.length ?? 1, plan.request.idempotent === true);
  }

  attempt(context: AttemptContext): Promise<void> {
    const { telemetry, dispatcher } = this.#deps;
    return new Promise((resolve, reject) => {
      this.#context = context;
      this.#finish = { resolve, reject };
      this.#reconnects = dispatcher.reconnects;
      this.#span = telemetry.startSpan("fanOut", {
        kind: "producer",
        parent: context.trace,
        attributes: () => ({ [attributes.messagingSystem]: "nats", [attributes.operation]: this.#goal.operation }),
      });
      // Whoever was asked in an earlier attempt may answer before it is asked again.
      for (const piece of this.#pieces.waiting) if (piece.mayHaveRun) this.#listen(piece);
      this.#scheduleTick(context);
      this.#pump();
    });
  }

  agentGone(agent: string, reason: MissingReason): void {
    for (const piece of this.#pieces.agentGone(agent, reason)) this.#released(piece, agent);
    this.#pump();
  }

  cancel(): void {
    for (const { agent, operationId } of this.#pieces.held()) {
      if (agent !== undefined) this.#deps.dispatcher.cancel(agent, operationId);
    }
    this.#stop("cancelled");
  }

  canDescend(): boolean {
    return true;
  }

  report(): RunReport {
    return reportOf(this.#plan, this.#pieces, this.#ended ?? "deadline");
  }

  /** Gives waiting pieces to agents until either is used up. */
  #pump(): void {
    const context = this.#context;
    if (context === undefined || this.#finish === undefined) return;
    const began = context.clock.monotonicMs();
    if (!this.#waitsForBus(context)) this.#giveOut(began, context);
    context.tally.busyUs += (context.clock.monotonicMs() - began) * 1_000;
    if (this.#finish === undefined) return;
    if (this.#pieces.open === 0) this.#stop("everyone");
    else if (this.#isHopeless()) this.#stop("hopeless");
    else this.#waitForRoom();
  }

  #giveOut(nowMs: number, context: AttemptContext): void {
    const aside: Piece[] = [];
    for (let piece = this.#pieces.takeNext(); piece !== undefined; piece = this.#pieces.takeNext()) {
      const agent = this.#pick(piece, nowMs, context);
      if (agent !== undefined) this.#give(piece, agent, nowMs, context);
      else aside.push(piece);
      // One that could go to anybody and finds nobody: nor would the others.
      if (this.#finish === undefined || (agent === undefined && piece.avoided === undefined && !piece.bound)) break;
    }
    this.#pieces.putBack(aside);
  }

  #pick(piece: Piece, nowMs: number, context: AttemptContext): AgentEntry | undefined {
    if (piece.bound && piece.agent !== undefined) return piece.agent;
    return this.#picker.pick(
      this.#plan.targets.agents,
      (agent) => this.#couldTake(piece, agent) && this.#hasRoom(agent, nowMs, context),
    );
  }

  #couldTake(piece: Piece, agent: AgentEntry): boolean {
    return isPresent(agent) && agent.operations.has(this.#goal.operation) && this.#pieces.mayHave(piece, agent);
  }

  #hasRoom(agent: AgentEntry, nowMs: number, context: AttemptContext): boolean {
    if (!context.mechanism.windowed) return true;
    return this.#deps.dispatcher.held(agent.id) < agent.capacity && nowMs >= (this.#fullUntilMs?.get(agent.id) ?? 0);
  }

  #waitsForBus(context: AttemptContext): boolean {
    return waitsForBus(context, this.#deps.dispatcher.connected);
  }

  /** L2 */
  #isHopeless(): boolean {
    if (this.#pieces.heldCount > 0) return false;
    const { agents } = this.#plan.targets;
    return this.#pieces.waiting.every((piece) => !agents.some((agent) => this.#couldTake(piece, agent)));
  }

  #waitForRoom(): void {
    if (this.#pieces.waiting.length === 0) {
      this.#stopWaiting?.();
      this.#stopWaiting = undefined;
    } else this.#stopWaiting ??= this.#deps.dispatcher.waitForRoom((id) => this.#takeRoom(id));
  }

  /** @returns whether a piece was given to the agent */
  #takeRoom(id: string): boolean {
    const context = this.#context;
    if (context === undefined || this.#finish === undefined || this.#waitsForBus(context)) return false;
    this.#targetsById ??= new Map(this.#plan.targets.agents.map((entry) => [entry.id, entry]));
    const agent = this.#targetsById.get(id);
    const nowMs = context.clock.monotonicMs();
    if (agent === undefined || !isPresent(agent) || !this.#hasRoom(agent, nowMs, context)) return false;
    if (!agent.operations.has(this.#goal.operation)) return false;
    const piece = this.#pieces.takeFor(agent);
    if (piece === undefined) return false;
    this.#give(piece, agent, nowMs, context);
    return true;
  }

  #give(piece: Piece, agent: AgentEntry, nowMs: number, context: AttemptContext): void {
    this.#pieces.give(piece, agent);
    this.#deps.dispatcher.hold(agent.id);
    this.#send(piece, agent, nowMs, context);
  }

  #send(piece: Piece, agent: AgentEntry, nowMs: number, context: AttemptContext): void {
    const { dispatcher, routerId } = this.#deps;
    const payload = this.#goal.pieces === undefined ? this.#goal.payload : this.#goal.pieces[piece.index];
    const body = { operation: this.#goal.operation, reply: true, payload };
    this.#listen(piece);
    const trace = this.#span?.context ?? context.trace;
    const sending = sendingOf(this.#plan, piece.operationId, body, trace, routerId);
    const record = recordsNext(context);
    try {
      dispatcher.send(agent, sending, nowMs, { repeat: piece.sends > 0, record });
    } catch (error) {
      return this.#notSent(piece, agent, error);
    }
    this.#pieces.sent(piece, nowMs);
    context.tally.messages++;
  }

  /** Of several pieces one that is too large ends by itself; a single one, and every other fault, fails the attempt. */
  #notSent(piece: Piece, agent: AgentEntry, error: unknown): void {
    if (error instanceof NexusError && error.code === "too-large" && (this.#goal.pieces?.length ?? 1) > 1) {
      this.#pieces.refuse(piece, toErrorBody(error));
      this.#released(piece, agent.id);
    } else this.#settle({ error });
  }

  #listen(piece: Piece): void {
    if (piece.listening) return;
    piece.listening = true;
    this.#deps.dispatcher.listen(piece.operationId, (from, answer) => {
      if (answer.kind === "progress") this.#progressed(piece, from, answer);
      else this.#answered(piece, from, answer);
    });
  }

  #progressed(piece: Piece, from: string, progress: ProgressFrame): void {
    if (!this.#pieces.progressed(piece, from, this.#context?.clock.monotonicMs() ?? 0)) return;
    emitProgress(this.#plan, from, piece.index, progress);
  }

  #answered(piece: Piece, from: string, reply: ReplyFrame): void {
    const context = this.#context;
    const holder = piece.agent?.id;
    const held = this.#pieces.heldCount;
    const answered = this.#pieces.answered(piece, from, reply);
    if (answered.kind === "ignored" || context === undefined) return;
    if (answered.kind === "waits" && answered.fullForMs > 0) {
      this.#fullUntilMs ??= new Map();
      this.#fullUntilMs.set(from, context.clock.monotonicMs() + answered.fullForMs);
      this.#scheduleTick(context);
    }
    if (this.#pieces.heldCount < held && holder !== undefined) this.#released(piece, holder);
    if (answered.kind === "ended") {
      this.#unlisten(piece);
      context.tally.answers++;
      const { events } = this.#plan;
      if (events.followed) {
        events.emit({ event: "answer", agent: from, index: piece.index, status: piece.row?.status ?? reply.status });
      }
    }
    this.#pump();
  }

  /** A piece is with its agent no more. */
  #released(piece: Piece, agent: string): void {
    if (piece.row !== undefined) this.#unlisten(piece);
    this.#deps.dispatcher.release(agent);
  }

  #unlisten(piece: Piece): void {
    if (!piece.listening) return;
    piece.listening = false;
    this.#deps.dispatcher.unlisten(piece.operationId);
  }

  #scheduleTick(context: AttemptContext): void {
    const { clock } = context;
    const nowMs = clock.monotonicMs();
    const afterMs = repeatAfterMs(this.#plan.deadlineMs - this.#plan.arrivedMs);
    let dueMs = Math.min(nowMs + afterMs, this.#plan.deadlineMs);
    for (const untilMs of this.#fullUntilMs?.values() ?? []) if (untilMs > nowMs) dueMs = Math.min(dueMs, untilMs);
    this.#timer?.cancel();
    this.#timer = clock.schedule(Math.max(0, dueMs - nowMs), () => this.#tick(afterMs, context));
  }

  #tick(afterMs: number, context: AttemptContext): void {
    const nowMs = context.clock.monotonicMs();
    if (nowMs >= this.#plan.deadlineMs) return this.#stop("deadline");
    for (const [agent, untilMs] of this.#fullUntilMs ?? []) if (untilMs <= nowMs) this.#fullUntilMs?.delete(agent);
    if (!this.#waitsForBus(context)) this.#repeatSilent(nowMs, afterMs, context);
    this.#pump();
    if (this.#finish !== undefined) this.#scheduleTick(context);
  }

  #repeatSilent(nowMs: number, afterMs: number, context: AttemptContext): void {
    const { reconnects } = this.#deps.dispatcher;
    const cameBack = reconnects !== this.#reconnects;
    this.#reconnects = reconnects;
    for (const piece of this.#pieces.held()) {
      const { agent } = piece;
      if (this.#finish === undefined) return;
      // What was sent or lost for an earlier piece may have changed this one.
      if (!piece.held || agent === undefined) continue;
      // What was on its way when the bus broke may be lost: it may be asked for as often as after the first time.
      if (cameBack) piece.sends = 1;
      if (nowMs - piece.heardMs < afterMs * piece.sends) continue;
      if (piece.sends < context.mechanism.sendsMax) this.#send(piece, agent, nowMs, context);
      else if (this.#mayMove(piece, nowMs, context)) {
        this.#pieces.lost(piece, "slow");
        this.#released(piece, agent.id);
      }
    }
  }

  /** Idempotent work that its agent is silent about goes to another that has room for it. */
  #mayMove(piece: Piece, nowMs: number, context: AttemptContext): boolean {
    if (this.#plan.request.idempotent !== true) return false;
    return this.#plan.targets.agents.some(
      (agent) => agent !== piece.agent && this.#couldTake(piece, agent) && this.#hasRoom(agent, nowMs, context),
    );
  }

  #stop(reason: BalanceEnd): void {
    this.#ended ??= reason;
    this.#settle();
  }

  /**
   * L3. What is under way is listened to only while an attempt runs; a descent sends it again under the same id.
   * @param failed absent where the run has ended, well or badly
   */
  #settle(failed?: { readonly error: unknown }): void {
    const finish = this.#finish;
    if (finish === undefined) return;
    this.#timer?.cancel();
    this.#stopWaiting?.();
    this.#stopWaiting = undefined;
    const held = this.#pieces.held();
    if (this.#ended === undefined) this.#pieces.suspend();
    for (const piece of this.#pieces.all) this.#unlisten(piece);
    if (failed === undefined) finish.resolve();
    else finish.reject(failed.error);
    this.#finish = undefined;
    this.#span?.end(failed === undefined ? undefined : toErrorBody(failed.error).code);
    for (const { agent } of held) if (agent !== undefined) this.#deps.dispatcher.release(agent.id);
  }
}
