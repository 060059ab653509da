/** How many peers a node turns to in each round: ⌈log2 N⌉ of N nodes, or so many; at least one, at most all others. */
export function fanoutFor(nodes: number, fanout: number | "log2"): number {
  const wanted = fanout === "log2" ? Math.ceil(Math.log2(nodes)) : fanout;
  return Math.min(Math.max(1, wanted), Math.max(0, nodes - 1));
}

/**
 * Rounds in which news is told again: `factor` times those that an epidemic needs to reach N nodes, ln N / ln(f + 1).
 * Told to f peers each time, about N^(-factor) of the nodes stay without it.
 */
export function roundsHot(nodes: number, fanout: number, factor: number): number {
  return Math.max(1, Math.ceil((factor * Math.log(nodes + 1)) / Math.log(fanout + 1)));
}

/** So many different ones of a list, each as likely as any other; the list's order is not changed. O(count) draws. */
export function sample<T>(list: readonly T[], count: number, random: () => number): T[] {
  const moved = new Map<number, number>();
  const chosen: T[] = [];
  for (let index = 0; index < Math.min(count, list.length); index++) {
    const place = index + Math.floor(random() * (list.length - index));
    chosen.push(list[moved.get(place) ?? place] as T);
    moved.set(place, moved.get(index) ?? index); // the list as if the two had been swapped
  }
  return chosen;
}
