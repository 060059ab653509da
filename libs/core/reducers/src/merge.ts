/** Items of an array that a merge keeps. */
const ITEMS_MAX = 10_000;

/**
 * Merges two documents: numbers add, objects merge key by key, arrays concatenate, and of two values that do not go
 * together the first stays. Deterministic for a given order.
 */
export function mergeValues(a: unknown, b: unknown): unknown {
  if (typeof a === "number" && typeof b === "number") return a + b;
  if (Array.isArray(a) && Array.isArray(b)) return [...a, ...b].slice(0, ITEMS_MAX);
  if (!isObject(a) || !isObject(b)) return a;
  const merged: Record<string, unknown> = {};
  for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
    const value = !Object.hasOwn(b, key) ? a[key] : !Object.hasOwn(a, key) ? b[key] : mergeValues(a[key], b[key]);
    // An own property whatever the key is called, `__proto__` included.
    Object.defineProperty(merged, key, { value, enumerable: true, configurable: true, writable: true });
  }
  return merged;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
