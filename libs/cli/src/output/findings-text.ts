import type { Finding, State } from "../doctor/checks.ts";
import { type Colour, printable, type Style } from "./style.ts";

const marks: Record<State, readonly [string, Colour]> = {
  ok: ["✓", "green"],
  warning: ["!", "yellow"],
  failed: ["✗", "red"],
  skipped: ["–", "gray"],
};

export function findingsText(findings: readonly Finding[], style: Style): string {
  const width = Math.max(...findings.map(({ check }) => check.length));
  const lines = findings.flatMap(({ check, state, detail, remedy }) => {
    const [mark, colour] = marks[state];
    const line = `${style.paint(colour, mark)} ${check.padEnd(width)}  ${printable(detail)}`;
    return remedy === undefined ? [line] : [line, `${" ".repeat(width + 4)}→ ${remedy}`];
  });
  const failed = findings.filter(({ state }) => state === "failed").length;
  const verdict = failed === 0 ? "nothing is wrong" : `${failed} of ${findings.length} checks failed`;
  return `${lines.join("\n")}\n${style.paint(failed === 0 ? "green" : "red", verdict)}\n`;
}
