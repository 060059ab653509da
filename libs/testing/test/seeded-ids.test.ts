import fc from "fast-check";
import { expect, it } from "vitest";
import { createRandom, createSeededIds } from "../src/index.ts";

/** Proves that ids have the form the port asks for, and repeat with their seed. */

const draw = (seed: number) => {
  const ids = createSeededIds(seed);
  return Array.from({ length: 20 }, () => [ids.requestId(), ids.instanceName("Router, EU"), ids.random()]);
};

it("repeats with the seed, and differs without it", () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => void expect(draw(seed)).toEqual(draw(seed))),
    { numRuns: 20 },
  );
  expect(draw(1)).not.toEqual(draw(2));
});

it("makes ULIDs that are monotonic and unlike", () => {
  const ids = createSeededIds(7);
  const made = Array.from({ length: 1_000 }, () => ids.requestId());
  expect(made.every((id) => /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/.test(id))).toBe(true);
  expect([...made].sort()).toEqual(made);
  expect(new Set(made.map((id) => id.slice(10))).size).toBe(1_000);
});

it("makes names of the allowed form from any hint", () => {
  const ids = createSeededIds(7);
  fc.assert(
    fc.property(
      fc.string({ maxLength: 200 }),
      (hint) => void expect(ids.instanceName(hint)).toMatch(/^[a-z0-9][a-z0-9-]{0,62}$/),
    ),
  );
});

it("is uniform enough", () => {
  const random = createRandom(42);
  const counts = new Array<number>(10).fill(0);
  for (let i = 0; i < 100_000; i++) {
    const bucket = Math.floor(random() * 10);
    counts[bucket] = (counts[bucket] ?? 0) + 1;
  }
  expect(Math.min(...counts)).toBeGreaterThan(9_600);
  expect(Math.max(...counts)).toBeLessThan(10_400);
});

it("digests to 22 characters that tell bytes apart", () => {
  const ids = createSeededIds(1);
  const made = Array.from({ length: 5_000 }, (_, i) => ids.digest(new Uint8Array([i & 255, i >> 8])));
  expect(new Set(made).size).toBe(5_000);
  expect(made.every((digest) => /^[\w-]{22}$/.test(digest))).toBe(true);
  // FNV-1a of nothing is its offset basis, cbf29ce484222325: its first 60 bits are the first 10 characters.
  expect(ids.digest(new Uint8Array()).slice(0, 10)).toBe(
    Buffer.from("cbf29ce484222325", "hex").toString("base64url").slice(0, 10),
  );
});
