/** What tests and benchmarks stand on: time, ids and randomness that repeat, and waiting for what does not. */
export { createRandom } from "./random.ts";
export { nextTurn, runVirtually } from "./run-virtually.ts";
export { createSeededIds } from "./seeded-ids.ts";
export { createVirtualClock, type VirtualClock } from "./virtual-clock.ts";
export { type Waiting, waitUntil } from "./wait-until.ts";
