import type { SimSuite } from "../suite.ts";
import { causalSuite } from "./causal.ts";
import { gossipSuite } from "./gossip.ts";
import { gossipBytesSuite } from "./gossip-bytes.ts";
import { gossipFaultsSuite } from "./gossip-faults.ts";
import { swimSuite } from "./swim.ts";

/** Every simulation, by name. */
export const suites: ReadonlyMap<string, SimSuite> = new Map(
  ([causalSuite, gossipSuite, gossipFaultsSuite, gossipBytesSuite, swimSuite] as readonly SimSuite[]).map((suite) => [
    suite.name,
    suite,
  ]),
);
