import { setTimeout as elapse } from "node:timers/promises";
import type { Watch } from "../suite.ts";
import type { Cluster } from "./cluster.ts";

/** How long a process may stand still and not be held dead. */
const STOPPED_MS = 2_000;

/** One is stopped for two seconds and goes on. @returns how long it was really stopped */
export async function stopOne(cluster: Cluster, victim: number, { signal }: Watch): Promise<number> {
  const node = cluster.direct[victim % cluster.direct.length];
  if (node === undefined) throw new Error("nobody is there to be stopped");
  const fromMs = performance.now();
  node.process.signal("SIGSTOP");
  try {
    await elapse(STOPPED_MS, undefined, { signal }); // the fault itself, not a wait for something
  } finally {
    node.process.signal("SIGCONT");
  }
  const stoppedMs = performance.now() - fromMs;
  // Suspicions that are under way are over when everybody holds it for alive with what it said since.
  await cluster.settled();
  return stoppedMs;
}
