/** @param share in [0, 1]; the nearest rank, so that the result is one of the values; NaN of none */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] ?? Number.NaN;
}

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
