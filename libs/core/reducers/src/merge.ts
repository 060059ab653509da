/** Items of an array that a merge keeps when it concatenates. */
const ITEMS_MAX = 10_000;

/**
 * Merges documents in the order given: numbers add (kept finite), objects merge key by key, arrays concatenate up to
 * 10,000 items, and of two values that do not go together the first stays. The documents are not changed. Linear in their
 * size: what the merge created itself it extends in place, so that a thousand documents are not copied a thousand times.
 */
export function mergeAll(documents: readonly unknown[]): unknown {
  const owned = new WeakSet<object>();
  return documents.reduce((merged, document) => mergeInto(merged, document, owned));
}

function mergeInto(a: unknown, b: unknown, owned: WeakSet<object>): unknown {
  if (typeof a === "number" && typeof b === "number") return clampFinite(a + b);
  if (Array.isArray(a) && Array.isArray(b)) {
    const items: unknown[] = owned.has(a) ? a : a.slice(0, ITEMS_MAX);
    owned.add(items);
    const room = Math.min(b.length, ITEMS_MAX - items.length);
    for (let index = 0; index < room; index++) items.push(b[index]);
    return items;
  }
  if (!isObject(a) || !isObject(b)) return a;
  const merged = owned.has(a) ? a : { ...a };
  owned.add(merged);
  for (const key of Object.keys(b)) {
    setOwn(merged, key, Object.hasOwn(merged, key) ? mergeInto(merged[key], b[key], owned) : b[key]);
  }
  return merged;
}

/** An own property whatever the key is called: assigning to `__proto__` would change the prototype instead. */
function setOwn(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key !== "__proto__") target[key] = value;
  else Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
}

/** JSON has no infinity. */
export function clampFinite(number: number): number {
  return Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, number));
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
