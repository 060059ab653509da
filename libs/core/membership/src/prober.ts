import { swimLimits } from "./frames.ts";
import type { LocalHealth } from "./local-health.ts";
import type { SwimOptions } from "./options.ts";
import type { Outgoing } from "./outgoing.ts";
import type { View } from "./view.ts";

/** The probe of a period: a ping, then pings by others, then the verdict (SWIM §3.1; Lifeguard §IV-A). */
interface Probe {
  readonly target: string;
  readonly seq: number;
  askAtMs: number;
  endMs: number;
  /** Those who were asked, until their nack comes. */
  readonly silent: Set<string>;
  helpers: number;
  postponed: number;
}

/** A ping on behalf of another. */
interface Relay {
  readonly origin: string;
  readonly originSeq: number;
  readonly target: string;
  nackAtMs: number;
  endMs: number;
  nacked: boolean;
}

/** Of the time that the origin waits for an answer, the share after which it gets a nack. */
const NACK_AFTER = 0.8;

const POSTPONED_MAX = 3;

export interface ProberCounts {
  probes: number;
  probesFailed: number;
  /** Answers to nothing that was asked, or that came too late. */
  strayAnswers: number;
  /** Asked to probe for others while enough of that was under way. */
  relaysRefused: number;
}

export class Prober {
  readonly counts: ProberCounts = { probes: 0, probesFailed: 0, strayAnswers: 0, relaysRefused: 0 };
  readonly #options: SwimOptions;
  readonly #view: View;
  readonly #health: LocalHealth;
  readonly #out: Outgoing;
  readonly #relays = new Map<number, Relay>();
  #probe: Probe | undefined;
  #nextMs: number;
  #seq: number;

  constructor(
    options: SwimOptions,
    parts: { view: View; health: LocalHealth; out: Outgoing },
    random: () => number,
    nowMs: number,
  ) {
    this.#options = options;
    this.#view = parts.view;
    this.#health = parts.health;
    this.#out = parts.out;
    this.#nextMs = nowMs + random() * options.periodMs;
    this.#seq = Math.floor(random() * swimLimits.seqMax);
  }

  get dueMs(): number {
    let dueMs = this.#nextMs;
    if (this.#probe !== undefined) dueMs = Math.min(dueMs, this.#probe.askAtMs, this.#probe.endMs);
    for (const { nacked, nackAtMs, endMs } of this.#relays.values()) dueMs = Math.min(dueMs, nacked ? endMs : nackAtMs);
    return dueMs;
  }

  /**
   * M1. An answer that came during a pause is taken up after it, one for each of the two ways that are tried; a probe that
   * outlives more pauses than that will get none. Pings for others are not moved: a nack too many does no harm.
   */
  postpone(byMs: number): void {
    const probe = this.#probe;
    if (probe === undefined || probe.postponed++ >= POSTPONED_MAX) return;
    probe.askAtMs += byMs;
    probe.endMs += byMs;
    this.#nextMs = Math.max(this.#nextMs, probe.endMs);
  }

  forget(): void {
    this.#probe = undefined;
    this.#relays.clear();
  }

  wake(nowMs: number): void {
    for (const [seq, relay] of this.#relays) this.#attend(seq, relay, nowMs);
    if (this.#probe !== undefined && nowMs >= this.#probe.askAtMs) this.#askOthers(this.#probe, nowMs);
    if (this.#probe !== undefined && nowMs >= this.#probe.endMs) this.#fail(this.#probe, nowMs);
    if (nowMs >= this.#nextMs) this.#begin(nowMs);
  }

  /** A ping besides those of the periods; its answer is not awaited. */
  knock(id: string, nowMs: number): void {
    this.#out.send(id, { kind: "ping", seq: this.#nextSeq() }, nowMs);
  }

  onPingReq(origin: string, originSeq: number, target: string, nowMs: number): void {
    if (target === this.#view.self.id) return this.#out.send(origin, { kind: "ack", seq: originSeq }, nowMs);
    if (this.#relays.size >= this.#options.relaysMax) return void this.counts.relaysRefused++;
    const waitMs = this.#options.pingTimeoutMs;
    const times = { nackAtMs: nowMs + waitMs * NACK_AFTER, endMs: nowMs + 2 * waitMs, nacked: false };
    const seq = this.#nextSeq();
    this.#relays.set(seq, { origin, originSeq, target, ...times });
    this.#out.send(target, { kind: "ping", seq }, nowMs);
  }

  onAck(from: string, seq: number, nowMs: number): void {
    const relay = this.#relays.get(seq);
    if (relay !== undefined && relay.target === from) {
      this.#relays.delete(seq);
      return this.#out.send(relay.origin, { kind: "ack", seq: relay.originSeq }, nowMs);
    }
    const probe = this.#probe;
    if (probe === undefined || probe.seq !== seq || !(from === probe.target || probe.silent.has(from))) {
      return void this.counts.strayAnswers++;
    }
    this.#probe = undefined;
    this.#health.succeed();
  }

  onNack(from: string, seq: number): void {
    if (this.#probe?.seq !== seq || !this.#probe.silent.delete(from)) this.counts.strayAnswers++;
  }

  #begin(nowMs: number): void {
    const { periodMs, pingTimeoutMs } = this.#options;
    const { multiplier } = this.#health;
    this.#nextMs = nowMs + periodMs * multiplier;
    const target = this.#view.order.next();
    if (target === undefined) return;
    this.counts.probes++;
    const times = { askAtMs: nowMs + pingTimeoutMs * multiplier, endMs: this.#nextMs };
    this.#probe = { target, seq: this.#nextSeq(), ...times, silent: new Set(), helpers: 0, postponed: 0 };
    this.#out.send(target, { kind: "ping", seq: this.#probe.seq }, nowMs);
  }

  /** And tries once more itself: where one ping in five is lost, that saves two of three false suspicions. */
  #askOthers(probe: Probe, nowMs: number): void {
    probe.askAtMs = Number.POSITIVE_INFINITY;
    this.#out.send(probe.target, { kind: "ping", seq: probe.seq }, nowMs);
    for (const helper of this.#view.order.sample(this.#options.indirectProbes, probe.target)) {
      probe.helpers++;
      probe.silent.add(helper);
      this.#out.send(helper, { kind: "ping-req", seq: probe.seq, target: probe.target }, nowMs);
    }
  }

  /**
   * A silent target is evidence against it; a silent helper against this node, as a nack would have come. Where all nacks came,
   * this node hears well; where there was nobody to ask, it cannot know.
   */
  #fail(probe: Probe, nowMs: number): void {
    this.#probe = undefined;
    this.counts.probesFailed++;
    this.#health.fail(probe.helpers === 0 ? 1 : probe.silent.size);
    this.#view.accuse(probe.target, nowMs);
  }

  #attend(seq: number, relay: Relay, nowMs: number): void {
    if (nowMs >= relay.endMs) return void this.#relays.delete(seq);
    if (relay.nacked || nowMs < relay.nackAtMs) return;
    relay.nacked = true;
    this.#out.send(relay.origin, { kind: "nack", seq: relay.originSeq }, nowMs);
  }

  #nextSeq(): number {
    this.#seq = (this.#seq + 1) % (swimLimits.seqMax + 1);
    return this.#seq;
  }
}
