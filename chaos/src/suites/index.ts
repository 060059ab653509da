import type { ChaosSuite } from "../suite.ts";
import { gossipSuite } from "./gossip.ts";

/** Every suite, by name. */
export const suites: ReadonlyMap<string, ChaosSuite> = new Map(
  ([gossipSuite] as readonly ChaosSuite[]).map((suite) => [suite.name, suite]),
);
