import { codecNames, encode, limits, NexusError } from "@nexus/contracts";

export interface PageQuery {
  readonly offset?: number | undefined;
  readonly limit?: number | undefined;
}

export interface Page<T> {
  readonly page: T[];
  readonly total: number;
  /** Offset of the next page; absent on the last. */
  readonly next?: number;
}

/**
 * As many items as were asked for and as fit into `bytesMax`.
 * @param total of all there were, where not all are kept
 * @throws NexusError `not-found` for items that are no longer kept
 */
export function pageOf<T>(items: readonly T[], query: PageQuery, bytesMax: number, total = items.length): Page<T> {
  const offset = query.offset ?? 0;
  if (offset >= items.length && offset < total) {
    throw new NexusError("not-found", `only the first ${items.length} of ${total} outlived the router that had them`, {
      field: "offset",
    });
  }
  let page = items.slice(offset, offset + (query.limit ?? limits.pageRowsMax));
  // In the larger of the two encodings: whoever calls does not know which one it will be.
  while (page.length > 1 && codecNames.some((codec) => encode(page, codec).byteLength > bytesMax))
    page = page.slice(0, Math.ceil(page.length / 2));
  const next = offset + page.length;
  return { page, total, ...(next < total && page.length > 0 ? { next } : {}) };
}
