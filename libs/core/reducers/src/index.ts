export { type Addition, createReduction, type ReduceKind, type ReduceSpec, type Reduction } from "./reduction.ts";
