import { canonicalText } from "./canonical.ts";
import { contributionOf, fold, type ReduceSpec } from "./contribution.ts";

/**
 * A part of a reduction that can be carried on: an immutable JSON value. With `combine` partials of one spec are a
 * commutative, associative, idempotent monoid, whose identity is the empty one.
 */
export interface Partial {
  /** Ids in ascending order (by code unit), each once. */
  readonly contributors: readonly string[];
  /** What each contributor gave, in the order of `contributors`. */
  readonly value: readonly unknown[];
}

const nothing: Partial = Object.freeze({ contributors: Object.freeze([]), value: Object.freeze([]) });

export function emptyPartial(_spec: ReduceSpec): Partial {
  return nothing;
}

/** One answer as a partial. An unusable one says why. */
export function contribute(
  spec: ReduceSpec,
  contributor: string,
  answer: unknown,
): { readonly ok: true; readonly partial: Partial } | { readonly ok: false; readonly reason: string } {
  const usable = contributionOf(spec, answer);
  return usable.ok ? { ok: true, partial: { contributors: [contributor], value: [usable.value] } } : usable;
}

/** O(a + b). A contributor of both counts once; see `chosen` where it gave two different answers. */
export function combine(_spec: ReduceSpec, a: Partial, b: Partial): Partial {
  if (a.contributors.length === 0) return b;
  if (b.contributors.length === 0) return a;
  const contributors: string[] = [];
  const value: unknown[] = [];
  let [i, j] = [0, 0];
  while (i < a.contributors.length || j < b.contributors.length) {
    const [left, right] = [a.contributors[i], b.contributors[j]];
    const fromLeft = right === undefined || (left !== undefined && left <= right);
    const fromRight = left === undefined || (right !== undefined && right <= left);
    contributors.push((fromLeft ? left : right) as string);
    value.push(fromLeft && fromRight ? chosen(a.value[i], b.value[j]) : fromLeft ? a.value[i] : b.value[j]);
    if (fromLeft) i++;
    if (fromRight) j++;
  }
  return { contributors, value };
}

/** A JSON value; null where there are no contributors (0 for `count`). A `list` is null: its values are the rows. */
export function finish(spec: ReduceSpec, partial: Partial): unknown {
  return fold(spec, partial.value);
}

/**
 * Of two answers of one contributor, the one whose canonical text is smaller: partials know no order of arrival, and
 * combining has to give the same whichever comes first.
 */
export function chosen(a: unknown, b: unknown): unknown {
  return a === b || canonicalText(a) <= canonicalText(b) ? a : b;
}
