import type { RequestEvent } from "@nexus/contracts";
import type { RequestEvents } from "./types.ts";

/**
 * Events of one request, from the subscription to one reader.
 *
 * Invariants
 * E1. At most `eventsMax` are held; the oldest goes first and is counted, so `finished`, always the last, is never lost.
 * E2. Events come in the order of `seq`; a repeat is dropped, a gap is counted.
 * E3. The stream ends after `finished`, and closes its source then.
 */
export class EventStream implements RequestEvents {
  missed = 0;
  dropped = 0;
  readonly #eventsMax: number;
  readonly #onClose: () => void;
  readonly #held: RequestEvent[] = [];
  #expected = 0;
  #ended = false;
  #wake: (() => void) | undefined;

  constructor(eventsMax: number, onClose: () => void) {
    this.#eventsMax = eventsMax;
    this.#onClose = onClose;
  }

  get ended(): boolean {
    return this.#ended;
  }

  push(event: RequestEvent): void {
    if (this.#ended) return;
    // Another router took the request over and counts from 0 again.
    if (event.seq === 0 && event.event === "accepted") this.#expected = 0;
    if (event.seq < this.#expected) return;
    this.missed += event.seq - this.#expected;
    this.#expected = event.seq + 1;
    this.#held.push(event);
    if (this.#held.length > this.#eventsMax) {
      this.#held.shift();
      this.dropped++;
    }
    if (event.event === "finished") this.#end();
    this.#wake?.();
  }

  /** What is held is still read. */
  close(): void {
    this.#end();
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<RequestEvent> {
    try {
      while (true) {
        const event = this.#held.shift();
        if (event !== undefined) yield event;
        else if (this.#ended) return;
        else await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    } finally {
      this.close();
    }
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#onClose();
  }
}
