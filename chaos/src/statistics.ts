import { quantile } from "@nexus/testing";

/** Whole milliseconds, by name; nothing where nothing was measured. */
export function figuresOf(name: string, values: readonly number[]): Record<string, number> {
  if (values.length === 0) return {};
  return Object.fromEntries(
    (
      [
        ["P50", 0.5],
        ["P99", 0.99],
        ["Max", 1],
      ] as const
    ).map(([end, share]) => [`${name}Ms${end}`, Math.round(quantile(values, share))]),
  );
}
