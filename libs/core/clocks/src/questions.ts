import { type Dot, type DotRange, type Scope, streamKey } from "./dot.ts";

export interface Pace {
  /** A hole may close by itself within this; then it is asked for, again and again. */
  readonly askAfterMs: number;
  readonly askEveryMs: number;
}

interface Question {
  readonly session: string;
  readonly scope: Scope;
  readonly after: number;
  to: number;
  askAtMs: number;
}

/** What is asked of sessions, each no more often than its pace. */
export class Questions {
  readonly #pace: Pace;
  #open = new Map<string, Question>();
  #earlier = new Map<string, Question>();

  constructor(pace: Pace) {
    this.#pace = pace;
  }

  /** What is not wanted again from now on is forgotten. */
  begin(): void {
    this.#earlier = this.#open;
    this.#open = new Map();
  }

  /** Everything up to the dot. @param after how far the session's scope is */
  want({ session, scope, seq: to }: Dot, after: number, nowMs: number): void {
    const key = streamKey(session, scope);
    const question = this.#open.get(key);
    if (question !== undefined) {
      question.to = Math.max(question.to, to);
      return;
    }
    const askAtMs = this.#earlier.get(key)?.askAtMs ?? nowMs + this.#pace.askAfterMs;
    this.#open.set(key, { session, scope, after, to, askAtMs });
  }

  /** The questions whose time has come. */
  due(nowMs: number): DotRange[] {
    const ranges: DotRange[] = [];
    for (const question of this.#open.values()) {
      if (question.askAtMs > nowMs) continue;
      question.askAtMs = nowMs + this.#pace.askEveryMs;
      const { session, scope, after, to } = question;
      ranges.push({ session, scope, from: after + 1, to });
    }
    return ranges;
  }

  /** When the next one is due. */
  get nextMs(): number {
    let nextMs = Number.POSITIVE_INFINITY;
    for (const { askAtMs } of this.#open.values()) nextMs = Math.min(nextMs, askAtMs);
    return nextMs;
  }
}
