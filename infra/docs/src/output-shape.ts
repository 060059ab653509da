/** Whether what a command said has the shape that a page shows: all of what is shown, and perhaps more. */

/** Fields that differ from run to run: there they must be, and of the type that is shown. */
const varying = /^(?:id|traceId|router|boot|instance|message|why|us|tableVersion|detail)$|Ms$|MsAgo$/;
const ANY = "…";

/** @returns what is missing or different, by path; empty when it fits */
export function jsonFaults(shown: unknown, said: unknown, path = "$"): string[] {
  if (shown === ANY) return said === undefined ? [`${path} is not there`] : [];
  if (typeof shown !== typeof said || Array.isArray(shown) !== Array.isArray(said) || (shown === null) !== (said === null)) {
    return [`${path}: ${JSON.stringify(said)?.slice(0, 200)} instead of ${JSON.stringify(shown)}`];
  }
  if (shown === null || typeof shown !== "object") {
    const field = path.split(".").at(-1) ?? "";
    return shown === said || varying.test(field) ? [] : [`${path}: ${JSON.stringify(said)} instead of ${JSON.stringify(shown)}`];
  }
  if (Array.isArray(shown)) return arrayFaults(shown, said as unknown[], path);
  return Object.entries(shown).flatMap(([key, member]) =>
    jsonFaults(member, (said as Record<string, unknown>)[key], `${path}.${key}`),
  );
}

/** A last `"…"` stands for any number of further items. */
function arrayFaults(shown: readonly unknown[], said: readonly unknown[], path: string): string[] {
  const open = shown.at(-1) === ANY;
  const items = open ? shown.slice(0, -1) : shown;
  if (open ? said.length < items.length : said.length !== items.length) {
    return [`${path} has ${said.length} items instead of ${items.length}`];
  }
  return items.flatMap((item, index) => jsonFaults(item, said[index], `${path}[${index}]`));
}

/**
 * Each line that is shown must be among those that were said, in the same order; `…` stands for anything within a line.
 * @returns the first line that is not there
 */
export function textFaults(shown: string, said: string): string[] {
  const lines = said.split("\n");
  let from = 0;
  for (const line of shown.split("\n").filter((text) => text.trim() !== "" && text.trim() !== ANY)) {
    const pattern = patternOf(line);
    const found = lines.findIndex((text, index) => index >= from && pattern.test(text));
    if (found < 0) return [`no line "${line}" after line ${from} of:\n${said.slice(-3_000)}`];
    from = found + 1;
  }
  return [];
}

function patternOf(line: string): RegExp {
  const parts = line
    .trim()
    .split(/\s*…\s*/)
    .map((part) => part.split(/\s+/).map(escaped).join("\\s+"));
  return new RegExp(`^\\s*${parts.join(".*")}\\s*$`);
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
