import type { Outcome, Values } from "./suite.ts";

const TOLD_MAX = 20;

/** One line; values and figures stand beside the rest, by name. */
export function jsonOf(chaos: string, values: Values, { violations, faults, figures }: Outcome): string {
  const told = violations.slice(0, TOLD_MAX);
  return `${JSON.stringify({ chaos, ...values, violations: violations.length, faults, ...figures, told })}\n`;
}

export function textOf(chaos: string, values: Values, { violations, faults, figures }: Outcome): string {
  const rows = [
    ...Object.entries(figures).map(([name, value]) => [name, String(Math.round(value * 10) / 10)]),
    ...Object.entries(faults).map(([kind, count]) => [`times ${kind}`, String(count)]),
  ];
  const width = Math.max(0, ...rows.map(([name = ""]) => name.length));
  const asked = Object.entries(values).map(([name, value]) => `${value} ${name}`);
  return [
    `${chaos}: ${asked.join(", ")}, ${violations.length} violations`,
    ...rows.map(([name = "", value = ""]) => `  ${name.padEnd(width)}  ${value}`),
    ...violations.slice(0, TOLD_MAX).map((violation) => `violated: ${violation}`),
    "",
  ].join("\n");
}
