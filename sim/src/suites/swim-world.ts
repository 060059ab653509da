import { type Change, readSwimFrame, Swim, type SwimFrame, type SwimOptions, type Update } from "@nexus/core-membership";
import { evenly, type Outbox, type SimProcess, Simulation } from "@nexus/testing";

/** Members of a SWIM cluster as processes of a simulated world, and somebody who sees all that they say of each other. */

/** Epoch of the virtual clock. */
const EPOCH_MS = 1_764_000_000_000;
const SEEDS = 3;
const JOIN_OVER_MS = 500;
const META = { service: "member", version: "1.0.0" };

export interface WorldOptions {
  readonly seed: number;
  readonly nodes: number;
  readonly loss?: number;
  readonly duplicates?: number;
  readonly reordering?: number;
  readonly swim?: Partial<SwimOptions>;
  /** Members know each other from the beginning, instead of joining. */
  readonly isWarm?: boolean;
  /** What a member takes for a step beside its work: its event loop is late by up to this. */
  readonly lagMsMaxOf?: (id: string) => number;
  readonly transcript?: boolean;
}

/** One word of a member about another. */
export interface Said {
  readonly atMs: number;
  readonly by: string;
  readonly change: Change;
}

export class SwimWorld {
  readonly simulation: Simulation<SwimFrame>;
  readonly ids: readonly string[];
  readonly running = new Map<string, SwimProcess>();
  /** Every change of state since `listen` was called. */
  said: Said[] = [];
  /** Of what was sent while `weighs`; as JSON, which takes longer than all else. */
  bytesSent = 0;
  weighs = false;
  readonly #options: WorldOptions;

  constructor(options: WorldOptions) {
    const { seed, nodes, loss = 0, duplicates = 0, reordering = 0, transcript = false } = options;
    this.#options = options;
    this.ids = Array.from({ length: nodes }, (_, index) => `m${index}`);
    this.simulation = new Simulation({
      seed,
      transcript,
      network: { latencyMs: evenly(0.5, 5), loss, duplicates, reordering, heldBackMsMax: 1_000 },
    });
  }

  get nowMs(): number {
    return this.simulation.nowMs;
  }

  startAll(): void {
    const random = this.simulation.randomOf("starts");
    for (const id of this.ids) {
      const startMs = this.#options.isWarm === true ? 0 : random() * JOIN_OVER_MS;
      this.simulation.at(this.nowMs + startMs, `start ${id}`, () => this.start(id));
    }
  }

  /** The first three are the seeds of all. */
  start(id: string): void {
    const process = new SwimProcess(this.#setupOf(id));
    this.running.set(id, process);
    const lagMsMax = this.#options.lagMsMaxOf?.(id) ?? 0;
    const random = this.simulation.randomOf(`lag ${id}`);
    this.simulation.start(id, lagMsMax === 0 ? process : new LaggingProcess(process, () => random() * lagMsMax));
  }

  crash(id: string): void {
    this.running.delete(id);
    this.simulation.crash(id);
  }

  /** How everybody who runs, but for the one itself, sees a member. */
  viewsOf(id: string): (string | undefined)[] {
    return [...this.running].filter(([by]) => by !== id).map(([, { swim }]) => swim.stateOf(id));
  }

  /** Everybody who runs sees everybody who runs as alive. */
  get isWhole(): boolean {
    const running = [...this.running.keys()];
    return [...this.running.values()].every(({ swim }) => running.every((id) => swim.stateOf(id) === "alive"));
  }

  /** @returns when the condition, looked at every 50 ms, first held; undefined where it did not in time */
  runUntil(condition: () => boolean, timeoutMs: number): number | undefined {
    const untilMs = this.nowMs + timeoutMs;
    while (!condition()) {
      if (this.nowMs >= untilMs) return undefined;
      this.simulation.runUntil(Math.min(untilMs, this.nowMs + 50));
    }
    return this.nowMs;
  }

  runFor(ms: number): void {
    this.simulation.runUntil(this.nowMs + ms);
  }

  /** Deaths of members that run, as they were said, by those who run. */
  falseDeaths(): Said[] {
    return this.said.filter(({ change, by }) => change.to === "dead" && this.running.has(change.id) && this.running.has(by));
  }

  #setupOf(id: string): ProcessSetup {
    const { swim: options, isWarm = false } = this.#options;
    return {
      id,
      options,
      peers: this.ids.slice(0, SEEDS),
      random: this.simulation.randomOf(`member ${id} ${this.nowMs}`),
      known: isWarm ? this.ids.filter((other) => other !== id).map((other) => aliveFromTheStart(other)) : [],
      onChange: (change, nowMs) => this.said.push({ atMs: nowMs, by: id, change }),
      onSend: (frame) => {
        if (this.weighs) this.bytesSent += JSON.stringify(frame).length;
      },
    };
  }
}

function aliveFromTheStart(id: string): Update {
  return { id, incarnation: EPOCH_MS, state: "alive", meta: META };
}

interface ProcessSetup {
  readonly id: string;
  readonly options: Partial<SwimOptions> | undefined;
  readonly peers: readonly string[];
  readonly known: readonly Update[];
  readonly random: () => number;
  readonly onChange: (change: Change, nowMs: number) => void;
  readonly onSend: (frame: SwimFrame) => void;
}

export class SwimProcess implements SimProcess<SwimFrame> {
  readonly swim: Swim;
  readonly #setup: ProcessSetup;
  #hasStarted = false;

  constructor(setup: ProcessSetup) {
    this.#setup = setup;
    this.swim = new Swim({ id: setup.id, meta: META, options: setup.options ?? {} }, setup.random);
  }

  wake(nowMs: number, out: Outbox<SwimFrame>): void {
    if (this.#hasStarted) return this.step({ kind: "wake" }, nowMs, out);
    this.#hasStarted = true;
    const { peers, known } = this.#setup;
    this.step({ kind: "start", epochMs: EPOCH_MS + nowMs, peers, known }, nowMs, out);
  }

  receive(from: string, frame: SwimFrame, nowMs: number, out: Outbox<SwimFrame>): void {
    const read = readSwimFrame(frame);
    if (read === undefined) throw new Error(`${from} wrote what is no frame: ${JSON.stringify(frame)}`);
    this.step({ kind: "frame", from, frame: read }, nowMs, out);
  }

  step(input: Parameters<Swim["step"]>[0], nowMs: number, out: Outbox<SwimFrame>): void {
    const { sends, changes, wakeAtMs } = this.swim.step(input, nowMs);
    for (const { to, frame } of sends) {
      this.#setup.onSend(frame);
      out.send(to, frame);
    }
    for (const change of changes) {
      out.note(`${change.id} ${change.from} > ${change.to} ${change.incarnation}`);
      this.#setup.onChange(change, nowMs);
    }
    if (Number.isFinite(wakeAtMs)) out.wakeAt(wakeAtMs);
  }
}

/** A process whose event loop is late: a turn takes up what came since the last, timers first, as Node's does. */
class LaggingProcess implements SimProcess<SwimFrame> {
  readonly #inner: SwimProcess;
  readonly #lagMs: () => number;
  #inbox: { readonly from: string; readonly frame: SwimFrame }[] = [];
  #turnMs = 0;
  #lateMs = 0;
  #wakeAtMs = 0;

  constructor(inner: SwimProcess, lagMs: () => number) {
    this.#inner = inner;
    this.#lagMs = lagMs;
  }

  wake(nowMs: number, out: Outbox<SwimFrame>): void {
    if (nowMs < this.#turnMs) return out.wakeAt(this.#turnMs);
    const own: Outbox<SwimFrame> = {
      ...{ send: (to, frame) => out.send(to, frame), note: (text) => out.note(text) },
      wakeAt: (atMs) => {
        this.#wakeAtMs = atMs;
      },
    };
    this.#wakeAtMs = Number.POSITIVE_INFINITY;
    this.#inner.wake(nowMs, own);
    this.#inner.step({ kind: "load", eventLoopDelayMs: this.#lateMs }, nowMs, own);
    for (const { from, frame } of this.#inbox.splice(0)) this.#inner.receive(from, frame, nowMs, own);
    this.#lateMs = this.#lagMs();
    this.#turnMs = nowMs + this.#lateMs;
    out.wakeAt(Math.max(this.#turnMs, this.#wakeAtMs));
  }

  receive(from: string, frame: SwimFrame, nowMs: number, out: Outbox<SwimFrame>): void {
    this.#inbox.push({ from, frame });
    out.wakeAt(Math.max(nowMs, this.#turnMs));
  }
}
