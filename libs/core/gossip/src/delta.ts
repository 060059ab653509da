import { bytesOf, type Entry, withoutSession } from "./entry.ts";

/** What a session wrote with numbers in (from, to]: all of it that is not overwritten. */
export interface Chunk {
  readonly session: string;
  readonly from: number;
  readonly to: number;
  readonly entries: readonly Omit<Entry, "session">[];
}

/** Chunks of about so many bytes, but one entry at least. */
export class Delta {
  readonly chunks: Chunk[] = [];
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** @param entries ascending by number @returns whether all of them found room; else the chunk ends before the first that did not */
  add(session: string, from: number, to: number, entries: Iterable<Entry>): boolean {
    if (this.#bytes >= this.#bytesMax) return false;
    const taken: Omit<Entry, "session">[] = [];
    for (const entry of entries) {
      const bytes = bytesOf(entry);
      if (this.#bytes > 0 && this.#bytes + bytes > this.#bytesMax) {
        const last = taken.at(-1)?.seq;
        if (last !== undefined) this.chunks.push({ session, from, to: last, entries: taken });
        return false;
      }
      this.#bytes += bytes;
      taken.push(withoutSession(entry));
    }
    this.chunks.push({ session, from, to, entries: taken });
    return true;
  }
}
