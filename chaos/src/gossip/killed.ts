import type { Cluster } from "./cluster.ts";

const DEADLINE_MS = 15_000;

/** One is killed: how long until each other one holds it dead. Another one takes its place. */
export async function killOne(cluster: Cluster, victim: number): Promise<number[]> {
  const node = cluster.direct[victim % cluster.direct.length];
  if (node === undefined) throw new Error("nobody is there to be killed");
  const heardMs = new Map<string, number>();
  const stop = cluster.onChange(({ observer, member, state, atMs }) => {
    if (member === node.id && state === "dead" && !heardMs.has(observer)) heardMs.set(observer, atMs);
  });
  try {
    const killedMs = await cluster.kill(node);
    await cluster.until(() => cluster.nodes.every(({ id }) => heardMs.has(id)), "all hold a killed node dead", DEADLINE_MS);
    await cluster.add();
    await cluster.settled();
    return cluster.nodes.flatMap(({ id }) => heardMs.get(id) ?? []).map((atMs) => atMs - killedMs);
  } finally {
    stop();
  }
}
