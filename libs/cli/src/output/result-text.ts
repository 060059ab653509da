import type { CoordinationResult } from "@nexus/contracts";
import { decisionText } from "./decision-text.ts";
import { outcomeText } from "./outcome-text.ts";
import { printableLine } from "./printable.ts";
import { missingTable } from "./rows-table.ts";
import { type Colour, milliseconds, type Style } from "./style.ts";

const colours: Record<CoordinationResult["status"], Colour> = { completed: "green", partial: "yellow", failed: "red" };
const MISSING_SHOWN_MAX = 50;

/** A result for people: what came of it first, how it was reached last. */
export function resultText(result: CoordinationResult, style: Style): string {
  const { agents } = result;
  const notes = [result.repeated ? "stored result of an earlier request" : undefined, result.dryRun ? "dry run" : undefined];
  const parts = [
    style.paint(colours[result.status], result.status),
    `${result.type} ${result.id}`,
    milliseconds(result.durationMs),
    `executed: ${result.executed}`,
    `id ${result.idempotency}`,
    ...notes.filter((note) => note !== undefined),
  ];
  const extra = agents.extra === 0 ? "" : `, ${agents.extra} not asked`;
  const { error } = result;
  return [
    `${parts.join("  ")}\n`,
    error === undefined ? "" : `${style.paint("red", printableLine(`${error.code}: ${error.message}`))}\n`,
    result.outcome === undefined ? "" : outcomeText(result.outcome, style),
    `${style.paint("bold", "agents")}    ${agents.responded} of ${agents.targeted} answered${extra}, ${agents.missingTotal} missing\n`,
    missingText(agents, style),
    result.decision === undefined ? "" : decisionText(result.decision, style),
    `${style.paint("bold", "router")}    ${result.router}${result.traceId === undefined ? "" : `  trace ${result.traceId}`}\n`,
  ].join("");
}

function missingText(agents: CoordinationResult["agents"], style: Style): string {
  if (agents.missing.length === 0) return "";
  const shown = agents.missing.slice(0, MISSING_SHOWN_MAX);
  const table = missingTable(shown, style);
  const more = agents.missingTotal - shown.length;
  return more > 0 ? `${table}… and ${more} more\n` : table;
}
