import type { SimSuite } from "../suite.ts";

/** Every simulation, by name. */
export const suites: ReadonlyMap<string, SimSuite> = new Map(([] as SimSuite[]).map((suite) => [suite.name, suite]));
