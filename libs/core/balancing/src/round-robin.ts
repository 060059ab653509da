/** Picks the next eligible item in turn. */
export interface RoundRobinPicker<T> {
  /** @returns undefined where no item is eligible. O(1) when most are; looks at each item at most once. */
  pick(items: readonly T[], eligible: (item: T) => boolean): T | undefined;
}

/**
 * Round robin that starts at a random place, so that replicas which began together do not all begin at the same item.
 * @param offset uniform in [0, 1)
 */
export function createRoundRobin<T>(offset: number): RoundRobinPicker<T> {
  let next: number | undefined;
  return {
    pick(items, eligible) {
      const count = items.length;
      if (count === 0) return undefined;
      next ??= Math.floor(offset * count);
      for (let step = 0; step < count; step++) {
        const index = (next + step) % count;
        const item = items[index] as T;
        if (!eligible(item)) continue;
        next = (index + 1) % count;
        return item;
      }
      return undefined;
    },
  };
}
