import type { Cut } from "../processes/cuttable-link.ts";
import { ASKER, type Cluster } from "./cluster.ts";
import { Questions } from "./evidence.ts";

export interface Healed {
  /** From the healing to everybody's word that all have the same. */
  readonly healedMs: number;
  /** How often somebody was asked while something was hidden. */
  readonly asked: number;
  readonly wrong: readonly string[];
  /** How often all had the same but for those that were held dead. */
  readonly ofFewer: number;
  /** Nobody else had what the one that was cut off wrote last. */
  readonly wasHidden: boolean;
}

export interface CutOptions {
  readonly cut: Cut;
  /** Until the others hold it dead; else for two seconds, in which nobody can. */
  readonly untilDead: boolean;
  /** First part of the keys that are written. */
  readonly keys: string;
}

const SHORT_MS = 2_000;
/** For so long nothing but what was hidden differs, so that only its silence speaks against the one that is cut off. */
const SILENCE_MS = 1_200;
const DEAD_WITHIN_MS = 20_000;
const TRIES_MAX = 1_000;

/**
 * One is cut off the moment that it has taken a write; later the others take one that it lacks. As long as they differ nobody
 * may say that all have the same; when it is healed, all come to have both.
 */
export async function cutOffOne(cluster: Cluster, { cut, untilDead, keys }: CutOptions): Promise<Healed> {
  const { behind, link } = cluster;
  cluster.excuse(behind);
  const hidden = await cutWhileWriting(cluster, cut, `${keys}/hidden`);
  const questions = new Questions(cluster);
  const askUntil = (isOver: () => boolean) =>
    cluster.until(
      async () => {
        await questions.ask();
        return isOver();
      },
      "the others hold one that is cut off dead",
      DEAD_WITHIN_MS,
    );
  await askUntil(() => performance.now() >= hidden.cutMs + SILENCE_MS);
  const seen = await writeElsewhere(cluster, `${keys}/seen`);
  await askUntil(() =>
    untilDead
      ? cluster.othersThan(behind).every(({ view }) => view.get(behind.id) === "dead")
      : performance.now() >= hidden.cutMs + SHORT_MS,
  );
  const wasHidden = !(await isThere(cluster, hidden.key));
  const healMs = performance.now();
  link.heal();
  const hash = await questions.untilAgreed("all have the same after one that was cut off is back");
  const healedMs = performance.now() - healMs;
  await cluster.settled();
  const { asked, wrong, ofFewer } = questions.judge(hidden.cutMs, hash);
  const violations = wrong.map((said) => `${said.node} said that all have the same while a write was hidden from it`);
  for (const key of [hidden.key, seen]) if (!(await isThere(cluster, key))) violations.push(`${key} is lost`);
  return { healedMs, asked, wrong: violations, ofFewer, wasHidden };
}

/** Writes until the one behind the link has taken a write: its answer is the last that passes. What others took, all have. */
async function cutWhileWriting(cluster: Cluster, cut: Cut, keys: string): Promise<{ key: string; cutMs: number }> {
  for (let index = 0; index < TRIES_MAX; index++) {
    await new Questions(cluster).untilAgreed("all have the same before one is cut off");
    const key = `${keys}/${index}`;
    const cutting = cluster.link.cutAfter(ASKER, cut);
    if ((await cluster.put(key, index)) === cluster.behind.id) return { key, cutMs: await cutting };
    cluster.link.heal(); // it shall answer questions
  }
  throw new Error("the node that is to be cut off took no write");
}

/** A silent one may be asked, and answers nobody: then another key is tried. */
async function writeElsewhere(cluster: Cluster, keys: string): Promise<string> {
  for (let index = 0; index < TRIES_MAX; index++) {
    const key = `${keys}/${index}`;
    const node = await cluster.put(key, index);
    if (node !== undefined && node !== cluster.behind.id) return key;
  }
  throw new Error("nobody took a write");
}

async function isThere(cluster: Cluster, key: string): Promise<boolean> {
  for (let index = 0; index < TRIES_MAX; index++) {
    const has = await cluster.has(key);
    if (has !== undefined) return has;
  }
  throw new Error("nobody answers");
}
