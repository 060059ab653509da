import { valueAt } from "./field-path.ts";
import { mergeValues } from "./merge.ts";

/**
 * Many answers reduced to one value. Every reduction keeps what each contributor gave, by contributor, and folds it in
 * the order of their ids when it is finished: the value does not depend on the order of arrival, on how answers were
 * combined on the way, or on how often one was added.
 *
 * Invariants
 * R1. A contributor counts once, with its first answer.
 * R2. `finish` is a function of the set of contributions alone.
 * R3. An unusable answer changes nothing and says why.
 */

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

export type Addition = { readonly ok: true } | { readonly ok: false; readonly reason: string };

export interface Reduction {
  add(contributor: string, answer: unknown): Addition;
  /** Takes over the contributions of another reduction of the same spec. */
  combine(other: Reduction): void;
  has(contributor: string): boolean;
  readonly contributors: number;
  readonly contributions: ReadonlyMap<string, unknown>;
  /** A JSON value; null where there are no contributors (0 for `count`). A `list` is null: its values are the rows. */
  finish(): unknown;
}

export function createReduction(spec: ReduceSpec): Reduction {
  const contributions = new Map<string, unknown>();
  return {
    add(contributor, answer) {
      if (contributions.has(contributor)) return { ok: true };
      const usable = contributionOf(spec, answer);
      if (usable.ok) contributions.set(contributor, usable.value);
      return usable.ok ? { ok: true } : usable;
    },
    combine(other) {
      for (const [contributor, value] of other.contributions) {
        if (!contributions.has(contributor)) contributions.set(contributor, value);
      }
    },
    has: (contributor) => contributions.has(contributor),
    get contributors() {
      return contributions.size;
    },
    contributions,
    finish: () => finish(spec, contributions),
  };
}

function contributionOf(spec: ReduceSpec, answer: unknown): { ok: true; value: unknown } | { ok: false; reason: string } {
  if (spec.kind === "list" || spec.kind === "count") return { ok: true, value: spec.kind === "list" ? answer : null };
  const value = valueAt(answer, spec.field);
  const where = spec.field === undefined ? "the answer" : `field "${spec.field}"`;
  if (value === undefined) return { ok: false, reason: `${where} is absent` };
  switch (spec.kind) {
    case "merge":
      return { ok: true, value };
    case "topk":
      return rankable(spec, Array.isArray(value) ? value : [value], where);
    default:
      if (typeof value === "number" && Number.isFinite(value)) return { ok: true, value };
      return { ok: false, reason: `${where} is not a number` };
  }
}

/** An agent's own best k are enough for everybody's best k. */
function rankable(
  spec: ReduceSpec,
  items: readonly unknown[],
  where: string,
): { ok: true; value: unknown } | { ok: false; reason: string } {
  if (items.some((item) => rankOf(spec, item) === undefined)) {
    return {
      ok: false,
      reason: `${where} holds an item without a number or text ${spec.by === undefined ? "" : `at "${spec.by}" `}to rank it by`,
    };
  }
  const best = items.map((item, position) => ({ item, position }));
  best.sort((a, b) => compareRanks(spec, a.item, b.item) || a.position - b.position);
  return { ok: true, value: best.slice(0, spec.k ?? 10).map(({ item }) => item) };
}

function finish(spec: ReduceSpec, contributions: ReadonlyMap<string, unknown>): unknown {
  if (spec.kind === "count") return contributions.size;
  if (contributions.size === 0 || spec.kind === "list") return null;
  const inOrder = [...contributions].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value);
  const numbers = inOrder as number[];
  switch (spec.kind) {
    case "sum":
      return sumOf(numbers);
    case "mean":
      return sumOf(numbers) / numbers.length;
    case "min":
      return numbers.reduce((a, b) => Math.min(a, b));
    case "max":
      return numbers.reduce((a, b) => Math.max(a, b));
    case "histogram":
      return histogramOf(numbers, spec.bounds ?? []);
    case "topk":
      return topOf(spec, inOrder as unknown[][]);
    case "merge":
      return inOrder.reduce(mergeValues);
  }
}

/** Neumaier's compensated sum: the error does not grow with the number of terms. */
function sumOf(numbers: readonly number[]): number {
  let sum = 0;
  let lost = 0;
  for (const number of numbers) {
    const next = sum + number;
    lost += Math.abs(sum) >= Math.abs(number) ? sum - next + number : number - next + sum;
    sum = next;
  }
  const total = sum + lost;
  return Number.isFinite(total) ? total : Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, sum));
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

/** Ties go to the smaller contributor id, then to the earlier position: a stable sort of an ordered list. */
function topOf(spec: ReduceSpec, lists: readonly unknown[][]): unknown[] {
  return lists
    .flat()
    .sort((a, b) => compareRanks(spec, a, b))
    .slice(0, spec.k ?? 10);
}

function rankOf(spec: ReduceSpec, item: unknown): number | string | undefined {
  const rank = valueAt(item, spec.by);
  if (typeof rank === "number") return Number.isFinite(rank) ? rank : undefined;
  return typeof rank === "string" ? rank : undefined;
}

/** Numbers rank above texts, so that the order is total whatever agents answer. */
function compareRanks(spec: ReduceSpec, a: unknown, b: unknown): number {
  const [left, right] = [rankOf(spec, a) ?? "", rankOf(spec, b) ?? ""];
  const sign = spec.order === "ascending" ? 1 : -1;
  if (typeof left !== typeof right) return typeof left === "number" ? -1 : 1;
  return left === right ? 0 : left < right ? -sign : sign;
}
