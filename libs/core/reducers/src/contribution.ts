import { isWithinDepth } from "./canonical.ts";
import { valueAt } from "./field-path.ts";
import { mergeAll } from "./merge.ts";
import { meanOf, sumOf } from "./sum.ts";
import { bestOf } from "./topk.ts";

export type ReduceKind = "list" | "count" | "sum" | "mean" | "min" | "max" | "histogram" | "topk" | "merge";

export interface ReduceSpec {
  readonly kind: ReduceKind;
  /** Path of what is reduced within an answer; absent: the whole answer. */
  readonly field?: string | undefined;
  /** Of a top-k: path of the rank within an item; absent: the item itself. */
  readonly by?: string | undefined;
  readonly k?: number | undefined;
  readonly order?: "descending" | "ascending" | undefined;
  /** Of a histogram: upper bounds (inclusive), ascending; one more bucket takes what is above. */
  readonly bounds?: readonly number[] | undefined;
}

export type Usable = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly reason: string };

/** Levels that a merged or ranked answer may nest: a hostile one must not exhaust the stack. */
const LEVELS_MAX = 128;

/** What of an answer is kept until the end: a number, an agent's own best k, a document. */
export function contributionOf(spec: ReduceSpec, answer: unknown): Usable {
  if (spec.kind === "list" || spec.kind === "count") return { ok: true, value: null };
  const value = valueAt(answer, spec.field);
  const where = spec.field === undefined ? "the answer" : `field "${spec.field}"`;
  if (value === undefined) return { ok: false, reason: `${where} is absent` };
  if (spec.kind !== "merge" && spec.kind !== "topk") {
    if (typeof value === "number" && Number.isFinite(value)) return { ok: true, value };
    return { ok: false, reason: `${where} is not a number` };
  }
  if (!isWithinDepth(value, LEVELS_MAX)) return { ok: false, reason: `${where} nests more than ${LEVELS_MAX} levels` };
  if (spec.kind === "merge") return { ok: true, value };
  // An agent's own best k are enough for everybody's best k.
  const best = bestOf(spec, Array.isArray(value) ? value : [value]);
  if (best !== undefined) return { ok: true, value: best };
  const at = spec.by === undefined ? "" : `at "${spec.by}" `;
  return { ok: false, reason: `${where} holds an item without a number or text ${at}to rank it by` };
}

/**
 * Folds contributions, given in the order of their contributors' ids, into a JSON value; null where there are none (0
 * for `count`). A `list` is null: its values are the rows.
 */
export function fold(spec: ReduceSpec, contributions: readonly unknown[]): unknown {
  if (spec.kind === "count") return contributions.length;
  if (contributions.length === 0 || spec.kind === "list") return null;
  const numbers = contributions as number[];
  switch (spec.kind) {
    case "sum":
      return sumOf(numbers);
    case "mean":
      return meanOf(numbers);
    case "min":
      return numbers.reduce((a, b) => Math.min(a, b));
    case "max":
      return numbers.reduce((a, b) => Math.max(a, b));
    case "histogram":
      return histogramOf(numbers, spec.bounds ?? []);
    case "topk":
      // Ties go to the smaller contributor id, then to the earlier position: the sort is stable.
      return bestOf(spec, contributions.flat(1)) ?? [];
    case "merge":
      return mergeAll(contributions);
  }
}

function histogramOf(numbers: readonly number[], bounds: readonly number[]): unknown {
  const counts = new Array<number>(bounds.length + 1).fill(0);
  for (const number of numbers) {
    const found = bounds.findIndex((bound) => number <= bound);
    const bucket = found === -1 ? bounds.length : found;
    counts[bucket] = (counts[bucket] ?? 0) + 1;
  }
  return { bounds: [...bounds], counts, count: numbers.length };
}
