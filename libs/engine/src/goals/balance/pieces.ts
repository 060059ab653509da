import { type MissingAgent, type MissingReason, operationIdOf, type ReplyFrame, type Row } from "@nexus/contracts";
import type { AgentEntry } from "../../table/routing-table.ts";

/**
 * Pieces of work and where each is: waiting, held by an agent, or ended in a row. Pure: time is an argument, nothing is
 * sent.
 *
 * Invariants
 * P1. A piece is with at most one agent at a time. It goes to another only if the first refused it without having run it,
 *     or if its fate is unknown and the work is idempotent; otherwise it ends as `unknown`.
 * P2. Only agents that a piece was given to can end it; what others say is extra and counts for nothing.
 * P3. Every piece ends in exactly one row.
 */

export interface Piece {
  readonly index: number;
  readonly operationId: string;
  /** Who has it, or had it last. */
  agent: AgentEntry | undefined;
  /** Whether `agent` has it now. */
  held: boolean;
  /** Whether its answers are listened to. */
  listening: boolean;
  sends: number;
  heardMs: number;
  /** It was published to an agent whose fate is unknown. */
  mayHaveRun: boolean;
  /** An attempt failed while its agent had it: only that agent may get it again (P1). */
  bound: boolean;
  row: Row | undefined;
  /** Agents that it was given to and is not to be given to again. */
  avoided: Set<string> | undefined;
  /** The last refusal, for the row of a piece that nobody took. */
  refusal: { readonly agent: string; readonly error: ReplyFrame["error"] } | undefined;
}

/** What an answer means for its piece. */
export type Answered =
  | { readonly kind: "ended" }
  /** It waits for another agent; this one has no room for so long. */
  | { readonly kind: "waits"; readonly fullForMs: number }
  | { readonly kind: "ignored"; readonly extra: boolean };

/** Of a refusal that names no time. */
const RETRY_AFTER_MS_DEFAULT = 100;
const EXTRA_MAX = 10_000;

export class Pieces {
  readonly #all: readonly Piece[];
  /** Last in, first out; filled in reverse, so that the first piece is on top. */
  readonly #waiting: Piece[];
  readonly #idempotent: boolean;
  #gone: Map<string, MissingReason> | undefined;
  #extra: Set<string> | undefined;
  #heldCount = 0;
  #open: number;

  constructor(requestId: string, count: number, idempotent: boolean) {
    this.#idempotent = idempotent;
    const all: Piece[] = [];
    for (let index = 0; index < count; index++) all.push(createPiece(requestId, index));
    this.#all = all;
    this.#waiting = count === 1 ? all.slice() : all.toReversed();
    this.#open = count;
  }

  /** Pieces without a row. */
  get open(): number {
    return this.#open;
  }

  get waiting(): readonly Piece[] {
    return this.#waiting;
  }

  get heldCount(): number {
    return this.#heldCount;
  }

  get extraCount(): number {
    return this.#extra?.size ?? 0;
  }

  /** O(pieces) */
  held(): Piece[] {
    return this.#heldCount === 0 ? [] : this.#all.filter((piece) => piece.held);
  }

  get all(): readonly Piece[] {
    return this.#all;
  }

  takeNext(): Piece | undefined {
    return this.#waiting.pop();
  }

  putBack(pieces: readonly Piece[]): void {
    for (let i = pieces.length - 1; i >= 0; i--) this.#waiting.push(pieces[i] as Piece);
  }

  /** The next piece that may go to the agent, taken out of those that wait. */
  takeFor(agent: AgentEntry): Piece | undefined {
    for (let i = this.#waiting.length - 1; i >= 0; i--) {
      const piece = this.#waiting[i] as Piece;
      if (this.mayHave(piece, agent)) return this.#waiting.splice(i, 1)[0];
    }
    return undefined;
  }

  mayHave(piece: Piece, agent: AgentEntry): boolean {
    if (piece.bound) return piece.agent === agent;
    return this.#gone?.has(agent.id) !== true && piece.avoided?.has(agent.id) !== true;
  }

  give(piece: Piece, agent: AgentEntry): void {
    if (!piece.bound) piece.sends = 0;
    piece.agent = agent;
    this.#hold(piece, true);
  }

  sent(piece: Piece, nowMs: number): void {
    piece.sends++;
    piece.heardMs = nowMs;
  }

  /** @returns whether it came from the agent that has the piece */
  progressed(piece: Piece, from: string, nowMs: number): boolean {
    if (!piece.held || piece.agent?.id !== from) return false;
    piece.heardMs = nowMs;
    return true;
  }

  answered(piece: Piece, from: string, reply: ReplyFrame): Answered {
    if (piece.row !== undefined) return { kind: "ignored", extra: false };
    const holds = piece.agent?.id === from;
    if (!holds && piece.avoided?.has(from) !== true) {
      this.#extra ??= new Set();
      if (this.#extra.size < EXTRA_MAX) this.#extra.add(from);
      return { kind: "ignored", extra: true }; // P2
    }
    if (reply.status !== "refused") return this.#close(piece, from, reply);
    // A refusal speaks of this sending alone: where the piece has moved on it says nothing new.
    if (!holds || !piece.held) return { kind: "ignored", extra: false };
    const { error } = reply;
    piece.refusal = { agent: from, error };
    this.#hold(piece, false);
    // Another life, or one that forgot: an earlier sending may have been run (P1).
    const isOtherLife = error?.code === "other-boot";
    if (isOtherLife || (error?.executed ?? "none") !== "none") {
      const waits = this.lost(piece, isOtherLife ? "dead" : "unknown");
      return waits ? { kind: "waits", fullForMs: 0 } : { kind: "ended" };
    }
    if (error?.code === "id-reused") return this.#close(piece, from, reply);
    piece.sends = 0;
    piece.bound = false;
    const full = error?.code === "overloaded";
    if (!full) this.#avoid(piece, from);
    this.#waiting.push(piece);
    return { kind: "waits", fullForMs: full ? (error.retryAfterMs ?? RETRY_AFTER_MS_DEFAULT) : 0 };
  }

  /** The agent that has the piece will not answer for it. @returns whether the piece waits for another agent (P1) */
  lost(piece: Piece, reason: MissingReason): boolean {
    const agent = piece.agent?.id;
    this.#hold(piece, false);
    piece.mayHaveRun = true;
    piece.bound = false;
    if (agent !== undefined) this.#avoid(piece, agent);
    if (this.#idempotent) {
      this.#waiting.push(piece);
      return true;
    }
    if (agent !== undefined && this.#gone?.has(agent) !== true) this.#isGone(agent, reason);
    this.#end(piece, { ...(agent === undefined ? {} : { agent }), index: piece.index, status: "unknown" });
    return false;
  }

  /** An operation that no agent can be sent, as it is. */
  refuse(piece: Piece, error: ReplyFrame["error"]): void {
    this.#hold(piece, false);
    this.#end(piece, { index: piece.index, status: "not-sent", ...(error === undefined ? {} : { error }) });
  }

  /** @returns the pieces that the agent held; they have ended, or wait for another */
  agentGone(agent: string, reason: MissingReason): Piece[] {
    this.#isGone(agent, reason);
    const lost = this.held().filter((piece) => piece.agent?.id === agent);
    for (const piece of lost) this.lost(piece, reason);
    for (const piece of this.#waiting.filter((waits) => waits.bound && waits.agent?.id === agent)) {
      this.#waiting.splice(this.#waiting.indexOf(piece), 1);
      this.lost(piece, reason);
    }
    return lost;
  }

  /** An attempt has failed: what is held waits for the next, at the same agent unless the work is idempotent. */
  suspend(): void {
    for (const piece of this.held()) {
      this.#hold(piece, false);
      if (piece.sends > 0) {
        piece.bound = !this.#idempotent;
        piece.mayHaveRun = true;
      }
      this.#waiting.push(piece);
    }
  }

  /** One row a piece, in their order. */
  rows(): Row[] {
    return this.#all.map((piece) => piece.row ?? openRow(piece));
  }

  /** One line for each agent that some piece failed at. @param silenceOf why nothing was heard of an agent that is there */
  missing(rows: readonly Row[], silenceOf: (agent: string) => MissingReason): MissingAgent[] {
    const missing = new Map<string, MissingAgent>();
    for (const row of rows) {
      if (row.agent === undefined || row.status === "ok" || missing.has(row.agent)) continue;
      const reason: MissingReason = row.status === "unknown" ? (this.#gone?.get(row.agent) ?? silenceOf(row.agent)) : row.status;
      missing.set(row.agent, { agent: row.agent, reason, ...(row.error === undefined ? {} : { message: row.error.message }) });
    }
    return [...missing.values()];
  }

  #close(piece: Piece, from: string, reply: ReplyFrame): Answered {
    // Late, from an agent that was given up: the piece may wait for another by now.
    if (piece.held) this.#hold(piece, false);
    else this.#waiting.splice(this.#waiting.indexOf(piece), 1);
    const { value, error, serviceTimeMs } = reply;
    const row: Row = {
      agent: from,
      index: piece.index,
      // Refused here, but an earlier agent had it and fell silent.
      status: reply.status === "refused" && piece.mayHaveRun ? "unknown" : reply.status,
    };
    if (value !== undefined) row.value = value;
    if (error !== undefined) row.error = error;
    if (serviceTimeMs !== undefined) row.serviceTimeMs = serviceTimeMs;
    this.#end(piece, row);
    return { kind: "ended" };
  }

  #end(piece: Piece, row: Row): void {
    piece.row = row;
    this.#open--;
  }

  #hold(piece: Piece, held: boolean): void {
    if (piece.held !== held) this.#heldCount += held ? 1 : -1;
    piece.held = held;
  }

  #isGone(agent: string, reason: MissingReason): void {
    this.#gone ??= new Map();
    this.#gone.set(agent, reason);
  }

  #avoid(piece: Piece, agent: string): void {
    piece.avoided ??= new Set();
    piece.avoided.add(agent);
  }
}

function createPiece(requestId: string, index: number): Piece {
  return {
    index,
    operationId: operationIdOf(requestId, index),
    agent: undefined,
    held: false,
    listening: false,
    sends: 0,
    heardMs: 0,
    mayHaveRun: false,
    bound: false,
    row: undefined,
    avoided: undefined,
    refusal: undefined,
  };
}

function openRow(piece: Piece): Row {
  const { index, agent, refusal } = piece;
  if (agent !== undefined && (piece.sends > 0 || piece.mayHaveRun)) return { agent: agent.id, index, status: "unknown" };
  if (refusal === undefined) return { index, status: "not-sent" };
  const { error } = refusal;
  return { agent: refusal.agent, index, status: "refused", ...(error === undefined ? {} : { error }) };
}
