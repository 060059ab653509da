import fc from "fast-check";
import type { Update } from "../src/frames.ts";

/** Updates for tests: whole with what is said of them, or any. */

export function updateAbout(id: string, said: Partial<Update> = {}): Update {
  return { id, incarnation: 1, state: "alive", meta: { version: "1" }, ...said };
}

export function anyUpdate(ids: fc.Arbitrary<string>): fc.Arbitrary<Update> {
  return fc
    .record({
      id: ids,
      incarnation: fc.nat(4),
      state: fc.constantFrom("alive" as const, "suspect" as const, "dead" as const, "left" as const),
      meta: fc.record({ version: fc.constantFrom("1", "2") }),
    })
    .map((update) => {
      if (update.state === "alive") return update;
      return update.state === "suspect" ? { ...update, by: ["a"] } : { ...update, ageMs: 0 };
    });
}
