import { type Dot, type Scope, streamKey } from "./dot.ts";
import { Stream } from "./stream.ts";

export interface StreamsOptions {
  /** Sessions times scopes that are remembered, and how long one is for certain. */
  readonly streamsMax: number;
  readonly streamIdleMs: number;
}

/** Given-up dots of sessions that were never heard of. */
const ELSEWHERE_MAX = 256;

/** All that a recipient remembers of sessions, bounded; what was given up of those that it never heard of included. */
export class Streams<M> {
  readonly #options: StreamsOptions;
  readonly #streams = new Map<string, Stream<M>>();
  /** Streams with something that waits, or that came and was dropped. */
  readonly active = new Set<Stream<M>>();
  readonly #elsewhere = new Map<string, Dot>();
  #overflows = 0;

  constructor(options: StreamsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#streams.size;
  }

  /** How often something was forgotten for want of room. */
  get overflows(): number {
    return this.#overflows;
  }

  find({ session, scope }: Pick<Dot, "session" | "scope">): Stream<M> | undefined {
    return this.#streams.get(streamKey(session, scope));
  }

  /** The stream, made where there is room for another: instead of the one that was idle for longest, if for long enough. */
  take(session: string, scope: Scope, nowMs: number): Stream<M> | undefined {
    const key = streamKey(session, scope);
    let stream = this.#streams.get(key);
    if (stream === undefined) {
      if (this.#streams.size >= this.#options.streamsMax && !this.#forgetIdle(nowMs)) return undefined;
      stream = new Stream<M>(session, scope);
      for (const [elsewhere, dot] of this.#elsewhere) {
        if (dot.session !== session || dot.scope !== scope) continue;
        stream.giveUp(dot.seq, dot.seq);
        this.#elsewhere.delete(elsewhere);
      }
      this.#streams.set(key, stream);
    }
    stream.usedMs = nowMs;
    return stream;
  }

  /** Neither delivered nor given up. */
  isMissing(dot: Dot): boolean {
    const stream = this.find(dot);
    if (stream === undefined) return !this.#elsewhere.has(dotKey(dot));
    return stream.at < dot.seq && !stream.isGone(dot.seq);
  }

  isGone(dot: Dot): boolean {
    return this.find(dot)?.isGone(dot.seq) ?? this.#elsewhere.has(dotKey(dot));
  }

  giveUp(dot: Dot): void {
    const stream = this.find(dot);
    if (stream !== undefined) this.giveUpRun(stream, dot.seq, dot.seq);
    else {
      const [oldest] = this.#elsewhere.keys();
      if (this.#elsewhere.size >= ELSEWHERE_MAX && oldest !== undefined) {
        this.#elsewhere.delete(oldest);
        this.#overflows++;
      }
      this.#elsewhere.set(dotKey(dot), dot);
    }
  }

  giveUpRun(stream: Stream<M>, from: number, to: number): void {
    if (stream.giveUp(from, to)) this.#overflows++;
  }

  #forgetIdle(nowMs: number): boolean {
    let idlest: [string, Stream<M>] | undefined;
    for (const entry of this.#streams) {
      const [, stream] = entry;
      if (this.active.has(stream) || stream.running.size > 0) continue;
      if (idlest === undefined || stream.usedMs < idlest[1].usedMs) idlest = entry;
    }
    if (idlest === undefined || nowMs - idlest[1].usedMs < this.#options.streamIdleMs) return false;
    this.#overflows++;
    return this.#streams.delete(idlest[0]);
  }
}

function dotKey({ session, scope, seq }: Dot): string {
  return `${streamKey(session, scope)}/${seq}`;
}
