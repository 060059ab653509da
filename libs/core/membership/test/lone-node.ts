import { createRandom } from "@nexus/testing";
import type { FrameBody } from "../src/frames.ts";
import { type Change, type Send, Swim, type SwimFrame, type SwimInput, type SwimOptions, type Update } from "../src/index.ts";
import { updateAbout } from "./updates.ts";

/** One node whose peers are played by the test. Its wall clock shows `EPOCH_MS` at 0. */

export const EPOCH_MS = 1_764_000_000_000;

export class LoneNode {
  readonly swim: Swim;
  nowMs = 0;
  /** Since the last `take`. */
  sends: Send[] = [];
  changes: Change[] = [];
  #wakeAtMs = Number.POSITIVE_INFINITY;

  constructor(options: Partial<SwimOptions> = {}, seed = 1) {
    this.swim = new Swim({ id: "self", meta: { version: "1" }, options }, createRandom(seed));
  }

  /** Started, among others that it knows and has no news of. */
  static among(ids: readonly string[], options: Partial<SwimOptions> = {}, seed = 1): LoneNode {
    const node = new LoneNode({ syncEveryMs: 1e9, ...options }, seed);
    const known = ids.map((id) => updateAbout(id, { incarnation: EPOCH_MS }));
    node.step({ kind: "start", epochMs: EPOCH_MS, peers: [], known });
    while (node.swim.takeUpdates(1).length > 0);
    node.take();
    node.changes = [];
    return node;
  }

  get wakeAtMs(): number {
    return this.#wakeAtMs;
  }

  step(input: SwimInput): void {
    const { sends, changes, wakeAtMs } = this.swim.step(input, this.nowMs);
    this.sends.push(...sends);
    this.changes.push(...changes);
    this.#wakeAtMs = wakeAtMs;
  }

  /** A frame of a peer, who lives since EPOCH_MS unless `said` says otherwise. */
  hear(from: string, body: FrameBody, said: Partial<SwimFrame> = {}): void {
    this.step({ kind: "frame", from, frame: frameOf(from, body, said) });
  }

  news(from: string, ...updates: Update[]): void {
    this.hear(from, { kind: "news" }, { updates });
  }

  /** Wakes it whenever it asked for that, up to a time. */
  runTo(untilMs: number): void {
    while (this.#wakeAtMs <= untilMs) {
      this.nowMs = Math.max(this.nowMs, this.#wakeAtMs);
      this.step({ kind: "wake" });
    }
    this.nowMs = untilMs;
  }

  /** Runs it until it sends a frame of a kind. */
  runToSend(kind: SwimFrame["kind"], to?: string): Send {
    for (let steps = 0; steps < 1_000; steps++) {
      const send = this.sends.find(({ frame, to: id }) => frame.kind === kind && (to === undefined || to === id));
      if (send !== undefined) return send;
      this.nowMs = Math.max(this.nowMs, this.#wakeAtMs);
      this.step({ kind: "wake" });
    }
    throw new Error(`no ${kind} was sent`);
  }

  /** Answers all pings that it sent, those of `but` excepted. */
  answer(but: readonly string[] = []): void {
    for (const { to, frame } of this.take())
      if (frame.kind === "ping" && !but.includes(to)) this.hear(to, { kind: "ack", seq: frame.seq });
  }

  /** The same while it runs on. */
  runAnswering(untilMs: number, but: readonly string[] = []): void {
    while (this.#wakeAtMs <= untilMs) {
      this.runTo(this.#wakeAtMs);
      this.answer(but);
    }
    this.nowMs = untilMs;
  }

  take(): Send[] {
    return this.sends.splice(0);
  }

  sent(kind: SwimFrame["kind"]): Send[] {
    return this.sends.filter(({ frame }) => frame.kind === kind);
  }

  event(name: string): number | undefined {
    return this.swim.counts().events[name];
  }
}

export function frameOf(from: string, body: FrameBody, said: Partial<SwimFrame> = {}): SwimFrame {
  const heading = { v: 1, from, to: "self", incarnation: EPOCH_MS, meta: { version: "1" }, updates: [] } as const;
  return { ...heading, ...body, ...said } as SwimFrame;
}

/** Of the frame that was sent, or of the first. */
export function seqOf(sent: Send | readonly Send[]): number {
  const [first] = [sent].flat();
  if (first === undefined || !("seq" in first.frame)) throw new Error("nothing with a number was sent");
  return first.frame.seq;
}

export function suspect(id: string, by: readonly string[], incarnation = EPOCH_MS): Update {
  return updateAbout(id, { state: "suspect", by, incarnation });
}

export function dead(id: string, incarnation = EPOCH_MS, ageMs = 0): Update {
  return updateAbout(id, { state: "dead", ageMs, incarnation });
}
