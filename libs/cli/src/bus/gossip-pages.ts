import { type GossipEntry, gossipPageSchema } from "@nexus/contracts";
import type { Bus } from "../session.ts";
import { askGossip } from "./ask-gossip.ts";

/** Every value of a prefix, page by page. Each page may come from another node, so they need not fit together. */

const ENTRIES_MAX = 100_000;
const READS_MAX = 3;

export interface ReadEntries {
  /** By key. */
  readonly entries: readonly GossipEntry[];
  /** What is to be said beside them. */
  readonly warning: string | undefined;
}

export async function readEntries(of: { readonly bus: Bus; readonly prefix: string }, keyPrefix: string): Promise<ReadEntries> {
  for (let read = 1; ; read++) {
    const { entries, total, isSame } = await readOnce(of, keyPrefix);
    if (total > ENTRIES_MAX) return { entries, warning: `${total} keys: the first ${entries.length} are shown` };
    if (isSame) return { entries, warning: undefined };
    if (read < READS_MAX) continue;
    return { entries, warning: "keys came or went while they were read: some may be missing" };
  }
}

async function readOnce(of: { readonly bus: Bus; readonly prefix: string }, keyPrefix: string) {
  const entries = new Map<string, GossipEntry>();
  const totals = new Set<number>();
  for (let offset: number | undefined = 0; offset !== undefined && offset < ENTRIES_MAX; ) {
    const page: Awaited<ReturnType<typeof askPage>> = await askPage(of, keyPrefix, offset);
    totals.add(page.total);
    for (const entry of page.entries) entries.set(entry.key, entry);
    offset = page.next !== undefined && page.next > offset ? page.next : undefined;
  }
  const total = Math.max(...totals);
  return { entries: [...entries.values()], total, isSame: totals.size === 1 && entries.size === total };
}

function askPage(of: { readonly bus: Bus; readonly prefix: string }, prefix: string, offset: number) {
  return askGossip(of, "get", gossipPageSchema, { prefix, offset });
}
