export { canonicalText } from "./canonical.ts";
export type { ReduceKind, ReduceSpec } from "./contribution.ts";
export { combine, contribute, emptyPartial, finish, type Partial } from "./partial.ts";
export { type Addition, createReduction, type Reduction } from "./reduction.ts";
