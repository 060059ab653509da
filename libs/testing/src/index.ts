/** What tests, simulations and benchmarks stand on: time, ids and randomness that repeat, and waiting for what does not. */
export { quantile } from "./quantile.ts";
export { createRandom } from "./random.ts";
export { nextTurn, runVirtually } from "./run-virtually.ts";
export { createSeededIds } from "./seeded-ids.ts";
export { EventQueue } from "./sim/event-queue.ts";
export { calm, evenly, type NetworkConditions } from "./sim/network.ts";
export { type Fault, type Outbox, type SimProcess, Simulation, type SimulationOptions } from "./sim/simulation.ts";
export { createVirtualClock, type VirtualClock } from "./virtual-clock.ts";
export { type Waiting, waitUntil } from "./wait-until.ts";
