/** What Node itself offers behind the ports: time, randomness, and the process's own load. */
export { systemClock } from "./clock.ts";
export { createIds } from "./ids.ts";
export { createProcessGauge, type ProcessGauge } from "./process-gauge.ts";
