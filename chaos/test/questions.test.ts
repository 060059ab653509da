/** Which answers count against a node that says that all have the same, and which do not. */
import type { GossipConverged } from "@nexus/contracts";
import { beforeEach, expect, test, vi } from "vitest";
import type { Cluster } from "../src/gossip/cluster.ts";
import { FRESH_MS, Questions } from "../src/gossip/evidence.ts";

const nodes = ["a", "b"].map((id) => ({ id }));
let answer: Partial<GossipConverged> | undefined;
const cluster = { nodes, converged: async () => answer } as unknown as Cluster;
const says = (node: string, converged: boolean, hash: string, others: readonly string[] = ["a", "b"]) => ({
  ...{ v: 1 as const, node, converged, hash, keys: 1 },
  members: others.filter((other) => other !== node).map((other) => ({ node: other, agrees: converged })),
});
let nowMs = 0;
beforeEach(() => {
  nowMs = 0;
  vi.spyOn(performance, "now").mockImplementation(() => nowMs);
});

async function judged(...said: readonly [atMs: number, answer: Partial<GossipConverged> | undefined][]) {
  const questions = new Questions(cluster);
  for (const [atMs, next] of said) {
    [nowMs, answer] = [atMs, next];
    await questions.ask();
  }
  const { asked, wrong, ofFewer } = questions.judge(1_000, "all");
  return [asked, wrong.length, ofFewer];
}

test("a word counts when no older one may have been fresh", async () => {
  expect(await judged([1_000 + FRESH_MS, says("a", true, "some")])).toEqual([0, 0, 0]);
  expect(await judged([1_100 + FRESH_MS, says("a", true, "some")])).toEqual([1, 1, 0]);
});

test("who has everything, says no, or does not answer is right", async () => {
  expect(await judged([2_000, says("a", true, "all")], [2_000, says("a", false, "some")], [2_000, undefined])).toEqual([2, 0, 0]);
});

test("who speaks of fewer, since it holds the others dead or does not know them yet, is counted apart", async () => {
  expect(await judged([2_000, says("a", true, "some", ["a"])])).toEqual([1, 0, 1]);
});

test("all agree when each one's last word is yes, of the same", async () => {
  const questions = new Questions(cluster);
  const agreed = async (said: Partial<GossipConverged>) => {
    answer = said;
    await questions.ask();
    return questions.agreed(cluster.nodes);
  };
  expect(await agreed(says("a", true, "all"))).toBeUndefined();
  expect(await agreed(says("b", true, "some"))).toBeUndefined();
  expect(await agreed(says("b", true, "all"))).toBe("all");
  expect(await agreed(says("a", false, "all"))).toBeUndefined();
});
