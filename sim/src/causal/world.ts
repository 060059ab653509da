import type { DeliveryOptions, LedgerOptions } from "@nexus/core-clocks";
import { evenly, Simulation } from "@nexus/testing";
import type { Outcome } from "../suite.ts";
import { type Counts, SimAgent } from "./agent.ts";
import type { Frame, Line } from "./frames.ts";
import { HappensBefore } from "./graph.ts";
import { SimRouter } from "./router.ts";

/**
 * Clients that go from one router to the next with what they hold of their earlier operations, through a network that loses,
 * doubles and reorders, past partitions, pauses and restarts; then everything heals, and the graph is asked.
 *
 * Two kinds of world, by the seed. In a roomy one (even seeds) routers last, and every delivery to a life that lasts is owed.
 * In a tight one (odd seeds) bounds are small, patience is short and routers restart, so that a delivery may be given up, and
 * then must have been told.
 */

export interface Settings {
  readonly nodes: number;
  readonly routers: number;
  readonly operations: number;
  readonly loss: number;
  readonly duplicates: number;
  readonly reordering: number;
}

const GROUPS = ["g0", "g1", "g2"];
const HEALED_MS = 5_000;
const END_MS = 60_000;
const LINE_PENDING_MAX = 64;
interface Bounds {
  readonly delivery: Partial<DeliveryOptions>;
  readonly ledger: Omit<LedgerOptions, "session" | "livesMax">;
  /** Of routers, for answers. */
  readonly patienceMs: number;
}

const tight: Bounds = {
  delivery: { countMax: 6, bytesMax: 1_500, ageMsMax: 400, streamsMax: 64 },
  ledger: { sendsMax: 24, bytesMax: 40_000 },
  patienceMs: 3_000,
};
const roomy: Bounds = {
  delivery: { countMax: 1_024, bytesMax: 1_048_576, ageMsMax: 1_000_000, streamsMax: 1_024 },
  ledger: { sendsMax: 4_096, bytesMax: 1_048_576 },
  patienceMs: Number.POSITIVE_INFINITY,
};

export function runCausal(seed: number, settings: Settings, transcript: boolean): Outcome {
  const world = new World(seed, settings, transcript);
  world.plan();
  return world.run();
}

class World {
  readonly #sim: Simulation<Frame>;
  readonly #settings: Settings;
  readonly #bounds: Bounds;
  readonly #isRoomy: boolean;
  readonly #graph = new HappensBefore();
  readonly #random: () => number;
  readonly #counts: Counts = { delivered: 0, asks: 0, gaps: 0, waitingMax: 0, overflows: 0, waitedMs: 0 };
  /** By place: the router's present session, the agent's present life. */
  readonly #routers: { id: string; process: SimRouter }[] = [];
  readonly #agents: { readonly id: string; boot: string; process: SimAgent }[] = [];
  readonly #retired: SimAgent[] = [];
  readonly #lines: (() => Line)[] = [];
  readonly #exceeded = new Set<string>();
  #sent = 0;
  #lives = 0;

  constructor(seed: number, settings: Settings, transcript: boolean) {
    const { loss, duplicates, reordering } = settings;
    const network = { latencyMs: evenly(0.5, 5), loss, duplicates, reordering, heldBackMsMax: 60 };
    this.#sim = new Simulation({ seed, network, transcript, eventsMax: 5_000_000 });
    this.#settings = settings;
    this.#isRoomy = seed % 2 === 0;
    this.#bounds = this.#isRoomy ? roomy : tight;
    this.#random = this.#sim.randomOf("clients");
  }

  plan(): void {
    const { nodes, routers, operations } = this.#settings;
    const faults = this.#sim.randomOf("faults");
    for (let place = 0; place < routers; place++) this.#startRouter(place);
    for (let place = 0; place < nodes; place++) {
      // Some join late.
      const atMs = faults() < 0.7 ? 0 : faults() * HEALED_MS;
      this.#sim.at(atMs, `join a${place}`, () => this.#startAgent(place));
    }
    for (let index = 0; index < operations; index++) {
      const atMs = 50 + this.#random() * HEALED_MS;
      this.#sim.at(atMs, "request", () => this.#request());
    }
    for (let atMs = 300; atMs < HEALED_MS; atMs += 100 + faults() * 600) {
      const kind = faults();
      const [which, lastMs] = [faults(), 50 + faults() * 1_500];
      this.#sim.at(atMs, "fault", () => this.#fault(kind, which, lastMs));
    }
    this.#sim.at(HEALED_MS, "calm", () => {
      this.#sim.heal();
      this.#sim.network.conditions = { ...this.#sim.network.conditions, loss: 0, duplicates: 0, reordering: 0 };
    });
  }

  run(): Outcome {
    let events = 0;
    this.#sim.runWhile(() => {
      if (events++ % 16 === 0) this.#checkBounds();
      return true;
    }, END_MS);
    this.#checkBounds();
    for (const agent of [...this.#retired, ...this.#agents.map(({ process }) => process)]) agent.count();
    const sessions = new Set(this.#routers.map(({ id }) => id));
    const lives = new Set(this.#agents.map(({ boot }) => boot));
    const owed = (id: number, session: string, life: string) => {
      if (!lives.has(life) || !sessions.has(session)) return undefined;
      if (this.#routers.some(({ process }) => process.givenUp.has(id))) return undefined;
      return this.#isRoomy ? "delivered" : "told";
    };
    const { delivered, asks, gaps, waitingMax, overflows, waitedMs } = this.#counts;
    const resent = this.#routers.reduce((sum, { process }) => sum + process.resent, 0);
    return {
      violations: [...this.#graph.violations(owed), ...this.#exceeded],
      faults: this.#sim.faults,
      measured: {
        sent: this.#sent,
        delivered,
        asks,
        resent,
        gaps,
        waitingMax,
        overflows,
        waitedMs,
        frames: this.#sim.framesSent,
      },
      transcript: this.#sim.transcript,
    };
  }

  #startRouter(place: number): void {
    const id = `router-${place}-${this.#lives++}`;
    const process = new SimRouter({ ...this.#bounds.ledger, session: id, livesMax: 1_000 }, this.#bounds.patienceMs, this.#graph);
    this.#routers[place] = { id, process };
    this.#sim.start(id, process);
  }

  #startAgent(place: number): void {
    const id = `a${place}`;
    const boot = `${id}-${this.#lives++}`;
    const groups = GROUPS.filter((_, index) => (place + index) % 2 === 0 || place % 5 === index);
    const process = new SimAgent(
      {
        ...{ id, boot, groups, delivery: this.#bounds.delivery, handlerMsMax: 40 },
        routers: () => this.#routers.map((router) => router.id),
        random: this.#sim.randomOf(boot),
      },
      this.#graph,
      this.#counts,
    );
    this.#agents.push({ id, boot, process });
    this.#sim.start(id, process);
  }

  /** One operation behind one line, or where two lines meet; through any router, to any scope. */
  #request(): void {
    const random = this.#random;
    const router = this.#pick(this.#routers);
    if (router === undefined) return;
    const behind = this.#lines.length === 0 || random() < 0.2 ? [] : [this.#line(), ...(random() < 0.2 ? [this.#line()] : [])];
    const lines = behind.map((line) => line());
    const pending = lines.flatMap((line) => line.pending);
    const past: Line =
      pending.length > LINE_PENDING_MAX
        ? { past: new Set(), pending: [] }
        : { past: new Set(lines.flatMap((l) => [...l.past])), pending };
    const scope = this.#pick(["*", "", "", ...GROUPS]) ?? "";
    const picked = this.#agents.filter(() => random() < 0.3).map(({ id }) => id);
    const operation = { id: ++this.#sent, bytes: 50 + Math.floor(random() * 400) };
    this.#sim.call(router.id, `request ${operation.id}`, (nowMs, out) => {
      this.#lines.push(router.process.request({ operation, scope, picked, past }, nowMs, out));
    });
  }

  /** The later ones more often, so that lines grow long. */
  #line(): () => Line {
    const at = Math.floor(Math.sqrt(this.#random()) * this.#lines.length);
    return this.#lines[at] ?? (() => ({ past: new Set<number>(), pending: [] }));
  }

  #fault(kind: number, which: number, lastMs: number): void {
    const agents = this.#agents.map(({ id }) => id);
    const agent = this.#agents[Math.floor(which * this.#agents.length)];
    if (kind < 0.3) {
      const some = agents.filter((_, index) => index % 2 === Math.floor(which * 2));
      this.#sim.partition(
        some,
        this.#routers.slice(0, 1 + Math.floor(which * 2)).map(({ id }) => id),
      );
      this.#sim.at(this.#sim.nowMs + lastMs, "heal", () => this.#sim.heal());
    } else if (kind < 0.5 && agent !== undefined) {
      this.#sim.pause(agent.id);
      const { process } = agent;
      this.#sim.at(this.#sim.nowMs + lastMs, "go on", () => {
        if (agent.process === process) this.#sim.goOn(agent.id);
      });
    } else if (kind < 0.75 && !this.#isRoomy) {
      const place = Math.floor(which * this.#routers.length);
      const old = this.#routers[place];
      if (old === undefined) return;
      this.#sim.crash(old.id);
      this.#startRouter(place);
    } else if (agent !== undefined) {
      const place = Number(agent.id.slice(1));
      this.#sim.crash(agent.id);
      this.#retired.push(agent.process);
      this.#agents.splice(this.#agents.indexOf(agent), 1);
      this.#startAgent(place);
    }
  }

  #checkBounds(): void {
    const { delivery, ledger } = this.#bounds;
    for (const { id, process } of this.#agents) {
      const { count, bytes } = process.fill;
      if (count > (delivery.countMax ?? 0)) this.#exceeded.add(`${id} held more messages than it may`);
      if (bytes > (delivery.bytesMax ?? 0)) this.#exceeded.add(`${id} held more bytes than it may`);
    }
    for (const { id, process } of this.#routers) {
      const { sends, bytes } = process.fill;
      if (sends > ledger.sendsMax) this.#exceeded.add(`${id} kept more sends than it may`);
      if (bytes > ledger.bytesMax) this.#exceeded.add(`${id} kept more bytes than it may`);
    }
  }

  #pick<T>(items: readonly T[]): T | undefined {
    return items[Math.floor(this.#random() * items.length)];
  }
}
