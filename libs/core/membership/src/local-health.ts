/**
 * The local health multiplier (Lifeguard §IV-A): how much this node doubts its own perception, as a score from 0 to `healthMax`.
 * Periods and timeouts of probes are multiplied by one more. Beside the score, the delay of the event loop sets a floor, for as
 * long as it lasts: a node that is known to be slow need not fail first.
 */
export class LocalHealth {
  readonly #max: number;
  readonly #pingTimeoutMs: number;
  #score = 0;
  #floor = 0;

  constructor({ healthMax, pingTimeoutMs }: { readonly healthMax: number; readonly pingTimeoutMs: number }) {
    this.#max = healthMax;
    this.#pingTimeoutMs = pingTimeoutMs;
  }

  /** 0 is best. */
  get value(): number {
    return Math.max(this.#score, this.#floor);
  }

  get multiplier(): number {
    return this.value + 1;
  }

  succeed(): void {
    this.#score = Math.max(0, this.#score - 1);
  }

  fail(by = 1): void {
    this.#score = Math.min(this.#max, this.#score + by);
  }

  /** An answer is late by this twice, when it comes in and when the timeout is looked at. Other values than times are ignored. */
  load(eventLoopDelayMs: number): void {
    if (!(eventLoopDelayMs >= 0)) return;
    this.#floor = Math.min(this.#max, Math.floor((2 * eventLoopDelayMs) / this.#pingTimeoutMs));
  }
}
