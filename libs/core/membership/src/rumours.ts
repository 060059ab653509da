/**
 * Which members there is news of, and how often it was sent: least sent first and, among equals, newest first (SWIM §4.1).
 * News of a member replaces older news of it, so that there are never more than members; what is sent is what is held of it
 * at that time.
 */
interface Rumour {
  readonly id: string;
  /** Rises with each; newer is greater. */
  readonly order: number;
  sends: number;
}

export class Rumours {
  readonly #byId = new Map<string, Rumour>();
  /** By the times that they were sent; within, by order, the newest last. */
  readonly #levels: Rumour[][] = [];
  #order = 0;

  get size(): number {
    return this.#byId.size;
  }

  add(id: string): void {
    this.drop(id);
    const rumour = { id, order: this.#order++, sends: 0 };
    this.#byId.set(id, rumour);
    this.#insert(rumour);
  }

  drop(id: string): void {
    const rumour = this.#byId.get(id);
    if (rumour === undefined) return;
    this.#byId.delete(id);
    const level = this.#levels[rumour.sends] ?? [];
    level.splice(placeOf(level, rumour.order), 1);
  }

  clear(): void {
    this.#byId.clear();
    this.#levels.length = 0;
  }

  /** Takes up to `max` ids to be sent once, and drops those that were sent `sendsMax` times. */
  take(max: number, sendsMax: number): string[] {
    const taken: Rumour[] = [];
    for (const level of this.#levels) {
      const count = Math.min(max - taken.length, level.length);
      if (count > 0) taken.push(...level.splice(level.length - count, count).reverse());
      if (taken.length >= max) break;
    }
    for (const rumour of taken) {
      rumour.sends++;
      if (rumour.sends >= sendsMax) this.#byId.delete(rumour.id);
      else this.#insert(rumour);
    }
    return taken.map(({ id }) => id);
  }

  #insert(rumour: Rumour): void {
    while (this.#levels.length <= rumour.sends) this.#levels.push([]);
    const level = this.#levels[rumour.sends] ?? [];
    level.splice(placeOf(level, rumour.order), 0, rumour);
  }
}

/** Where in a level the order is, or belongs. */
function placeOf(level: readonly Rumour[], order: number): number {
  let [low, high] = [0, level.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((level[middle]?.order ?? 0) < order) low = middle + 1;
    else high = middle;
  }
  return low;
}
