/** The coordination engine: targets, goals, the ladder, over ports. */
export { Dispatcher } from "./dispatcher.ts";
export { type Coordinated, type Coordination, Engine, type EngineDeps } from "./engine.ts";
export type { RunReport } from "./goals/run.ts";
export { isEligible, type Kept, type Rung, rungs } from "./ladder/promises.ts";
export type { Plan } from "./plan.ts";
export { type AgentEntry, isPresent, RoutingTable, type TableOptions, type Targets } from "./table/routing-table.ts";
