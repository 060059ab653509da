import type { Cluster } from "./cluster.ts";
import { Questions } from "./evidence.ts";

export interface Joined {
  /** From taking questions to saying with evidence that it has what all have. */
  readonly joinedMs: number;
  readonly wrong: readonly string[];
  /** How often it said that all have the same before it knew them all. */
  readonly ofFewer: number;
}

/** One comes late: it gets the whole state, and says that all have the same when it has it, not before. It leaves again. */
export async function joinLate(cluster: Cluster): Promise<Joined> {
  const before = new Questions(cluster);
  const hash = await before.untilAgreed("all have the same before one joins");
  const node = await cluster.add();
  const questions = new Questions(cluster);
  let joinedMs = Number.NaN;
  await cluster.until(async () => {
    const answer = await questions.ask();
    if (answer?.node === node.id && answer.converged && answer.hash === hash) joinedMs = performance.now() - node.readyMs;
    return !Number.isNaN(joinedMs);
  }, "a late joiner has the whole state and says so");
  const { wrong, ofFewer } = questions.judge(Number.NEGATIVE_INFINITY, hash);
  await cluster.settled();
  await cluster.leave(node);
  return { joinedMs, wrong: wrong.map((said) => `${said.node} joined late and said too early that all have the same`), ofFewer };
}
