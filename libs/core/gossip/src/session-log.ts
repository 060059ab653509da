/**
 * What is kept of a session's entries, by their number: one that was overwritten leaves a hole. Says what a peer that has
 * the entries up to some number still needs.
 */
export class SessionLog {
  /** Everything up to this number is known, or was overwritten by something that is. */
  head = 0;
  #seqs: number[] = [];
  /** Undefined is a hole. */
  #keys: (string | undefined)[] = [];
  #kept = 0;

  /** Entries that are kept. */
  get kept(): number {
    return this.#kept;
  }

  add(seq: number, key: string): void {
    const place = this.#placeAfter(seq - 1);
    if (this.#seqs[place] === seq) {
      if (this.#keys[place] === undefined) this.#kept++;
      this.#keys[place] = key;
      return;
    }
    this.#seqs.splice(place, 0, seq); // at the end, but for entries that overtook others
    this.#keys.splice(place, 0, key);
    this.#kept++;
  }

  remove(seq: number): void {
    const place = this.#placeAfter(seq - 1);
    if (this.#seqs[place] !== seq || this.#keys[place] === undefined) return;
    this.#keys[place] = undefined;
    this.#kept--;
    if (this.#seqs.length > 32 && this.#kept < this.#seqs.length / 2) this.#compact();
  }

  /** The number before this one of which something is kept; 0 where there is none. */
  keptBefore(seq: number): number {
    for (let place = this.#placeAfter(seq - 1) - 1; place >= 0; place--) {
      if (this.#keys[place] !== undefined) return this.#seqs[place] ?? 0;
    }
    return 0;
  }

  /** Keys that are kept with a number in (after, head], ascending by number. */
  *keysAfter(after: number): Generator<string> {
    for (let place = this.#placeAfter(after); place < this.#seqs.length; place++) {
      if ((this.#seqs[place] ?? 0) > this.head) return;
      const key = this.#keys[place];
      if (key !== undefined) yield key;
    }
  }

  /** Keys that are kept with a number above the head: they overtook others. */
  keysAhead(): string[] {
    return this.#keys.slice(this.#placeAfter(this.head)).filter((key) => key !== undefined);
  }

  /** Index of the first number above. */
  #placeAfter(seq: number): number {
    let [low, high] = [0, this.#seqs.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#seqs[middle] ?? 0) <= seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #compact(): void {
    const places = this.#keys.flatMap((key, place) => (key === undefined ? [] : [place]));
    this.#seqs = places.map((place) => this.#seqs[place] ?? 0);
    this.#keys = places.map((place) => this.#keys[place]);
  }
}
