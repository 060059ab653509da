/**
 * Many answers reduced to one value. Every reduction keeps what each contributor gave, by contributor, and folds it in
 * the order of their ids when it is finished: the value does not depend on the order of arrival, on how answers were
 * combined on the way, or on how often one was added. Its size is bounded by its caller, who bounds the contributors.
 *
 * Invariants
 * R1. A contributor counts once: with the first answer that was added, or, where two reductions that both heard it are
 *     combined, with one that does not depend on which came first.
 * R2. `finish` is a function of the set of contributions alone.
 * R3. An unusable answer changes nothing and says why.
 */
import { contributionOf, fold, type ReduceSpec } from "./contribution.ts";
import { chosen, type Partial } from "./partial.ts";

export type Addition = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/** Collects in place what `contribute` and `combine` would copy. */
export interface Reduction {
  /** O(size of the answer). A further answer of a contributor is ignored, and ok (R1). */
  add(contributor: string, answer: unknown): Addition;
  /** Takes over the contributions of another reduction of the same spec. */
  combine(other: Reduction): void;
  has(contributor: string): boolean;
  readonly contributors: number;
  readonly contributions: ReadonlyMap<string, unknown>;
  /** What is there so far, to be carried on elsewhere. */
  partial(): Partial;
  /** A JSON value; null where there are no contributors (0 for `count`). A `list` is null: its values are the rows. */
  finish(): unknown;
}

export function createReduction(spec: ReduceSpec): Reduction {
  const contributions = new Map<string, unknown>();
  const partial = (): Partial => {
    const inOrder = [...contributions].sort(([a], [b]) => (a < b ? -1 : 1));
    return { contributors: inOrder.map(([contributor]) => contributor), value: inOrder.map(([, value]) => value) };
  };
  return {
    add(contributor, answer) {
      if (contributions.has(contributor)) return { ok: true };
      const usable = contributionOf(spec, answer);
      if (usable.ok) contributions.set(contributor, usable.value);
      return usable.ok ? { ok: true } : usable;
    },
    combine(other) {
      for (const [contributor, value] of other.contributions) {
        const known = contributions.has(contributor);
        contributions.set(contributor, known ? chosen(contributions.get(contributor), value) : value);
      }
    },
    has: (contributor) => contributions.has(contributor),
    get contributors() {
      return contributions.size;
    },
    contributions,
    partial,
    finish: () => fold(spec, partial().value),
  };
}
