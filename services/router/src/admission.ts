import { NexusError } from "@nexus/contracts";

const RETRY_AFTER_MS = 250;

/** Bounds how many requests of a kind are under way, counted from the very turn in which each arrives. */
export class Admission {
  readonly #max: number;
  readonly #what: string;
  #count = 0;

  /** @param what for the refusal: "requests are running" */
  constructor(max: number, what: string) {
    this.#max = max;
    this.#what = what;
  }

  get count(): number {
    return this.#count;
  }

  /** @returns what ends it, to be called once @throws NexusError `overloaded` */
  enter(): () => void {
    if (this.#count >= this.#max) {
      throw new NexusError("overloaded", `${this.#max} ${this.#what} here; try again`, { retryAfterMs: RETRY_AFTER_MS });
    }
    this.#count++;
    let left = false;
    return () => {
      if (!left) this.#count--;
      left = true;
    };
  }
}
