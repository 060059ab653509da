import type { MemberState, Meta } from "./frames.ts";

/**
 * Which of two updates about a member counts (SWIM §4.2). A total order, so that taking the greater one is commutative,
 * associative and idempotent: by incarnation, then by state, then by the text of the record, which differs only in a lie.
 *
 * Unlike in the paper, where a confirmed failure is final, it has the incarnation of which it speaks: a member that lives can
 * deny it with a higher one, and no "alive" up to that one undoes it.
 */
export interface Versioned {
  readonly incarnation: number;
  readonly state: MemberState;
  readonly meta: Meta;
}

/** `left` is above `dead`: the member said it, the others only concluded. */
const ranks: Readonly<Record<MemberState, number>> = { alive: 0, suspect: 1, dead: 2, left: 3 };

export function rankOf(state: MemberState): number {
  return ranks[state];
}

export function isTombstone(state: MemberState): boolean {
  return state === "dead" || state === "left";
}

export function supersedes(a: Versioned, b: Versioned): boolean {
  if (a.incarnation !== b.incarnation) return a.incarnation > b.incarnation;
  if (a.state !== b.state) return ranks[a.state] > ranks[b.state];
  return !isSameMeta(a.meta, b.meta) && metaText(a.meta) > metaText(b.meta);
}

function isSameMeta(a: Meta, b: Meta): boolean {
  if (a === b) return true;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}

function metaText(meta: Meta): string {
  return JSON.stringify(Object.entries(meta).sort(([a], [b]) => (a < b ? -1 : 1)));
}
