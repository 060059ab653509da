import type { GossipFrame } from "@nexus/core-gossip";
import { quantile, Simulation } from "@nexus/testing";
import { mean } from "../statistics.ts";
import type { Outcome, SimSuite, Values } from "../suite.ts";
import { ByteCount, GossipProcess } from "./gossip-process.ts";

/**
 * How many rounds one update takes to every node. Rounds are synchronous and push alone, unless `repair` is on, so that the
 * figures can stand beside what is published of push gossip (Frieze and Grimmett 1985; Pittel 1987).
 */

type Option = "nodes" | "fanout" | "loss" | "repair";
type Of = Values<Option>;

const ROUND_MS = 200;
const ROUNDS_MAX = 100;
const KEY = "update";

export const gossipSuite: SimSuite<Option> = {
  name: "gossip",
  summary: "rounds until one update is at every node",
  options: {
    nodes: { summary: "how many", min: 2, max: 20_000, default: 100 },
    fanout: { summary: "peers of a round; 0: ⌈log2 N⌉", min: 0, max: 100, default: 0 },
    loss: { summary: "share of frames that are lost", min: 0, max: 0.9, default: 0, isFraction: true },
    repair: { summary: "1: digests and deltas beside what is pushed", min: 0, max: 1, default: 0 },
  },
  run,
  figures: (measured) => {
    const rounds = measured.map((of) => of["rounds"] ?? Number.NaN);
    return {
      meanRounds: mean(rounds),
      p50Rounds: quantile(rounds, 0.5),
      p99Rounds: quantile(rounds, 0.99),
      maxRounds: Math.max(...rounds),
      framesPerNodePerRound: mean(measured.map((of) => of["frames"] ?? 0)),
      bytesPerNodePerRound: mean(measured.map((of) => of["bytes"] ?? 0)),
    };
  },
};

function run(seed: number, { nodes, fanout, loss, repair }: Of, withTranscript: boolean): Outcome {
  const world = new Simulation<GossipFrame>({ seed, network: { loss }, transcript: withTranscript });
  const members = Array.from({ length: nodes }, (_, index) => `n${index}`);
  const bytes = new ByteCount();
  const processes = members.map(
    (node) =>
      new GossipProcess({
        ...{ node, members: () => members, random: world.randomOf(node), roundMs: ROUND_MS, phaseMs: ROUND_MS },
        // Without repair news has to be told for longer, so that it reaches everybody.
        gossip: { fanout: fanout === 0 ? "log2" : fanout, ...(repair === 1 ? {} : { exchange: "push", hotFactor: 3 }) },
        onSend: (frame) => bytes.add(frame),
      }),
  );
  for (const [index, process] of processes.entries()) world.start(members[index] as string, process);
  world.call("n0", "put", (nowMs, out) => processes[0]?.put(KEY, '"new"', nowMs, out));
  let without = processes.slice(1);
  let rounds = 0;
  while (without.length > 0 && rounds < ROUNDS_MAX) {
    rounds++;
    world.runUntil((rounds + 1) * ROUND_MS - 1);
    without = without.filter(({ state }) => state.get(KEY) === undefined);
  }
  const perNodeAndRound = 1 / (nodes * rounds);
  return {
    violations: without.length === 0 ? [] : [`${without.length} of ${nodes} nodes are without it after ${ROUNDS_MAX} rounds`],
    faults: world.faults,
    measured: { rounds, frames: world.framesSent * perNodeAndRound, bytes: bytes.total * perNodeAndRound },
    transcript: world.transcript,
  };
}
