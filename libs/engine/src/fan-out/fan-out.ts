import type { Ended, MissingAgent, MissingReason, ReplyFrame } from "@nexus/contracts";
import type { AgentEntry } from "../table/routing-table.ts";

/**
 * One question to an expected set of agents, and what has come of it. Pure; it outlives the attempt that began it, so
 * that a lower layer takes over with what was achieved.
 *
 * Invariants
 * F1. The expected set is fixed at the start; who answers without being in it is `extra` and counts for nothing.
 * F2. An agent's first answer counts, later ones are ignored.
 * F3. Once `ended` it stays ended, with the same reason.
 * F4. Every expected agent is at every time exactly one of: waiting, sent, answered, gone.
 */

export interface FanOutOptions {
  readonly index: number;
  readonly operationId: string;
  readonly expected: readonly AgentEntry[];
  /** Told of each first answer; true ends the fan-out with `condition`. */
  readonly onAnswer: (agent: string, reply: ReplyFrame) => boolean;
}

interface Waiting {
  readonly entry: AgentEntry;
  sends: number;
  lastSentMs: number;
  /** The last sign of life of this piece of work: its sending, or its progress. */
  heardMs: number;
}

export class FanOut {
  readonly index: number;
  readonly operationId: string;
  readonly expected: readonly AgentEntry[];
  readonly answers = new Map<string, ReplyFrame>();
  readonly #waiting = new Map<string, Waiting>();
  readonly #gone = new Map<string, MissingAgent>();
  readonly #extra = new Set<string>();
  readonly #onAnswer: FanOutOptions["onAnswer"];
  /** Called once when the fan-out ends, by whoever drives it. */
  onEnd: (() => void) | undefined;
  #ended: Ended | undefined;
  #everSent = false;

  constructor(options: FanOutOptions) {
    this.index = options.index;
    this.operationId = options.operationId;
    this.expected = options.expected;
    this.#onAnswer = options.onAnswer;
    for (const entry of options.expected) {
      if (entry.state === "dead" || entry.state === "left") this.#gone.set(entry.id, { agent: entry.id, reason: entry.state });
      else this.#waiting.set(entry.id, { entry, sends: 0, lastSentMs: 0, heardMs: 0 });
    }
    this.#endIfNobodyWaits();
  }

  get ended(): Ended | undefined {
    return this.#ended;
  }

  get extraCount(): number {
    return this.#extra.size;
  }

  get everSent(): boolean {
    return this.#everSent;
  }

  /** Agents that were not sent anything yet. */
  unsent(): AgentEntry[] {
    return this.#entriesWhere((waiting) => waiting.sends === 0);
  }

  isUnsent(agent: string): boolean {
    return this.#waiting.get(agent)?.sends === 0;
  }

  /** Agents without an answer, whether sent or not. */
  unanswered(): AgentEntry[] {
    return this.#entriesWhere(() => true);
  }

  /** Agents that were silent for `afterMs` and were sent to fewer than `sendsMax` times. */
  overdue(nowMs: number, afterMs: number, sendsMax: number): AgentEntry[] {
    return this.#entriesWhere(
      (waiting) => waiting.sends > 0 && waiting.sends < sendsMax && nowMs - waiting.heardMs >= afterMs * waiting.sends,
    );
  }

  sent(agent: string, nowMs: number): void {
    const waiting = this.#waiting.get(agent);
    this.#everSent = true;
    if (waiting === undefined) return;
    waiting.sends++;
    waiting.lastSentMs = nowMs;
    waiting.heardMs = nowMs;
  }

  /** @returns whether the agent is waited for */
  progress(agent: string, nowMs: number): boolean {
    const waiting = this.#waiting.get(agent);
    if (waiting === undefined) return false;
    waiting.heardMs = nowMs;
    return true;
  }

  /** @returns whether this was the agent's first answer */
  answer(agent: string, reply: ReplyFrame): boolean {
    if (!this.#waiting.delete(agent)) {
      if (!this.answers.has(agent) && !this.#gone.has(agent)) this.#addExtra(agent);
      return false;
    }
    this.answers.set(agent, reply);
    if (this.#onAnswer(agent, reply)) this.end("condition");
    this.#endIfNobodyWaits();
    return true;
  }

  /** The agent will not answer any more. Those that were sent to may have run it. */
  gone(agent: string, reason: MissingReason): void {
    if (!this.#waiting.delete(agent)) return;
    this.#gone.set(agent, { agent, reason });
    this.#endIfNobodyWaits();
  }

  end(reason: Ended): void {
    if (this.#ended !== undefined) return;
    this.#ended = reason;
    this.onEnd?.();
  }

  /** Every expected agent whose answer is not a success, with the reason. */
  missing(): MissingAgent[] {
    const missing: MissingAgent[] = [];
    for (const { id } of this.expected) {
      const row = this.#missingReason(id);
      if (row !== undefined) missing.push(row);
    }
    return missing;
  }

  /** Agents that were sent to and neither answered nor refused: whether they ran it cannot be told. */
  unknownCount(): number {
    let count = 0;
    for (const waiting of this.#waiting.values()) if (waiting.sends > 0) count++;
    for (const { reason } of this.#gone.values()) if (reason !== "not-sent") count++;
    return count;
  }

  #missingReason(agent: string): MissingAgent | undefined {
    const reply = this.answers.get(agent);
    if (reply !== undefined) {
      if (reply.status === "ok") return undefined;
      return { agent, reason: reply.status, ...(reply.error === undefined ? {} : { message: reply.error.message }) };
    }
    const gone = this.#gone.get(agent);
    if (gone !== undefined) return gone;
    const waiting = this.#waiting.get(agent);
    if (waiting === undefined || waiting.sends === 0) return { agent, reason: "not-sent" };
    // Nobody waited for it any more, so nothing can be said of its speed.
    if (this.#ended === "condition") return { agent, reason: "unknown", message: "not awaited: the condition already held" };
    return { agent, reason: waiting.entry.state === "suspect" ? "suspect" : "slow" };
  }

  #entriesWhere(matches: (waiting: Waiting) => boolean): AgentEntry[] {
    const entries: AgentEntry[] = [];
    for (const waiting of this.#waiting.values()) if (matches(waiting)) entries.push(waiting.entry);
    return entries;
  }

  #addExtra(agent: string): void {
    if (this.#extra.size < 10_000) this.#extra.add(agent);
  }

  #endIfNobodyWaits(): void {
    if (this.#waiting.size === 0) this.end("hopeless");
  }
}
