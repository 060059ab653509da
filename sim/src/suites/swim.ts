import type { SwimOptions } from "@nexus/core-membership";
import type { Outcome, SimSuite, Values } from "../suite.ts";
import { SwimWorld } from "./swim-world.ts";

/**
 * SWIM with Lifeguard among faults: members join, one after the other is stopped for a while, one is killed and started again,
 * the cluster is split and healed.
 *
 * Violations: a member that runs is declared dead by another that it can reach; one that was killed is not known dead, or comes
 * back by stale news; a member is not alive for everyone again after a restart, or after the partition healed.
 */

type Name = "nodes" | "loss" | "pauses" | "pauseMs" | "partitionMs" | "lagMs" | "lifeguard";

const options = {
  nodes: { summary: "members", min: 2, max: 2_000, default: 12 },
  loss: { summary: "share of frames that are lost", min: 0, max: 0.3, default: 0, isFraction: true },
  pauses: { summary: "how often a member is stopped, one at a time", min: 0, max: 1_000, default: 5 },
  pauseMs: { summary: "for how long", min: 0, max: 60_000, default: 2_000 },
  partitionMs: { summary: "for how long the halves are apart; 0: never", min: 0, max: 600_000, default: 10_000 },
  lagMs: { summary: "how late the event loop of one member is, at most", min: 0, max: 60_000, default: 0 },
  lifeguard: { summary: "1: with Lifeguard; 0: SWIM alone, to compare", min: 0, max: 1, default: 1 },
} as const;

/** SWIM as in its paper, but for the bounds and the order of updates. */
export const withoutLifeguard: Partial<SwimOptions> = {
  healthMax: 0,
  confirmations: 0,
  buddy: false,
  pauseToleranceMs: Number.POSITIVE_INFINITY,
};

const WHOLE_WITHIN_MS = 60_000;
const DEAD_WITHIN_MS = 60_000;
const QUIET_MS = 5_000;
/** Sentences that end in the moment of healing, before anybody can speak, are those of the partition. */
const GRACE_MS = 1_000;
const STALE_WATCHED_MS = 3_000;
/** Frames twice, and frames that others overtake. */
const DISORDER = 0.02;

class Run {
  readonly world: SwimWorld;
  readonly violations: string[] = [];
  readonly measured: Record<string, number> = {};
  readonly #values: Values<Name>;
  readonly #random: () => number;

  constructor(seed: number, values: Values<Name>, transcript: boolean) {
    this.#values = values;
    const { nodes, loss, lagMs, lifeguard } = values;
    this.world = new SwimWorld({
      ...{ seed, nodes, loss, transcript, duplicates: DISORDER, reordering: DISORDER },
      swim: lifeguard === 1 ? {} : withoutLifeguard,
      lagMsMaxOf: (id) => (id === "m0" ? lagMs : 0),
    });
    this.#random = this.world.simulation.randomOf("faults");
  }

  join(): void {
    const { world } = this;
    world.startAll();
    const isIn = () => world.running.size === world.ids.length && world.isWhole;
    this.measured["joinMs"] = this.#whole(isIn, "after joining");
  }

  /** What it costs when nothing happens. */
  quiet(): void {
    const { world } = this;
    world.runFor(QUIET_MS); // news of the beginning ends
    const before = world.simulation.framesSent;
    world.weighs = true;
    world.runFor(QUIET_MS);
    world.weighs = false;
    const perNodeSecond = (value: number) => value / world.ids.length / (QUIET_MS / 1_000);
    this.measured["framesPerNodeSecond"] = perNodeSecond(world.simulation.framesSent - before);
    this.measured["bytesPerNodeSecond"] = perNodeSecond(world.bytesSent);
  }

  pauses(): void {
    const { world } = this;
    const { pauses, pauseMs } = this.#values;
    world.said = [];
    for (let count = 0; count < pauses; count++) {
      const id = this.#anyId();
      world.simulation.pause(id);
      world.runFor(pauseMs);
      world.simulation.goOn(id);
      world.runFor(this.#random() * 2 * pauseMs);
    }
    this.measured["falseDeaths"] = 0;
    this.#countFalseDeaths();
  }

  kill(): void {
    const { world } = this;
    const victim = this.#anyId();
    world.runFor(this.#random() * 1_000);
    world.said = [];
    const killedMs = world.nowMs;
    const incarnation = world.running.get(victim)?.swim.incarnation ?? 0;
    world.crash(victim);
    const knownMs = world.runUntil(() => world.viewsOf(victim).every((state) => state === "dead"), DEAD_WITHIN_MS);
    const first = world.said.find(({ change }) => change.id === victim && change.to === "dead");
    if (knownMs === undefined || first === undefined) {
      this.violations.push(`${victim} was killed at ${killedMs} ms and is not dead for all ${DEAD_WITHIN_MS} ms later`);
    } else {
      this.measured["detectMs"] = knownMs - killedMs;
      this.measured["firstDetectMs"] = first.atMs - killedMs;
    }
    this.#countFalseDeaths();
    this.#tellStale(victim, incarnation);
    world.start(victim);
    world.runFor(1);
    this.#whole(() => world.isWhole, `after the restart of ${victim}`);
  }

  partition(): void {
    const { world } = this;
    const { partitionMs } = this.#values;
    if (partitionMs === 0) return;
    const half = world.ids.filter((_, index) => index % 2 === 0);
    world.simulation.partition(
      half,
      world.ids.filter((id) => !half.includes(id)),
    );
    world.runFor(partitionMs);
    world.simulation.heal();
    const healedMs = world.nowMs;
    const wholeMs = this.#whole(() => world.isWhole, "after the partition healed");
    this.measured["healMs"] = wholeMs - healedMs;
    world.runFor(Math.max(0, healedMs + GRACE_MS - world.nowMs));
    world.said = world.said.filter(({ atMs }) => atMs > healedMs + GRACE_MS);
    world.runFor(QUIET_MS);
    this.#countFalseDeaths();
  }

  /** An old word of the dead reaches somebody late. */
  #tellStale(victim: string, incarnation: number): void {
    const { world } = this;
    const [by, other] = [...world.running.keys()];
    const process = world.running.get(by ?? "");
    if (by === undefined || process === undefined) return;
    world.said = [];
    world.simulation.call(by, `hears that ${victim} is alive`, (nowMs, out) => {
      const update = { id: victim, incarnation, state: "alive", meta: {} } as const;
      process.step({ kind: "updates", from: other ?? by, updates: [update] }, nowMs, out);
    });
    world.runFor(STALE_WATCHED_MS);
    for (const { by: who, change, atMs } of world.said) {
      if (change.id === victim && change.to === "alive")
        this.violations.push(`${victim} was alive again for ${who} at ${atMs} ms`);
    }
  }

  /** @returns when it was */
  #whole(condition: () => boolean, when: string): number {
    const atMs = this.world.runUntil(condition, WHOLE_WITHIN_MS);
    if (atMs === undefined) this.violations.push(`not everyone is alive for everyone ${WHOLE_WITHIN_MS} ms ${when}`);
    return atMs ?? Number.NaN;
  }

  #countFalseDeaths(): void {
    const deaths = this.world.falseDeaths();
    this.measured["falseDeaths"] = (this.measured["falseDeaths"] ?? 0) + deaths.length;
    for (const { atMs, by, change } of deaths) this.violations.push(`${change.id} runs and is dead for ${by} at ${atMs} ms`);
    this.world.said = [];
  }

  #anyId(): string {
    return this.world.ids[Math.floor(this.#random() * this.world.ids.length)] ?? "";
  }
}

function run(seed: number, values: Values<Name>, withTranscript: boolean): Outcome {
  const run = new Run(seed, values, withTranscript);
  run.join();
  run.quiet();
  run.pauses();
  run.kill();
  run.partition();
  const { faults, transcript } = run.world.simulation;
  return { violations: run.violations, measured: run.measured, faults: { ...faults }, transcript };
}

export const swimSuite: SimSuite<Name> = {
  name: "swim",
  summary: "membership: who is declared dead, when, and whether wrongly",
  options,
  run,
  figures: (measured) => {
    const of = (name: string) => measured.flatMap((run) => (Number.isFinite(run[name]) ? [run[name] as number] : []));
    const mean = (name: string) => of(name).reduce((sum, value) => sum + value, 0) / Math.max(1, of(name).length);
    const p99 = (name: string) => {
      const sorted = of(name).sort((a, b) => a - b);
      return sorted[Math.ceil(sorted.length * 0.99) - 1] ?? 0;
    };
    return {
      ...{ detectMsMean: mean("detectMs"), detectMsP99: p99("detectMs"), firstDetectMsMean: mean("firstDetectMs") },
      falseDeaths: of("falseDeaths").reduce((sum, value) => sum + value, 0),
      ...{ joinMsMean: mean("joinMs"), healMsMean: mean("healMs"), healMsP99: p99("healMs") },
      ...{ framesPerNodeSecond: mean("framesPerNodeSecond"), bytesPerNodeSecond: mean("bytesPerNodeSecond") },
    };
  },
};
