export function biomeConfig(): {
  vcs: unknown;
  linter: { rules: { correctness: Record<string, string> } };
} & Record<string, unknown>;
