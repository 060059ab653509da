import { attributes, type CausalAsk, type CausalOrder, NexusError, type Selector } from "@nexus/contracts";
import {
  type Answer,
  CausalLedger,
  type CausalToken,
  clockLimits,
  Dependencies,
  type Dot,
  decodeToken,
  emptyToken,
  Lanes,
  type LedgerOptions,
  type PendingDot,
  type Recipient,
  type Scope,
  scopeOfAll,
  scopeOfTargeted,
} from "@nexus/core-clocks";
import type { Telemetry } from "@nexus/ports";
import type { CausalPlace, Sending } from "../dispatcher.ts";
import type { AgentEntry, RoutingTable } from "../table/routing-table.ts";

/**
 * A router's part in causal order: one session for all its requests, which counts what it sends and keeps it until it is over.
 *
 * Invariants
 * C1. Of a token this router believes of itself no more than it has done: operations that it has not sent yet, of which a
 *     client cannot know, are refused. Of other routers it can check nothing; a false claim makes the claimer's own operations
 *     wait or be refused, and nobody else's.
 * C2. What is over is not sent again.
 */

/** What must have ended at an agent first. */
export type After = (recipient: Recipient) => readonly Dot[];

/** A send that agents may ask for again. */
export interface CausalSend {
  readonly scope: Scope;
  readonly recipients: readonly Recipient[];
  /** As it is published, but for its place. */
  readonly sending: Sending;
  readonly after: After;
  /** It may run without what it is after. */
  readonly unordered: boolean;
}

export class CausalSession {
  readonly lanes: Lanes;
  readonly #ledger: CausalLedger<CausalSend>;
  readonly #telemetry: Telemetry;
  #forgottenSeen = 0;

  /** @throws RangeError for an id that cannot be a session's */
  constructor(routerId: string, telemetry: Telemetry, options: Partial<LedgerOptions> = {}) {
    this.#ledger = new CausalLedger({ ...options, session: routerId });
    this.lanes = new Lanes(routerId);
    this.#telemetry = telemetry;
  }

  /** @throws NexusError `invalid-field`, for `goal.after` */
  tokenOf(text: string | undefined, operations: number): CausalToken {
    if (text === undefined) return emptyToken;
    let token: CausalToken;
    try {
      token = decodeToken(text);
    } catch (error) {
      if (error instanceof RangeError) throw badToken(error.message);
      throw error;
    }
    const { session } = this.#ledger;
    const isBeyond = token.pending.some((dot) => dot.session === session && dot.seq > this.#ledger.position(dot.scope));
    if (isBeyond || !this.lanes.hasHad(token.clock)) {
      throw badToken(`it names operations that router ${session} has not sent yet`); // C1
    }
    if (token.clock.size + operations > clockLimits.entriesMax) {
      throw badToken(`its clock has ${token.clock.size} entries, which leaves no room for ${operations} more`);
    }
    return token;
  }

  /** Of this router's own sends, what the agent's present life was never sent is nothing that it has to wait for. */
  after(pending: readonly PendingDot[]): After {
    const dependencies = new Dependencies(pending);
    return (recipient) => {
      const dots = dependencies.of(recipient.agent);
      const isOurs = ({ session }: Dot) => session === this.#ledger.session;
      return dots.some(isOurs) ? dots.filter((dot) => !isOurs(dot) || this.#ledger.mayHaveReached(dot, recipient)) : dots;
    };
  }

  /** Counts a send. What is published under its place is to be published at once, so that the order on the wire is that of counting. */
  number(send: CausalSend): NumberedSend {
    const { frame } = send.sending;
    const bytes = JSON.stringify([frame.payload, frame.coordination]).length;
    const { dot, before } = this.#ledger.send(send.scope, send.recipients, send, bytes);
    const { forgotten } = this.#ledger;
    if (forgotten > this.#forgottenSeen) {
      this.#telemetry.count("boundsReached", forgotten - this.#forgottenSeen, { [attributes.reason]: "causal-ledger" });
      this.#forgottenSeen = forgotten;
    }
    return new NumberedSend(dot, before, send, this.#ledger);
  }

  /** What an agent that misses something gets, in order. */
  answer(asker: Recipient, { scope, from, to }: CausalAsk): Answer<CausalSend>[] {
    return this.#ledger.answer(asker, scope, from, to);
  }

  /** Agents that the table does not know any more are not remembered here either. O(lives that are remembered). */
  forgetGone(table: Pick<RoutingTable, "get">): void {
    this.#ledger.forgetGone(({ agent, boot }) => {
      const known = table.get(agent);
      return known === undefined ? "away" : known.boot === boot ? "there" : "ended";
    });
  }
}

/** A send with its number. */
export class NumberedSend implements CausalPlace {
  readonly dot: Dot;
  /** Agents that it went out to. */
  readonly sentTo = new Set<string>();
  readonly #before: ReadonlyMap<string, number>;
  readonly #send: CausalSend;
  readonly #ledger: CausalLedger<CausalSend>;

  constructor(dot: Dot, before: ReadonlyMap<string, number>, send: CausalSend, ledger: CausalLedger<CausalSend>) {
    this.dot = dot;
    this.#before = before;
    this.#send = send;
    this.#ledger = ledger;
  }

  at({ id, boot }: AgentEntry): CausalOrder {
    return orderOf(this.#send, { agent: id, boot }, this.dot, this.#before.get(id) ?? 0);
  }

  published(agent: string): void {
    this.sentTo.add(agent);
    this.#ledger.published(this.dot, agent);
  }

  /** Nobody waits for it any more (C2). */
  close(): void {
    this.#ledger.close(this.dot);
  }
}

/** The order that a send has at an agent. */
export function orderOf(
  { after, unordered }: CausalSend,
  recipient: Recipient,
  { scope, seq }: Dot,
  before: number,
): CausalOrder {
  const dots = after(recipient);
  return {
    scope,
    seq,
    before,
    ...(dots.length === 0 ? {} : { after: [...dots] }),
    ...(unordered ? { unordered } : {}),
  };
}

/** Who is told of one: everybody, a group, or those that were picked, who need not be the same at each send. */
export function scopeOf(selector: Selector): Scope {
  return selector.all === true ? scopeOfAll : (selector.group ?? scopeOfTargeted);
}

function badToken(why: string): NexusError {
  return new NexusError("invalid-field", `${why}; name the token of a result as it is, or leave goal.after out`, {
    field: "goal.after",
  });
}
