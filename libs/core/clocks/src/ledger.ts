import { type Dot, isScope, isSession, type Scope } from "./dot.ts";

/**
 * A sender's side of causal delivery: counts its sends of each scope, tells each recipient which send of the scope was the
 * one before for it, and keeps what it sent for those who missed it. Pure.
 *
 * Invariants
 * L1. The dots of a scope are 1, 2, 3, …, in the order of sending; none is given twice.
 * L2. `before` of a recipient is the last dot of the scope that was sent to this life of it; 0 where there was none. So
 *     who joins late starts from the position that it is told, and nobody waits for what was never sent to it.
 * L3. What is kept is bounded in sends and in weight, oldest first out; what went out is answered with `lost`.
 * L4. Lives are remembered up to a bound, each by its boot: news of an earlier life that comes late takes nothing from the
 *     present one. Once one had to be forgotten nothing is claimed of lives that seem new: they are told to look behind them.
 * L5. A resend is of an open send that was published to this very life, and of nothing else: what was closed is over, and what
 *     was not published yet comes by itself or never.
 */

export interface LedgerOptions {
  readonly session: string;
  /** Sends that are kept. */
  readonly sendsMax: number;
  /** Bytes of those, and of the lists of whom they were for. */
  readonly bytesMax: number;
  /** Lives of recipients that are remembered, each with its scopes. */
  readonly livesMax: number;
}

export const ledgerDefaults: Omit<LedgerOptions, "session"> = {
  sendsMax: 4_096,
  bytesMax: 16 * 1_048_576,
  livesMax: 100_000,
};

export interface Recipient {
  readonly agent: string;
  readonly boot: string;
}

export interface Numbered {
  readonly dot: Dot;
  /** By agent: L2. */
  readonly before: ReadonlyMap<string, number>;
}

export type Answer<M> =
  | { readonly kind: "resend"; readonly dot: Dot; readonly before: number; readonly message: M }
  /** `lost`: something in it may have been for the asker, and cannot be had any more; else nothing was. */
  | { readonly kind: "nothing"; readonly from: number; readonly to: number; readonly lost: boolean };

interface Sent<M> {
  readonly dot: Dot;
  /** Undefined when it is closed. */
  message: M | undefined;
  bytes: number;
  /** By agent. */
  readonly recipients: ReadonlyMap<string, Addressed>;
}

interface Addressed {
  readonly boot: string;
  readonly before: number;
  isPublished: boolean;
}

interface Stream<M> {
  position: number;
  /** The last dot that is not kept any more. */
  forgotten: number;
  readonly kept: Map<number, Sent<M>>;
}

/** By scope: the last dot that was sent to a life. */
type Life = Map<Scope, number>;

/** What a send keeps for one recipient, and for itself. */
const RECIPIENT_BYTES = 96;
const SENT_BYTES = 256;
/** What one question brings back at most; the asker asks again for the rest. */
const ANSWERS_MAX = 64;

export class CausalLedger<M> {
  readonly #options: LedgerOptions;
  readonly #streams = new Map<Scope, Stream<M>>();
  readonly #lives = new Map<string, Life>();
  /** All that is kept, in the order of sending; `#first` is the index of the oldest. */
  #order: (Sent<M> | undefined)[] = [];
  #first = 0;
  #bytes = 0;
  #livesForgotten = false;
  #awayForgotten = false;
  #forgotten = 0;

  /** @throws RangeError for a session that is none */
  constructor(options: Partial<LedgerOptions> & Pick<LedgerOptions, "session">) {
    this.#options = { ...ledgerDefaults, ...options };
    if (!isSession(options.session)) throw new RangeError("a session is named like a subject's token");
  }

  get session(): string {
    return this.#options.session;
  }

  /** Sends of the scope so far. */
  position(scope: Scope): number {
    return this.#streams.get(scope)?.position ?? 0;
  }

  /** Sends that are kept. */
  get size(): number {
    return this.#order.length - this.#first;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Lives remembered. */
  get lives(): number {
    return this.#lives.size;
  }

  /** Sends and lives that went out for want of room (L3, L4). */
  get forgotten(): number {
    return this.#forgotten;
  }

  /**
   * Counts a send of the scope to the recipients, and keeps it until it is closed. Each is to be published in time.
   * @param bytes about what the message takes
   * @throws RangeError for a scope that is none
   */
  send(scope: Scope, recipients: readonly Recipient[], message: M, bytes: number): Numbered {
    if (!isScope(scope)) throw new RangeError("a scope is all, a group, or those that were picked");
    const stream = this.#stream(scope);
    const dot: Dot = { session: this.session, scope, seq: ++stream.position }; // L1
    const before = new Map<string, number>();
    const kept = new Map<string, Addressed>();
    for (const recipient of recipients) {
      const { agent, boot } = recipient;
      const last = this.#last(recipient, scope, dot.seq);
      before.set(agent, last);
      kept.set(agent, { boot, before: last, isPublished: false });
    }
    this.#keep(stream, { dot, message, recipients: kept, bytes: bytes + SENT_BYTES + RECIPIENT_BYTES * kept.size });
    return { dot, before };
  }

  /** A send went out to the agent. */
  published({ scope, seq }: Dot, agent: string): void {
    const recipient = this.#streams.get(scope)?.kept.get(seq)?.recipients.get(agent);
    if (recipient !== undefined) recipient.isPublished = true;
  }

  /** Whether the send may have gone out to this very life; of what is not kept any more nothing else can be said. */
  mayHaveReached({ scope, seq }: Dot, { agent, boot }: Recipient): boolean {
    const sent = this.#streams.get(scope)?.kept.get(seq);
    if (sent === undefined) return true;
    const recipient = sent.recipients.get(agent);
    return recipient?.boot === boot && recipient.isPublished;
  }

  /** Nobody waits for it any more: it is not sent again (L5). */
  close({ scope, seq }: Dot): void {
    const sent = this.#streams.get(scope)?.kept.get(seq);
    if (sent?.message === undefined) return;
    const bytes = SENT_BYTES + RECIPIENT_BYTES * sent.recipients.size;
    this.#bytes -= sent.bytes - bytes;
    sent.bytes = bytes;
    sent.message = undefined;
  }

  /**
   * What a life that misses dots from `from` to `to` of a scope gets, in order. Of what is not published yet, and of what is
   * beyond the position, nothing is told: who believes in such dots has it from elsewhere, or will see.
   */
  answer(asker: Recipient, scope: Scope, from: number, to: number): Answer<M>[] {
    const stream = this.#streams.get(scope);
    const end = Math.min(to, stream?.position ?? 0);
    if (stream === undefined || !(from >= 1 && from <= end)) return [];
    const answers: Answer<M>[] = [];
    let nothingFrom = from;
    const nothing = (upTo: number, lost: boolean): void => {
      if (upTo >= nothingFrom) answers.push({ kind: "nothing", from: nothingFrom, to: upTo, lost });
      nothingFrom = upTo + 1;
    };
    // L3: what went out was of all; only those who were sent something by then have lost something.
    const forgotten = Math.min(end, stream.forgotten);
    if (forgotten >= from) nothing(forgotten, this.#mayHaveHad(asker, scope, stream.forgotten));
    for (let seq = nothingFrom; seq <= end; seq++) {
      const sent = stream.kept.get(seq);
      const recipient = sent?.recipients.get(asker.agent);
      if (sent === undefined || recipient?.boot !== asker.boot) continue;
      if (sent.message === undefined) {
        nothing(seq - 1, false);
        nothing(seq, recipient.isPublished);
      } else if (!recipient.isPublished || answers.length >= ANSWERS_MAX) {
        nothing(seq - 1, false);
        return answers;
      } else {
        answers.push({ kind: "resend", dot: sent.dot, before: recipient.before, message: sent.message });
        nothingFrom = seq + 1; // what was not for it before this one, it says itself
      }
    }
    nothing(end, false);
    return answers;
  }

  /** A life has ended, or is not sent to any more. */
  forget(recipient: Recipient): void {
    this.#lives.delete(lifeOf(recipient));
  }

  /** Forgets lives that have ended, and those that are away; one that comes back is told to be new, but not that it lost nothing. */
  forgetGone(stateOf: (recipient: Recipient) => "there" | "away" | "ended"): void {
    for (const life of this.#lives.keys()) {
      const [agent = "", boot = ""] = life.split("/");
      const state = stateOf({ agent, boot });
      if (state === "there") continue;
      this.#lives.delete(life);
      if (state === "away") this.#awayForgotten = true;
    }
  }

  #stream(scope: Scope): Stream<M> {
    let stream = this.#streams.get(scope);
    if (stream === undefined) {
      stream = { position: 0, forgotten: 0, kept: new Map() };
      this.#streams.set(scope, stream);
    }
    return stream;
  }

  /** The dot before, and from now on `seq` is that. */
  #last(recipient: Recipient, scope: Scope, seq: number): number {
    let life = this.#lives.get(lifeOf(recipient));
    if (life === undefined) {
      if (this.#lives.size >= this.#options.livesMax) this.#forgetOldestLife();
      life = new Map();
      this.#lives.set(lifeOf(recipient), life);
    }
    const last = life.get(scope);
    life.set(scope, seq);
    return last ?? (this.#livesForgotten ? seq - 1 : 0); // L4
  }

  #forgetOldestLife(): void {
    const [oldest] = this.#lives.keys();
    if (oldest === undefined) return;
    this.#lives.delete(oldest);
    this.#livesForgotten = true;
    this.#forgotten++;
  }

  /** Whether something up to `seq` may have been sent to this life. */
  #mayHaveHad(recipient: Recipient, scope: Scope, seq: number): boolean {
    const last = this.#lives.get(lifeOf(recipient))?.get(scope);
    if (last === undefined) return this.#livesForgotten || this.#awayForgotten;
    if (last <= seq) return true;
    // Its first one that is kept says whether there was one before it.
    for (const { recipients } of this.#streams.get(scope)?.kept.values() ?? []) {
      const one = recipients.get(recipient.agent);
      if (one?.boot === recipient.boot) return one.before > 0;
    }
    return true;
  }

  #keep(stream: Stream<M>, sent: Sent<M>): void {
    stream.kept.set(sent.dot.seq, sent);
    this.#order.push(sent);
    this.#bytes += sent.bytes;
    while (this.size > this.#options.sendsMax || (this.#bytes > this.#options.bytesMax && this.size > 0)) this.#dropOldest();
    if (this.#first > 1_024 && this.#first * 2 > this.#order.length) {
      this.#order = this.#order.slice(this.#first);
      this.#first = 0;
    }
  }

  #dropOldest(): void {
    const oldest = this.#order[this.#first];
    if (oldest === undefined) return;
    this.#order[this.#first++] = undefined;
    const stream = this.#stream(oldest.dot.scope);
    stream.kept.delete(oldest.dot.seq);
    stream.forgotten = oldest.dot.seq;
    this.#bytes -= oldest.bytes;
    this.#forgotten++;
  }
}

/** `/` is in neither. */
function lifeOf({ agent, boot }: Recipient): string {
  return `${agent}/${boot}`;
}
