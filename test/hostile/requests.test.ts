import { afterAll, beforeAll, describe, it } from "vitest";
import { proveHarmless, proveRefused } from "./prove.ts";
import { harmless, refused } from "./tables.ts";
import { startWorld, type World } from "./world.ts";

/**
 * Proves of every request that must not be carried out: it is refused by its code and field, nothing ran for it, every
 * service is well, and its nearest legal variant works. And of those that only look so: they do what they say.
 */

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world?.stop());

describe.each(Object.entries(refused))("%s", (_area, cases) => {
  it.each(cases)("$name", (item) => proveRefused(world, item));
});

describe.each(Object.entries(harmless))("harmless: %s", (_area, cases) => {
  it.each(cases)("$name", (item) => proveHarmless(world, item));
});
