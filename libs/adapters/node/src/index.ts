/** Time, ids and the process's own load, from Node. */
export { createIds } from "./ids.ts";
export { createProcessGauge, type ProcessGauge } from "./process-gauge.ts";
export { systemClock } from "./system-clock.ts";
