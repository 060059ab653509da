import { isObject } from "./merge.ts";

/** A text that is the same for equal JSON values, whatever the order of their keys. For values of bounded depth. */
export function canonicalText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalText).join()}]`;
  if (!isObject(value)) return JSON.stringify(value) ?? "null";
  const fields = Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalText(value[key])}`);
  return `{${fields.join()}}`;
}

/** Whether a value nests at most so many levels of arrays and objects. */
export function isWithinDepth(value: unknown, levelsMax: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  if (levelsMax === 0) return false;
  return Object.values(value).every((inner) => isWithinDepth(inner, levelsMax - 1));
}
