export { createRoundRobin, type RoundRobinPicker } from "./round-robin.ts";
