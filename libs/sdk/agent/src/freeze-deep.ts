import type { JsonValue } from "@nexus/contracts";

/** Freezes a decoded document, whose depth the codec has bounded. */
export function freezeDeep(value: JsonValue | undefined): void {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const member of Object.values(value)) freezeDeep(member);
}
