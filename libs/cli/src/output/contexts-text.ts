import type { Context } from "../contexts/context.ts";
import { printableLine } from "./printable.ts";
import type { Style } from "./style.ts";

interface Shown extends Context {
  readonly name: string;
  readonly current: boolean;
}

/** @param rows without secrets */
export function contextsTable(rows: readonly Shown[], style: Style): string {
  if (rows.length === 0) return "no contexts; nexus context add <name> keeps one\n";
  return style.table(
    ["", "context", "server", "prefix", "user", "description"],
    rows.map(({ name, current, server, prefix, user, creds, description }) => [
      current ? { colour: "green" as const, word: "*" } : "",
      name,
      server ?? "–",
      prefix ?? "–",
      user ?? creds ?? "–",
      description ?? "–",
    ]),
  );
}

/** @param context without secrets */
export function contextText({ name, current, ...context }: Shown): string {
  const fields = Object.entries(context).filter(([, value]) => value !== undefined);
  const width = Math.max(0, ...fields.map(([key]) => key.length));
  const lines = fields.map(([key, value]) => `  ${key.padEnd(width)}  ${printableLine(String(value))}`);
  return `${name}${current ? "  (in use)" : ""}\n${lines.join("\n")}${lines.length === 0 ? "" : "\n"}`;
}
