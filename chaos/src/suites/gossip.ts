import { quantile } from "@nexus/testing";
import { Cluster } from "../gossip/cluster.ts";
import { cutOffOne } from "../gossip/cut-off.ts";
import { joinLate } from "../gossip/joined.ts";
import { killOne } from "../gossip/killed.ts";
import { stopOne } from "../gossip/stopped.ts";
import { figuresOf } from "../statistics.ts";
import type { ChaosSuite, Outcome, Watch } from "../suite.ts";

/** What `services/gossip` promises, at real processes: who is dead is known soon, who lives is never held dead, all converge. */

type Name = "nodes" | "repetitions";

/** p99 of the time until one that was killed is held dead. */
const DETECTED_MS_P99_MAX = 5_000;
/** What a late joiner has to get. */
const KEYS = 200;
const VALUE = "x".repeat(100);

export const gossipSuite: ChaosSuite<Name> = {
  name: "gossip",
  summary: "nodes are killed, stopped for 2 s, join late and are cut off while they write",
  options: {
    nodes: { summary: "processes of the gossip service", min: 3, max: 50, default: 12 },
    repetitions: { summary: "how often each fault is brought about", min: 1, max: 1_000, default: 20 },
  },
  run: async ({ nodes, repetitions }, watch) => await new Run(nodes, repetitions, watch).outcome(),
};

class Run {
  readonly #nodes: number;
  readonly #repetitions: number;
  readonly #watch: Watch;
  readonly #violations: string[] = [];
  readonly #faults = { killed: 0, stopped: 0, joined: 0, cutOff: 0, hidden: 0 };
  readonly #times = { detected: [] as number[], stopped: [] as number[], joined: [] as number[], healed: [] as number[] };
  readonly #counts = {
    falseDeaths: 0,
    suspicions: 0,
    askedWhileHidden: 0,
    convergedBeforeKnowingAll: 0,
    convergedButForTheDead: 0,
  };
  #cluster: Cluster | undefined;

  constructor(nodes: number, repetitions: number, watch: Watch) {
    this.#nodes = nodes;
    this.#repetitions = repetitions;
    this.#watch = watch;
  }

  async outcome(): Promise<Outcome> {
    const { detected, stopped, joined, healed } = this.#times;
    try {
      await this.#each("killed", async (cluster, repetition) => {
        const delays = await killOne(cluster, repetition);
        detected.push(...delays);
        this.#faults.killed++;
        const [last, p99] = [quantile(delays, 1), quantile(detected, 0.99)].map(Math.round);
        return `${last} ms until all hold it dead; p99 so far ${p99} ms`;
      });
      await this.#each("stopped", async (cluster, repetition) => {
        stopped.push(await stopOne(cluster, repetition, this.#watch));
        this.#faults.stopped++;
        return `${cluster.falseDeaths.length} held dead`;
      });
      await this.#each("joined late", (cluster) => this.#joinLate(cluster));
      await this.#each("cut off", (cluster, repetition) => this.#cutOff(cluster, repetition));
    } finally {
      await this.#endCluster();
    }
    const p99 = quantile(detected, 0.99);
    if (p99 > DETECTED_MS_P99_MAX) this.#violations.push(`p99 of the detection is ${Math.round(p99)} ms, above 5 s`);
    return {
      violations: this.#violations,
      faults: this.#faults,
      figures: {
        ...figuresOf("detected", detected),
        ...{ stoppedMsMax: Math.round(Math.max(0, ...stopped)) },
        ...figuresOf("joined", joined),
        ...figuresOf("healed", healed),
        ...this.#counts,
      },
    };
  }

  async #joinLate(cluster: Cluster): Promise<string> {
    const { joinedMs, wrong, ofFewer } = await joinLate(cluster);
    this.#faults.joined++;
    this.#times.joined.push(joinedMs);
    this.#violations.push(...wrong);
    this.#counts.convergedBeforeKnowingAll += ofFewer;
    return `${Math.round(joinedMs)} ms until it has all and says so`;
  }

  async #cutOff(cluster: Cluster, repetition: number): Promise<string> {
    const cut = repetition % 2 === 0 ? "closed" : "silent";
    const untilDead = repetition % 4 >= 2;
    const healed = await cutOffOne(cluster, { cut, untilDead, keys: `cut/${repetition}` });
    this.#faults.cutOff++;
    if (healed.wasHidden) this.#faults.hidden++;
    this.#times.healed.push(healed.healedMs);
    this.#violations.push(...healed.wrong);
    this.#counts.askedWhileHidden += healed.asked;
    this.#counts.convergedButForTheDead += healed.ofFewer;
    const told = `${cut}, ${untilDead ? "until held dead" : "for 2 s"}: asked ${healed.asked} times`;
    return `${told}, ${Math.round(healed.healedMs)} ms from the healing until all have the same`;
  }

  /** A repetition that does not come to its end is a violation; the next one has a cluster of its own. */
  async #each(what: string, act: (cluster: Cluster, repetition: number) => Promise<string>): Promise<void> {
    for (let repetition = 0; repetition < this.#repetitions; repetition++) {
      const cluster = await this.#runningCluster();
      let told: string;
      try {
        told = await act(cluster, repetition);
      } catch (error) {
        this.#watch.signal.throwIfAborted();
        told = error instanceof Error ? error.message : String(error);
        this.#violations.push(`${what}: ${told}`);
        await this.#endCluster();
      }
      this.#watch.progress(`${what} ${repetition + 1} of ${this.#repetitions}: ${told}`);
    }
  }

  /** @throws Error where nothing can be tried at all: a server is missing, a node does not start */
  async #runningCluster(): Promise<Cluster> {
    this.#watch.signal.throwIfAborted();
    if (this.#cluster !== undefined) return this.#cluster;
    this.#watch.progress(`starting ${this.#nodes} nodes`);
    const cluster = await Cluster.start(this.#nodes, this.#watch);
    this.#cluster = cluster;
    for (let index = 0; index < KEYS; index++) await cluster.put(`state/${index}`, VALUE);
    return cluster;
  }

  async #endCluster(): Promise<void> {
    const cluster = this.#cluster;
    this.#cluster = undefined;
    if (cluster === undefined) return;
    await cluster.stop();
    this.#counts.suspicions += cluster.suspicions;
    this.#counts.falseDeaths += cluster.falseDeaths.length;
    this.#violations.push(...cluster.falseDeaths);
  }
}
