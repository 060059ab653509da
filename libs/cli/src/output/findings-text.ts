import type { Finding, State } from "../doctor/check.ts";
import { printableLine } from "./printable.ts";
import type { Colour, Style } from "./style.ts";

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
    const line = `${style.paint(colour, mark)} ${check.padEnd(width)}  ${printableLine(detail)}`;
    return remedy === undefined ? [line] : [line, `${" ".repeat(width + 4)}→ ${printableLine(remedy)}`];
  });
  return `${lines.join("\n")}\n${verdict(findings, style)}\n`;
}

function verdict(findings: readonly Finding[], style: Style): string {
  const count = (wanted: State) => findings.filter(({ state }) => state === wanted).length;
  const [failed, warnings] = [count("failed"), count("warning")];
  const warned = warnings === 1 ? "1 warning" : `${warnings} warnings`;
  if (failed > 0)
    return style.paint("red", `${failed} of ${findings.length} checks failed${warnings === 0 ? "" : `, ${warned}`}`);
  return warnings > 0 ? style.paint("yellow", `nothing failed, ${warned}`) : style.paint("green", "nothing is wrong");
}
