import type { FrameBody, SwimFrame, Update } from "./frames.ts";
import type { SwimOptions } from "./options.ts";
import { isTombstone } from "./update-order.ts";
import type { View } from "./view.ts";

export interface Send {
  readonly to: string;
  readonly frame: SwimFrame;
}

/** Frames of one step, each with the news that it takes along. */
export class Outgoing {
  readonly #options: SwimOptions;
  readonly #view: View;
  #sends: Send[] = [];

  constructor(options: SwimOptions, view: View) {
    this.#options = options;
    this.#view = view;
  }

  takeSends(): readonly Send[] {
    const sends = this.#sends;
    this.#sends = [];
    return sends;
  }

  send(to: string, body: FrameBody, nowMs: number): void {
    this.#post(to, body, this.#news(this.#options.piggybackMax, nowMs), nowMs);
  }

  push(to: string, nowMs: number): void {
    this.#post(to, { kind: "news" }, this.#news(this.#options.newsMax, nowMs), nowMs);
  }

  /** That this node has left. */
  farewell(to: string, nowMs: number): void {
    const last = this.#view.tell(this.#view.self.id, nowMs);
    if (last !== undefined) this.#post(to, { kind: "news" }, [last], nowMs);
  }

  /** The whole list, in pieces of bounded size. */
  list(to: string, nowMs: number): void {
    let piece: Update[] = [];
    for (const { id } of this.#view.table.all()) {
      const update = this.#view.tell(id, nowMs);
      if (update === undefined || id === to || this.#isInHeading(update)) continue;
      piece.push(update);
      if (piece.length < this.#options.newsMax) continue;
      this.#post(to, { kind: "news" }, piece, nowMs);
      piece = [];
    }
    this.#post(to, { kind: "news" }, piece, nowMs);
  }

  #news(max: number, nowMs: number): Update[] {
    return this.#view.takeNews(max, nowMs).filter((update) => !this.#isInHeading(update));
  }

  /** That this node lives, each frame's heading says. */
  #isInHeading({ id, state }: Update): boolean {
    return id === this.#view.self.id && state === "alive";
  }

  #post(to: string, body: FrameBody, news: readonly Update[], nowMs: number): void {
    const { id, incarnation, meta } = this.#view.self;
    const updates = this.#options.buddy ? this.#accusationFirst(to, news, nowMs) : news;
    this.#sends.push({ to, frame: { v: 1, from: id, to, incarnation, meta, updates, ...body } });
  }

  /** M5 */
  #accusationFirst(to: string, news: readonly Update[], nowMs: number): readonly Update[] {
    const state = this.#view.table.get(to)?.state;
    if (state !== "suspect" && (state === undefined || !isTombstone(state))) return news;
    const accusation = this.#view.tell(to, nowMs);
    return accusation === undefined ? news : [accusation, ...news.filter(({ id }) => id !== to)];
  }
}
