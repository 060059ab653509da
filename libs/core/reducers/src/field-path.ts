/** The value at a dotted path of own properties; array positions are written as numbers. Absent: undefined. */
export function valueAt(value: unknown, path: string | undefined): unknown {
  if (path === undefined) return value;
  let at = value;
  for (const name of path.split(".")) {
    if (at === null || typeof at !== "object" || !Object.hasOwn(at, name)) return undefined;
    at = (at as Record<string, unknown>)[name];
  }
  return at;
}
