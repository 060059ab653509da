import type { Suite } from "../suite.ts";
import { routerSuite } from "./router.ts";

/** Every suite, by name. */
export const suites: ReadonlyMap<string, Suite> = new Map([routerSuite].map((suite) => [suite.name, suite]));
