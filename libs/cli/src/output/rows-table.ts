import type { JsonValue, MissingAgent, Row } from "@nexus/contracts";
import { clip } from "./printable.ts";
import { milliseconds, type Style } from "./style.ts";

const VALUE_CHARS_MAX = 60;

/** Rows of an outcome; columns that none of them fills are left out. */
export function rowsTable(rows: readonly Row[], style: Style): string {
  if (rows.length === 0) return "no rows\n";
  const indexed = rows.some(({ index }) => index !== undefined);
  // Answers that were reduced to one value are not told one by one.
  const answered = rows.some(({ value, error }) => value !== undefined || error !== undefined);
  return style.table(
    [...(indexed ? ["#"] : []), "agent", "status", ...(answered ? ["answer"] : []), "took"],
    rows.map((row) => [
      ...(indexed ? [row.index ?? "–"] : []),
      row.agent ?? "–",
      { colour: row.status === "ok" ? ("green" as const) : ("red" as const), word: row.status },
      ...(answered ? [answerOf(row)] : []),
      row.serviceTimeMs === undefined ? "–" : milliseconds(row.serviceTimeMs),
    ]),
  );
}

export function missingTable(missing: readonly MissingAgent[], style: Style): string {
  if (missing.length === 0) return "no agent is missing\n";
  return style.table(
    ["missing", "reason", "message"],
    missing.map(({ agent, reason, message }) => [agent, reason, message ?? "–"]),
  );
}

function answerOf(row: Row): string {
  if (row.error !== undefined) return clip(`${row.error.code}: ${row.error.message}`, VALUE_CHARS_MAX);
  return row.value === undefined ? "–" : clip(shortly(row.value), VALUE_CHARS_MAX);
}

function shortly(value: JsonValue): string {
  return typeof value === "string" ? value.replaceAll("\n", " ") : JSON.stringify(value);
}
