import { CausalDelivery, type DeliveryOptions, type Dot, type Effect, scopeOfAll, scopeOfTargeted } from "@nexus/core-clocks";
import type { Outbox, SimProcess } from "@nexus/testing";
import type { Frame, Operation } from "./frames.ts";
import type { HappensBefore } from "./graph.ts";

export interface AgentOptions {
  readonly id: string;
  /** Of this life. */
  readonly boot: string;
  readonly groups: readonly string[];
  readonly routers: () => readonly string[];
  readonly delivery: Partial<DeliveryOptions>;
  readonly random: () => number;
  readonly handlerMsMax: number;
}

export interface Counts {
  delivered: number;
  asks: number;
  gaps: number;
  waitingMax: number;
  overflows: number;
  waitedMs: number;
}

const HELLO_EVERY_MS = 200;

/** An agent whose handlers take their time. */
export class SimAgent implements SimProcess<Frame> {
  readonly #options: AgentOptions;
  readonly #graph: HappensBefore;
  readonly #counts: Counts;
  readonly #delivery: CausalDelivery<Operation>;
  readonly #running: { readonly dot: Dot; readonly id: number; readonly untilMs: number }[] = [];
  readonly #ended = new Set<number>();
  readonly #arrivedMs = new Map<number, number>();
  #helloMs = 0;

  constructor(options: AgentOptions, graph: HappensBefore, counts: Counts) {
    this.#options = options;
    this.#graph = graph;
    this.#counts = counts;
    const scopes = new Set([scopeOfAll, scopeOfTargeted, ...options.groups]);
    this.#delivery = new CausalDelivery({ ...options.delivery, scopes });
  }

  /** What must never be exceeded. */
  get fill(): { readonly count: number; readonly bytes: number } {
    return { count: this.#delivery.size, bytes: this.#delivery.bytes };
  }

  wake(nowMs: number, out: Outbox<Frame>): void {
    if (nowMs >= this.#helloMs) {
      this.#helloMs = nowMs + HELLO_EVERY_MS;
      const { boot, groups, routers } = this.#options;
      for (const router of routers()) out.send(router, { kind: "hello", boot, groups });
    }
    for (const one of this.#running.filter(({ untilMs }) => untilMs <= nowMs)) {
      this.#running.splice(this.#running.indexOf(one), 1);
      this.#ended.add(one.id);
      this.#graph.saw(this.#options.boot, { kind: "ended", id: one.id });
      this.#answer(one.dot.session, one.id, true, out);
      this.#carryOut(this.#delivery.ended(one.dot, true, nowMs), nowMs, out);
    }
    this.#carryOut(this.#delivery.sweep(nowMs), nowMs, out);
  }

  receive(from: string, frame: Frame, nowMs: number, out: Outbox<Frame>): void {
    if (frame.kind === "nothing" && frame.boot === this.#options.boot) {
      this.#carryOut(this.#delivery.skip(frame.range, frame.lost, nowMs).effects, nowMs, out);
    } else if (frame.kind === "operation" && frame.boot === this.#options.boot) {
      const { dot, before, after, operation } = frame;
      if (!this.#arrivedMs.has(operation.id)) this.#arrivedMs.set(operation.id, nowMs);
      const message = { dot, before, after, body: operation, bytes: operation.bytes, untilMs: Number.POSITIVE_INFINITY };
      const { verdict, effects } = this.#delivery.receive(message, nowMs);
      if (verdict === "past" && this.#ended.has(operation.id)) this.#answer(from, operation.id, true, out);
      if (verdict === "passed-over") this.#answer(from, operation.id, false, out);
      if (typeof verdict === "object") throw new Error(`refused ${JSON.stringify(frame)}: ${verdict.refused}`);
      this.#carryOut(effects, nowMs, out);
    }
  }

  #carryOut(effects: readonly Effect<Operation>[], nowMs: number, out: Outbox<Frame>): void {
    const { boot, random, handlerMsMax } = this.#options;
    for (const effect of effects) {
      if (effect.kind === "deliver") {
        const { dot, body } = effect.message;
        this.#graph.saw(boot, { kind: "delivered", id: body.id, missing: effect.missing });
        this.#counts.delivered++;
        this.#counts.waitedMs += nowMs - (this.#arrivedMs.get(body.id) ?? nowMs);
        out.note(`delivers ${body.id}`);
        this.#running.push({ dot, id: body.id, untilMs: nowMs + random() * handlerMsMax });
      } else if (effect.kind === "gap") {
        this.#counts.gaps++;
        this.#graph.saw(boot, { kind: "gap", range: effect.range });
        out.note(`gives up ${JSON.stringify(effect.range)}: ${effect.reason}`);
      } else if (effect.kind === "ask") {
        this.#counts.asks++;
        out.send(effect.range.session, { kind: "ask", boot, range: effect.range });
      }
    }
    this.#counts.waitingMax = Math.max(this.#counts.waitingMax, this.#delivery.size);
    const times = [this.#helloMs, this.#delivery.wakeMs, ...this.#running.map(({ untilMs }) => untilMs)];
    out.wakeAt(Math.min(...times.filter((time) => time !== undefined)));
  }

  #answer(router: string, id: number, ran: boolean, out: Outbox<Frame>): void {
    out.send(router, { kind: "answer", id, boot: this.#options.boot, ran });
  }

  /** To be called at the end of a life. */
  count(): void {
    this.#counts.overflows += this.#delivery.overflows;
  }
}
