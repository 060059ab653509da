import { valueAt } from "./field-path.ts";

const K_DEFAULT = 10;

export interface Ranking {
  /** Path of the rank within an item; absent: the item itself. */
  readonly by?: string | undefined;
  readonly k?: number | undefined;
  readonly order?: "descending" | "ascending" | undefined;
}

/** The best k, or undefined where an item has no number or text to rank it by. Ties keep the order given. O(n log n). */
export function bestOf(ranking: Ranking, items: readonly unknown[]): unknown[] | undefined {
  const ranked: { readonly item: unknown; readonly rank: number | string }[] = [];
  for (const item of items) {
    const rank = valueAt(item, ranking.by);
    if (typeof rank !== "string" && !(typeof rank === "number" && Number.isFinite(rank))) return undefined;
    ranked.push({ item, rank });
  }
  const sign = ranking.order === "ascending" ? 1 : -1;
  ranked.sort((a, b) => compareRanks(a.rank, b.rank, sign));
  return ranked.slice(0, ranking.k ?? K_DEFAULT).map(({ item }) => item);
}

/** Numbers come before texts in either order, so that the order is total whatever agents answer. */
function compareRanks(a: number | string, b: number | string, sign: number): number {
  if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
  return a === b ? 0 : a < b ? -sign : sign;
}
