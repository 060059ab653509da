import { encode } from "@nexus/contracts";
import { fanoutFor, type GossipFrame } from "@nexus/core-gossip";
import { Simulation } from "@nexus/testing";
import { mean } from "../statistics.ts";
import type { Outcome, SimSuite, Values } from "../suite.ts";
import { ByteCount, GossipProcess } from "./gossip-process.ts";

/**
 * Bytes that a node sends in a round, once all have the same state and while `updates` of its values change in each round.
 * Beside it what two simpler ways would send for the same, encoded in the same way:
 * full push: the whole state to as many peers each round, as the simplest gossip does;
 * broadcast: each update once, which NATS delivers to every node; nothing while nothing changes, and nothing is ever repaired.
 */

type Option = "nodes" | "keys" | "valueChars" | "updates";
type Of = Values<Option>;

const ROUND_MS = 200;
const SETTLED_WITHIN_MS = 60_000;
const ROUNDS_MEASURED = 50;

export const gossipBytesSuite: SimSuite<Option> = {
  name: "gossip-bytes",
  summary: "bytes of a node in a round, beside pushing the whole state and beside plain broadcast",
  options: {
    nodes: { summary: "how many", min: 2, max: 200, default: 12 },
    keys: { summary: "values in the state", min: 1, max: 100_000, default: 1_000 },
    valueChars: { summary: "characters of a value", min: 1, max: 10_000, default: 100 },
    updates: { summary: "values that change in each round; 0: idle", min: 0, max: 1_000, default: 0 },
  },
  run,
  figures: (measured) => {
    const of = (name: string) => mean(measured.map((one) => one[name] ?? Number.NaN));
    return {
      bytesPerNodePerRound: of("bytes"),
      fullPushBytesPerNodePerRound: of("fullPush"),
      broadcastBytesPerNodePerRound: of("broadcast"),
      fullPushRatio: of("fullPush") / of("bytes"),
    };
  },
};

function run(seed: number, { nodes, keys, valueChars, updates }: Of, withTranscript: boolean): Outcome {
  const world = new Simulation<GossipFrame>({ seed, transcript: withTranscript });
  const members = Array.from({ length: nodes }, (_, index) => `n${index}`);
  let bytes = new ByteCount();
  const processes = members.map((node) => {
    const random = world.randomOf(node);
    const phaseMs = 1 + random() * ROUND_MS;
    const onSend = (frame: GossipFrame) => bytes.add(frame);
    return new GossipProcess({ node, members: () => members, random, roundMs: ROUND_MS, phaseMs, gossip: {}, onSend });
  });
  for (const [index, process] of processes.entries()) world.start(members[index] as string, process);
  const write = (key: number, version: number): void => {
    const at = key % nodes;
    const value = JSON.stringify(String(version).padStart(valueChars, "x"));
    world.call(members[at] as string, "put", (nowMs, out) => processes[at]?.put(`key-${key}`, value, nowMs, out));
  };
  for (let key = 0; key < keys; key++) write(key, 0);
  const differ = () => processes.some(({ state }) => state.size < keys || state.hash !== processes[0]?.state.hash);
  const isSettled = world.runWhile(differ, SETTLED_WITHIN_MS);
  world.runUntil(world.nowMs + 20 * ROUND_MS); // until nothing is news any more
  bytes = new ByteCount();
  const random = world.randomOf("updates");
  for (let round = 1; round <= ROUNDS_MEASURED; round++) {
    for (let update = 0; update < updates; update++) write(Math.floor(random() * keys), round);
    world.runUntil(world.nowMs + ROUND_MS);
  }
  const entries = [...(processes[0]?.state.values() ?? [])];
  return {
    violations: isSettled ? [] : [`nodes still differ after ${SETTLED_WITHIN_MS} ms`],
    faults: world.faults,
    measured: {
      bytes: bytes.total / (nodes * ROUNDS_MEASURED),
      fullPush: bytesOf(entries) * fanoutFor(nodes, "log2"),
      broadcast: (bytesOf(entries[0]) * updates) / nodes,
    },
    transcript: world.transcript,
  };
}

function bytesOf(value: unknown): number {
  return encode(value as never, "msgpack").byteLength;
}
