import type { Ended, ErrorBody, MissingAgent, MissingReason, ReplyFrame } from "@nexus/contracts";
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
 * F5. Another life's refusal of a repeat is no answer: the life that was sent to is gone, and may have run it.
 */

/** What a goal makes of an agent's first answer. */
export interface Taken {
  /** The goal's condition holds: the fan-out ends with `condition`. */
  readonly holds: boolean;
  /** Why the answer is of no use to the goal; it then counts as an error of its agent. */
  readonly fault?: ErrorBody;
}

export interface FanOutOptions {
  readonly index: number;
  readonly operationId: string;
  readonly expected: readonly AgentEntry[];
  /** Agents that were asked under the same operation id before: what they say again is neither an answer nor extra. */
  readonly askedBefore?: ReadonlySet<string>;
  /** Told of each first answer. */
  readonly onAnswer: (agent: string, reply: ReplyFrame) => Taken;
}

interface Waiting {
  readonly entry: AgentEntry;
  sends: number;
  /** The last sign of life of this piece of work: its sending, or its progress. */
  heardMs: number;
}

/** Why an agent that was sent to has not answered, as far as the routing table knows. */
export function silenceOf({ state }: AgentEntry): MissingReason {
  return state === "alive" ? "slow" : state;
}

/** Agents that answer without having been asked are counted up to here; what they send is dropped in any case. */
const EXTRA_MAX = 10_000;

export class FanOut {
  readonly index: number;
  readonly operationId: string;
  readonly expected: readonly AgentEntry[];
  readonly answers = new Map<string, ReplyFrame>();
  readonly #waiting = new Map<string, Waiting>();
  readonly #gone = new Map<string, { readonly reason: MissingReason; readonly message?: string; readonly wasSent: boolean }>();
  readonly #askedBefore: ReadonlySet<string>;
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
    this.#askedBefore = options.askedBefore ?? new Set();
    for (const entry of options.expected) {
      if (entry.state === "dead" || entry.state === "left") this.#gone.set(entry.id, { reason: entry.state, wasSent: false });
      else this.#waiting.set(entry.id, { entry, sends: 0, heardMs: 0 });
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
    waiting.heardMs = nowMs;
  }

  /** @returns whether the agent is one that is waited for */
  progress(agent: string, nowMs: number): boolean {
    const waiting = this.#waiting.get(agent);
    if (waiting === undefined) return false;
    waiting.heardMs = nowMs;
    return true;
  }

  /** What was on its way may be lost: those that were asked may be asked again as often as after the first time. */
  reconnected(): void {
    for (const waiting of this.#waiting.values()) waiting.sends = Math.min(waiting.sends, 1);
  }

  /** @returns whether this was the agent's first answer */
  answer(agent: string, reply: ReplyFrame): boolean {
    if (reply.error?.code === "other-boot" && this.#waiting.has(agent)) {
      this.gone(agent, "dead"); // F5
      return false;
    }
    if (!this.#waiting.delete(agent)) {
      if (!this.answers.has(agent) && !this.#gone.has(agent) && !this.#askedBefore.has(agent)) this.#addExtra(agent);
      return false;
    }
    const { holds, fault } = this.#onAnswer(agent, reply);
    this.answers.set(agent, fault === undefined ? reply : { ...reply, status: "error", error: fault });
    if (holds) this.end("condition");
    this.#endIfNobodyWaits();
    return true;
  }

  /** The agent will not answer any more. One that was sent to may have run it. */
  gone(agent: string, reason: MissingReason, message?: string): void {
    const waiting = this.#waiting.get(agent);
    if (waiting === undefined) return;
    this.#waiting.delete(agent);
    this.#gone.set(agent, { reason, wasSent: waiting.sends > 0, ...(message === undefined ? {} : { message }) });
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

  /** Of those, the ones to which nothing was published: all that can be missing where no answer is expected. */
  unreached(): MissingAgent[] {
    return this.missing().filter(
      ({ agent }) => this.#gone.get(agent)?.wasSent === false || this.#waiting.get(agent)?.sends === 0,
    );
  }

  /** Agents that were sent to and neither answered nor refused: whether they ran it cannot be told. */
  unknownCount(): number {
    let count = 0;
    for (const waiting of this.#waiting.values()) if (waiting.sends > 0) count++;
    for (const { wasSent } of this.#gone.values()) if (wasSent) count++;
    return count;
  }

  #missingReason(agent: string): MissingAgent | undefined {
    const reply = this.answers.get(agent);
    if (reply !== undefined) {
      if (reply.status === "ok") return undefined;
      return { agent, reason: reply.status, ...(reply.error === undefined ? {} : { message: reply.error.message }) };
    }
    const gone = this.#gone.get(agent);
    if (gone !== undefined) {
      return { agent, reason: gone.reason, ...(gone.message === undefined ? {} : { message: gone.message }) };
    }
    const waiting = this.#waiting.get(agent);
    if (waiting === undefined || waiting.sends === 0) return { agent, reason: "not-sent" };
    // Nobody waited for it any more, so nothing can be said of its speed.
    if (this.#ended === "condition") return { agent, reason: "unknown", message: "not awaited: the condition already held" };
    if (this.#ended === "cancelled") return { agent, reason: "unknown", message: "not awaited: the request was cancelled" };
    return { agent, reason: silenceOf(waiting.entry) };
  }

  #entriesWhere(matches: (waiting: Waiting) => boolean): AgentEntry[] {
    const entries: AgentEntry[] = [];
    for (const waiting of this.#waiting.values()) if (matches(waiting)) entries.push(waiting.entry);
    return entries;
  }

  #addExtra(agent: string): void {
    if (this.#extra.size < EXTRA_MAX) this.#extra.add(agent);
  }

  #endIfNobodyWaits(): void {
    if (this.#waiting.size === 0) this.end("hopeless");
  }
}
