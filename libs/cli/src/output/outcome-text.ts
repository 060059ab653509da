import type { Outcome, OutcomeOf } from "@nexus/contracts";
import { clip, printable } from "./printable.ts";
import { rowsTable } from "./rows-table.ts";
import type { Style } from "./style.ts";

const ROWS_SHOWN_MAX = 20;
const DOCUMENT_CHARS_MAX = 4_000;
const TOKEN_CHARS_MAX = 1_000;

/** What the goal came to, each type in its own terms, then its rows. */
export function outcomeText(outcome: Outcome, style: Style): string {
  return `${headline(outcome, style)}\n${rowsText(outcome, style)}`;
}

function headline(outcome: Outcome, style: Style): string {
  switch (outcome.type) {
    case "broadcast":
      return outcome.ack === "none"
        ? "sent, no acknowledgement asked for"
        : `${outcome.acknowledged} of ${outcome.wanted} wanted acknowledgements (${outcome.ack}), ended by ${outcome.ended}`;
    case "gather":
      return gatherText(outcome, style);
    case "balance":
      return `${outcome.done} of ${outcome.pieces} pieces done, ended by ${outcome.ended}`;
    case "consensus":
      return `${style.paint("bold", outcome.decision)}: ${outcome.for} for, ${outcome.against} against, ${outcome.abstained} abstained; ${outcome.needed} of ${outcome.electorate} needed, ended by ${outcome.ended}`;
    case "causal":
      return causalText(outcome, style);
  }
}

function gatherText(outcome: OutcomeOf<"gather">, style: Style): string {
  const unusable = outcome.unusable === 0 ? "" : `, ${outcome.unusable} unusable`;
  const line = `${outcome.contributors} of ${outcome.wanted} wanted answers${unusable}, ended by ${outcome.ended}`;
  if (outcome.reduce === "list") return line;
  return `${line}\n${style.paint("bold", outcome.reduce)}: ${printable(clip(JSON.stringify(outcome.value, null, 2), DOCUMENT_CHARS_MAX))}`;
}

function causalText(outcome: OutcomeOf<"causal">, style: Style): string {
  const rows = outcome.operations.map((operation) => [
    operation.index,
    operation.operation,
    operation.after.length === 0 ? "–" : operation.after.join(", "),
    operation.status,
    `${operation.responded}/${operation.targeted}`,
    operation.concurrent === undefined || operation.concurrent.length === 0 ? "–" : operation.concurrent.join(", "),
    operation.gaps ?? "–",
  ]);
  const table = style.table(["step", "operation", "after", "status", "answered", "concurrent", "gaps"], rows).trimEnd();
  return `ended by ${outcome.ended}\n${table}${tokenText(outcome.token)}`;
}

/** A part of a token is none. */
function tokenText(token: string | undefined): string {
  if (token === undefined) return "";
  const shown = token.length > TOKEN_CHARS_MAX ? `${token.length} characters, shown with --json` : printable(token);
  return `\ntoken for what comes after: ${shown}`;
}

function rowsText(outcome: Outcome, style: Style): string {
  if (outcome.rows.length === 0) return "";
  const shown = outcome.rows.slice(0, ROWS_SHOWN_MAX);
  const table = rowsTable(shown, style);
  const more = outcome.rowsTotal - shown.length;
  return more > 0 ? `${table}… and ${more} more; nexus requests rows <id> shows all\n` : table;
}
