import { runCausal } from "../causal/world.ts";
import type { SimSuite } from "../suite.ts";

type Name = "nodes" | "routers" | "operations" | "loss" | "duplicates" | "reordering";

/** Causal delivery under faults, held against a graph of what happened before what. */
export const causalSuite: SimSuite<Name> = {
  name: "causal",
  summary: "operations of several routers in causal order, under loss, duplicates, reordering, partitions and restarts",
  options: {
    nodes: { summary: "agents", min: 1, max: 200, default: 8 },
    routers: { summary: "routers", min: 1, max: 10, default: 3 },
    operations: { summary: "operations of a run", min: 1, max: 2_000, default: 120 },
    loss: { summary: "share of frames lost, before everything heals", min: 0, max: 0.9, default: 0.3, isFraction: true },
    duplicates: { summary: "share of frames that come twice", min: 0, max: 1, default: 0.5, isFraction: true },
    reordering: { summary: "share of frames held back", min: 0, max: 1, default: 0.3, isFraction: true },
  },
  run: (seed, values, withTranscript) => runCausal(seed, values, withTranscript),
  figures(measured) {
    const total = (name: string) => measured.reduce((sum, run) => sum + (run[name] ?? 0), 0);
    const delivered = total("delivered");
    return {
      operations: total("sent"),
      delivered,
      meanWaitMs: delivered === 0 ? 0 : total("waitedMs") / delivered,
      waitingMax: Math.max(0, ...measured.map(({ waitingMax = 0 }) => waitingMax)),
      asks: total("asks"),
      resent: total("resent"),
      gaps: total("gaps"),
      overflows: total("overflows"),
      frames: total("frames"),
    };
  },
};
