import { type Entry, type GossipFrame, type SharedState, wins } from "@nexus/core-gossip";
import { evenly, quantile, Simulation } from "@nexus/testing";
import { mean } from "../statistics.ts";
import type { Outcome, SimSuite, Values } from "../suite.ts";
import { GossipProcess, nowAt } from "./gossip-process.ts";

/**
 * Writes at every node while the network loses, repeats, reorders and cuts, and nodes stop and start again. Violations: after
 * everything is healed nodes differ, or lack what a node that lived on wrote; or somebody says that all have converged while
 * a write that is older than the evidence may be is hidden from it.
 */

type Option = "nodes" | "loss" | "duplicates" | "writes";
type Of = Values<Option>;

const ROUND_MS = 200;
const FAULTY_MS = 20_000;
const HEALED_WITHIN_MS = 30_000;
const FRESH_MS = 2_000;
const CHECK_EVERY_MS = 100;
const LATENCY_MS_MAX = 40;
const HELD_BACK_MS_MAX = 400;
const KEYS = 20;

export const gossipFaultsSuite: SimSuite<Option> = {
  name: "gossip-faults",
  summary: "shared state under loss, repeats, reordering, cuts, stops and restarts: all converge, and nobody says so before",
  options: {
    nodes: { summary: "how many", min: 2, max: 500, default: 12 },
    loss: { summary: "share of frames that are lost", min: 0, max: 0.9, default: 0.2, isFraction: true },
    duplicates: { summary: "share of frames that come twice", min: 0, max: 1, default: 0.2, isFraction: true },
    writes: { summary: "how many, spread over 20 s", min: 1, max: 10_000, default: 100 },
  },
  run: (seed, values, withTranscript) => new FaultyWorld(seed, values, withTranscript).run(),
  figures: (measured) => {
    const healed = measured.map((of) => of["healedMs"] ?? Number.NaN);
    return {
      meanHealedMs: mean(healed),
      p99HealedMs: quantile(healed, 0.99),
      saidConverged: measured.reduce((sum, of) => sum + (of["saidConverged"] ?? 0), 0),
      saidNotConverged: measured.reduce((sum, of) => sum + (of["saidNotConverged"] ?? 0), 0),
    };
  },
};

interface Written {
  readonly atMs: number;
  readonly entry: Entry;
}

class FaultyWorld {
  readonly #world: Simulation<GossipFrame>;
  readonly #random: () => number;
  readonly #members: readonly string[];
  readonly #values: Of;
  readonly #processes = new Map<string, GossipProcess>();
  readonly #lives = new Map<string, number>();
  /** By session, ascending: what was written, and when. */
  readonly #written = new Map<string, Written[]>();
  readonly #violations: string[] = [];
  #saidConverged = 0;
  #saidNotConverged = 0;

  constructor(seed: number, values: Of, withTranscript: boolean) {
    const { nodes, loss, duplicates } = values;
    this.#values = values;
    this.#world = new Simulation({
      seed,
      transcript: withTranscript,
      network: {
        ...{ loss, duplicates, reordering: 0.2, heldBackMsMax: HELD_BACK_MS_MAX },
        latencyMs: evenly(1, LATENCY_MS_MAX),
      },
    });
    this.#random = this.#world.randomOf("world");
    this.#members = Array.from({ length: nodes }, (_, index) => `n${index}`);
  }

  run(): Outcome {
    for (const node of this.#members) this.#start(node);
    for (let index = 0; index < this.#values.writes; index++) this.#planWrite(index);
    for (let atMs = CHECK_EVERY_MS; atMs < FAULTY_MS; atMs += CHECK_EVERY_MS) {
      this.#world.at(atMs, "ask", () => this.#askAll(atMs));
    }
    for (let atMs = 1_000; atMs < FAULTY_MS - 2_000; atMs += 1_000) this.#planFault(atMs);
    this.#world.runUntil(FAULTY_MS);
    this.#world.heal();
    this.#world.network.conditions = { ...this.#world.network.conditions, loss: 0 };
    const differ = () => new Set([...this.#processes.values()].map(({ state }) => state.hash)).size > 1;
    const isHealed = this.#world.runWhile(differ, FAULTY_MS + HEALED_WITHIN_MS);
    const healedMs = this.#world.nowMs - FAULTY_MS;
    if (!isHealed) this.#violations.push(`nodes still differ ${HEALED_WITHIN_MS} ms after everything was healed`);
    this.#checkNothingLost();
    return {
      violations: this.#violations,
      faults: this.#world.faults,
      measured: { healedMs, saidConverged: this.#saidConverged, saidNotConverged: this.#saidNotConverged },
      transcript: this.#world.transcript,
    };
  }

  #start(node: string): void {
    const life = (this.#lives.get(node) ?? 0) + 1;
    this.#lives.set(node, life);
    const random = this.#world.randomOf(`${node} ${life}`);
    const process = new GossipProcess({
      ...{ node, incarnation: life, members: () => this.#members, random, gossip: {} },
      ...{ roundMs: ROUND_MS, phaseMs: 1 + random() * ROUND_MS },
    });
    this.#processes.set(node, process);
    this.#world.start(node, process);
  }

  #planWrite(index: number): void {
    const node = this.#any();
    const key = `k${Math.floor(this.#random() * KEYS)}`;
    const isImportant = this.#random() < 0.2;
    this.#world.at(this.#random() * FAULTY_MS, "write", () => {
      const process = this.#processes.get(node);
      if (process === undefined) return;
      this.#world.call(node, `put ${key}`, (nowMs, out) => {
        process.put(key, String(index), nowMs, out, isImportant);
        const entry = process.state.get(key) as Entry;
        this.#written.set(entry.session, [...(this.#written.get(entry.session) ?? []), { atMs: nowMs, entry }]);
      });
    });
  }

  /** One of each second: a stop, a restart, a cut. */
  #planFault(atMs: number): void {
    const kind = Math.floor(this.#random() * 4);
    const node = this.#any();
    const untilMs = atMs + 500 + this.#random() * 1_500;
    const sides = this.#sides();
    this.#world.at(atMs, "fault", () => {
      if (kind === 0) this.#stop(node, untilMs);
      if (kind === 1) this.#restart(node, untilMs);
      if (kind >= 2) this.#cut(sides, kind === 2, untilMs);
    });
  }

  #stop(node: string, untilMs: number): void {
    const process = this.#processes.get(node);
    if (process === undefined) return;
    this.#world.pause(node);
    this.#world.at(untilMs, "go on", () => {
      if (this.#processes.get(node) === process) this.#world.goOn(node);
    });
  }

  #restart(node: string, atMs: number): void {
    if (!this.#processes.delete(node)) return;
    this.#world.crash(node);
    this.#world.at(atMs, "restart", () => this.#start(node));
  }

  #cut([one, other]: readonly [string[], string[]], isBothWays: boolean, untilMs: number): void {
    if (isBothWays) this.#world.partition(one, other);
    else this.#world.cut(one, other);
    this.#world.at(untilMs, "heal", () => this.#world.heal());
  }

  #sides(): [string[], string[]] {
    const one = this.#members.filter(() => this.#random() < 0.3);
    return [one, this.#members.filter((node) => !one.includes(node))];
  }

  #any(): string {
    return this.#members[Math.floor(this.#random() * this.#members.length)] as string;
  }

  /** Whoever says that all have converged has everything that a member had written before its word could be said. */
  #askAll(nowMs: number): void {
    const evidenceMs = nowMs - FRESH_MS - LATENCY_MS_MAX - HELD_BACK_MS_MAX;
    for (const [node, { gossip, state }] of this.#processes) {
      if (!gossip.convergence(nowAt(nowMs), FRESH_MS).converged) {
        this.#saidNotConverged++;
        continue;
      }
      this.#saidConverged++;
      const hidden = this.#writtenBefore(evidenceMs).find((entry) => isHiddenFrom(state, entry));
      if (hidden === undefined) continue;
      this.#violations.push(`${node} said at ${nowMs} ms that all converged, without write ${hidden.seq} of ${hidden.session}`);
    }
  }

  /** What a life wrote that still goes on is at every node, or something that wins over it. */
  #checkNothingLost(): void {
    for (const [node, { state }] of this.#processes) {
      const lost = this.#writtenBefore(Number.POSITIVE_INFINITY).find((entry) => isHiddenFrom(state, entry));
      if (lost !== undefined) this.#violations.push(`${node} lacks write ${lost.seq} of ${lost.session}`);
    }
  }

  /** By lives that go on. */
  #writtenBefore(timeMs: number): Entry[] {
    const written = [...this.#processes.values()].flatMap(({ state }) => this.#written.get(state.session) ?? []);
    return written.filter(({ atMs }) => atMs < timeMs).map(({ entry }) => entry);
  }
}

function isHiddenFrom(state: SharedState, entry: Entry): boolean {
  const kept = state.get(entry.key);
  return kept === undefined || wins(entry, kept);
}
