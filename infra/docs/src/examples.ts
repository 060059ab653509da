import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { JsonValue, MessageName } from "@nexus/contracts";
import { messageNames } from "./schemas.ts";

/** A message as it is on the wire. */
export interface Example {
  readonly message: MessageName;
  /** What distinguishes it from the message's other examples: the middle of `result.partial.json`. */
  readonly variant: string;
  readonly value: JsonValue;
}

const folder = join(import.meta.dirname, "../examples");

/** The example files, `<message>[.<variant>].json`, by name. @throws Error for a file that is named after no message */
export function readExamples(): Example[] {
  return readdirSync(folder)
    .sort()
    .map((file) => {
      const [name = "", variant = ""] = file.replace(/\.json$/, "").split(".");
      const message = messageNames.find((known) => known === name);
      if (message === undefined) throw new Error(`${file}: there is no message "${name}"`);
      return { message, variant: variant.replaceAll("-", " "), value: JSON.parse(readFileSync(join(folder, file), "utf8")) };
    });
}

const LINE_CHARS_MAX = 118;

/** JSON as people write it: what fits a line is one line. */
export function readableJson(value: unknown, indent = ""): string {
  const line = inOneLine(value);
  if (indent.length + line.length <= LINE_CHARS_MAX || value === null || typeof value !== "object") return line;
  const deeper = `${indent}  `;
  const parts = Array.isArray(value)
    ? value.map((item) => readableJson(item, deeper))
    : Object.entries(value).map(([key, member]) => `${JSON.stringify(key)}: ${readableJson(member, deeper)}`);
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  return `${open}\n${parts.map((part) => deeper + part).join(",\n")}\n${indent}${close}`;
}

function inOneLine(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(inOneLine).join(", ")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const members = Object.entries(value).map(([key, member]) => `${JSON.stringify(key)}: ${inOneLine(member)}`);
  return members.length === 0 ? "{}" : `{ ${members.join(", ")} }`;
}
