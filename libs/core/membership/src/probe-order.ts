/**
 * Whom to probe next: round robin in an order that is shuffled anew for each round, newcomers at a random place in what is
 * left of it (SWIM §4.3), so that everybody is probed within 2·n − 1 periods. A few may be put first: those whom others
 * suspect, for a second opinion.
 */
const FIRST_MAX = 8;

export class ProbeOrder {
  readonly #random: () => number;
  readonly #ids: string[] = [];
  readonly #places = new Map<string, number>();
  readonly #first: string[] = [];
  #next = 0;

  constructor(random: () => number) {
    this.#random = random;
  }

  get size(): number {
    return this.#ids.length;
  }

  add(id: string): void {
    if (this.#places.has(id)) return;
    this.#ids.push(id);
    this.#places.set(id, this.#ids.length - 1);
    this.#swap(this.#below(this.#next, this.#ids.length), this.#ids.length - 1);
  }

  remove(id: string): void {
    let place = this.#places.get(id);
    if (place === undefined) return;
    if (place < this.#next) {
      this.#next--;
      this.#swap(place, this.#next);
      place = this.#next;
    }
    this.#swap(place, this.#ids.length - 1);
    this.#ids.pop();
    this.#places.delete(id);
  }

  /** Puts one before all others, once; with eight of them there is no need of more. */
  putFirst(id: string): void {
    if (this.#first.length < FIRST_MAX && !this.#first.includes(id)) this.#first.push(id);
  }

  next(): string | undefined {
    for (let id = this.#first.shift(); id !== undefined; id = this.#first.shift()) if (this.#places.has(id)) return id;
    if (this.#next >= this.#ids.length) this.#shuffle();
    return this.#ids[this.#next++];
  }

  /** Up to `count` different ones, without those that are left out. */
  sample(count: number, without?: string): string[] {
    const from = this.#ids.length - (without !== undefined && this.#places.has(without) ? 1 : 0);
    const wanted = Math.min(count, from);
    if (wanted * 2 > from) return this.#dense(wanted, without);
    const chosen = new Set<string>();
    while (chosen.size < wanted) {
      const id = this.#ids[this.#below(0, this.#ids.length)];
      if (id !== undefined && id !== without) chosen.add(id);
    }
    return [...chosen];
  }

  #dense(count: number, without: string | undefined): string[] {
    const rest = this.#ids.filter((id) => id !== without);
    for (let index = 0; index < count; index++) {
      const other = this.#below(index, rest.length);
      const id = rest[index] as string;
      rest[index] = rest[other] as string;
      rest[other] = id;
    }
    return rest.slice(0, count);
  }

  #shuffle(): void {
    this.#next = 0;
    for (let index = this.#ids.length - 1; index > 0; index--) this.#swap(index, this.#below(0, index + 1));
  }

  /** An integer in [from, to). */
  #below(from: number, to: number): number {
    return from + Math.min(to - from - 1, Math.floor(this.#random() * (to - from)));
  }

  #swap(a: number, b: number): void {
    const [one, other] = [this.#ids[a], this.#ids[b]];
    if (one === undefined || other === undefined) return;
    this.#ids[a] = other;
    this.#ids[b] = one;
    this.#places.set(other, a);
    this.#places.set(one, b);
  }
}
