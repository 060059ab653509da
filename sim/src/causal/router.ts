import {
  CausalLedger,
  Dependencies,
  type Dot,
  type LedgerOptions,
  type Numbered,
  type Recipient,
  withoutAnswered,
} from "@nexus/core-clocks";
import type { Outbox, SimProcess } from "@nexus/testing";
import type { Frame, Line, Operation } from "./frames.ts";
import type { HappensBefore } from "./graph.ts";

interface Content {
  readonly operation: Operation;
  readonly dependencies: Dependencies;
}

interface Sent {
  readonly content: Content;
  readonly numbered: Numbered;
  readonly recipients: readonly Recipient[];
  readonly answered: Set<string>;
  readonly refused: Set<string>;
  readonly untilMs: number;
}

/** What is sent: to whom it concerns, by the scope or one by one. */
export interface Request {
  readonly operation: Operation;
  readonly scope: string;
  /** With the scope of those that were picked: these. */
  readonly picked: readonly string[];
  readonly past: Line;
}

const REPEAT_EVERY_MS = 100;

/** A router that publishes at once, and repeats until everybody has answered or its patience is over. Its id is its session. */
export class SimRouter implements SimProcess<Frame> {
  readonly #ledger: CausalLedger<Content>;
  readonly #graph: HappensBefore;
  readonly #agents = new Map<string, { readonly boot: string; readonly groups: readonly string[] }>();
  readonly #open = new Map<number, Sent>();
  readonly #patienceMs: number;
  /** Operations that were closed with somebody's answer missing. */
  readonly givenUp = new Set<number>();
  resent = 0;

  constructor(options: LedgerOptions, patienceMs: number, graph: HappensBefore) {
    this.#ledger = new CausalLedger(options);
    this.#patienceMs = patienceMs;
    this.#graph = graph;
  }

  get fill(): { readonly sends: number; readonly bytes: number; readonly lives: number } {
    return { sends: this.#ledger.size, bytes: this.#ledger.bytes, lives: this.#ledger.lives };
  }

  /** @returns what a token of it would hold now, and from now on */
  request({ operation, scope, picked, past }: Request, nowMs: number, out: Outbox<Frame>): () => Line {
    const recipients = [...this.#agents]
      .filter(([id, { groups }]) => scope === "*" || (scope === "" ? picked.includes(id) : groups.includes(scope)))
      .map(([agent, { boot }]) => ({ agent, boot }));
    if (recipients.length === 0) return () => past;
    const dependencies = new Dependencies(past.pending);
    const answered = new Set<string>();
    const content = { operation, dependencies };
    const numbered = this.#ledger.send(scope, recipients, content, operation.bytes);
    const { dot } = numbered;
    this.#graph.sent({ id: operation.id, ...dot, parents: past.past, lives: new Set(recipients.map(({ boot }) => boot)) });
    const untilMs = nowMs + this.#patienceMs;
    const sent = { content, numbered, recipients, answered, refused: new Set<string>(), untilMs };
    this.#open.set(operation.id, sent);
    for (const recipient of recipients) this.#send(content, dot, numbered.before.get(recipient.agent) ?? 0, recipient, out);
    return () => {
      const silent = recipients.map(({ agent }) => agent).filter((agent) => !answered.has(agent));
      return {
        past: new Set([...past.past, operation.id]),
        pending: [...withoutAnswered(past.pending, answered), ...(silent.length === 0 ? [] : [{ ...dot, agents: silent }])],
      };
    };
  }

  wake(nowMs: number, out: Outbox<Frame>): void {
    for (const [id, sent] of this.#open) {
      if (sent.untilMs <= nowMs) {
        this.givenUp.add(id);
        this.#close(id, sent);
        continue;
      }
      for (const recipient of sent.recipients) {
        const { agent, boot } = recipient;
        if (sent.answered.has(agent) || sent.refused.has(agent) || this.#agents.get(agent)?.boot !== boot) continue;
        this.#send(sent.content, sent.numbered.dot, sent.numbered.before.get(agent) ?? 0, recipient, out);
      }
    }
    out.wakeAt(nowMs + REPEAT_EVERY_MS);
  }

  receive(from: string, frame: Frame, _nowMs: number, out: Outbox<Frame>): void {
    switch (frame.kind) {
      case "hello":
        this.#agents.set(from, frame);
        return;
      case "answer":
        return this.#onAnswer(from, frame);
      case "ask":
        return this.#onAsk(from, frame, out);
    }
  }

  #onAnswer(agent: string, { id, boot, ran }: Extract<Frame, { kind: "answer" }>): void {
    const sent = this.#open.get(id);
    if (sent === undefined || !sent.recipients.some((one) => one.agent === agent && one.boot === boot)) return;
    if (ran) sent.answered.add(agent);
    else sent.refused.add(agent);
    this.#closeIfDone(id, sent);
  }

  #onAsk(agent: string, { boot, range }: Extract<Frame, { kind: "ask" }>, out: Outbox<Frame>): void {
    if (range.session !== this.#ledger.session) throw new Error(`asked of another session: ${range.session}`);
    for (const answer of this.#ledger.answer({ agent, boot }, range.scope, range.from, range.to)) {
      if (answer.kind === "nothing") {
        const { from, to, lost } = answer;
        out.send(agent, { kind: "nothing", boot, range: { ...range, from, to }, lost });
      } else {
        this.resent++;
        this.#send(answer.message, answer.dot, answer.before, { agent, boot }, out);
      }
    }
  }

  #send({ operation, dependencies }: Content, dot: Dot, before: number, { agent, boot }: Recipient, out: Outbox<Frame>): void {
    out.send(agent, { kind: "operation", operation, boot, dot, before, after: dependencies.of(agent) });
    this.#ledger.published(dot, agent);
  }

  #closeIfDone(id: number, sent: Sent): void {
    const { recipients, answered, refused } = sent;
    if (recipients.every(({ agent }) => answered.has(agent) || refused.has(agent))) this.#close(id, sent);
  }

  #close(id: number, { numbered }: Sent): void {
    this.#open.delete(id);
    this.#ledger.close(numbered.dot);
  }
}
