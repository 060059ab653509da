import { createRandom } from "../random.ts";
import { EventQueue } from "./event-queue.ts";
import { calm, type FrameFault, type NetworkConditions, SimulatedNetwork } from "./network.ts";

/**
 * A world of processes that send each other frames over a simulated network, in virtual time: what a pure core does among
 * many others, under faults, in a second instead of an hour.
 *
 * Invariants
 * S1. The same seed, conditions and calls give the same events in the same order, and the same transcript byte by byte:
 *     nothing reads a clock or another generator.
 * S2. Events run in the order of their time, then in that of their making.
 * S3. A run is bounded in events, so that a core that wakes itself without delay fails it and does not hang it.
 * S4. A paused process sees nothing and does nothing; what came meanwhile it sees when it goes on, in order. A crashed one
 *     has lost everything.
 */

/** What a process does, said while it is called. */
export interface Outbox<F> {
  send(to: string, frame: F): void;
  /** When to wake it next; a later word replaces an earlier one. Without one it only hears frames. */
  wakeAt(atMs: number): void;
  /** For the transcript. */
  note(text: string): void;
}

/** A process of the world: any pure core behind this seam. Its first `wake` is its start. */
export interface SimProcess<F> {
  wake(nowMs: number, out: Outbox<F>): void;
  receive(from: string, frame: F, nowMs: number, out: Outbox<F>): void;
}

export type Fault = FrameFault | "paused" | "crashed" | "restarted";

export interface SimulationOptions {
  /** Its lower 32 bits count. */
  readonly seed: number;
  readonly network?: Partial<NetworkConditions>;
  /** Keep a transcript; it costs memory for each event. */
  readonly transcript?: boolean;
  /** Events of one run at most (S3); default 200,000,000. */
  readonly eventsMax?: number;
}

interface Life<F> {
  readonly id: string;
  readonly process: SimProcess<F>;
  wakeAtMs: number | undefined;
  isPaused: boolean;
  readonly held: Happening<F>[];
}

type Happening<F> =
  | { readonly kind: "wake"; readonly life: Life<F>; readonly atMs: number }
  | { readonly kind: "frame"; readonly from: string; readonly to: string; readonly frame: F }
  | { readonly kind: "action"; readonly what: string; readonly action: () => void };

const EVENTS_MAX = 200_000_000;

export class Simulation<F> {
  readonly network: SimulatedNetwork;
  /** How many faults of each kind landed. */
  readonly faults: Record<Fault, number> = {
    lost: 0,
    duplicated: 0,
    reordered: 0,
    blocked: 0,
    undeliverable: 0,
    paused: 0,
    crashed: 0,
    restarted: 0,
  };
  readonly #seed: number;
  readonly #eventsMax: number;
  readonly #lives = new Map<string, Life<F>>();
  readonly #crashed = new Set<string>();
  readonly #events = new EventQueue<Happening<F>>();
  readonly #lines: string[] | undefined;
  #nowMs = 0;
  #sent = 0;

  constructor({ seed, network, transcript = false, eventsMax = EVENTS_MAX }: SimulationOptions) {
    this.#seed = seed;
    this.#eventsMax = eventsMax;
    this.#lines = transcript ? [] : undefined;
    this.network = new SimulatedNetwork({ ...calm, ...network }, this.randomOf("network"), (fault) => void this.faults[fault]++);
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Frames that were sent, whatever became of them. */
  get framesSent(): number {
    return this.#sent;
  }

  /** Every event, note and fault, one a line; empty where none was asked for. */
  get transcript(): string {
    return (this.#lines ?? []).map((line) => `${line}\n`).join("");
  }

  /** A generator of its own for each name, so that what one uses changes nothing for another. */
  randomOf(name: string): () => number {
    return createRandom(hashOf(`${this.#seed} ${name}`));
  }

  /** Starts a process now. One that crashed may be started again, as a new life. @throws Error for an id that runs */
  start(id: string, process: SimProcess<F>): void {
    if (this.#lives.has(id)) throw new Error(`${id} runs already`);
    if (this.#crashed.delete(id)) this.faults.restarted++;
    const life: Life<F> = { id, process, wakeAtMs: undefined, isPaused: false, held: [] };
    this.#lives.set(id, life);
    this.#say(`start ${id}`);
    this.#wakeAt(life, this.#nowMs);
  }

  /** Ends a process without a word. @throws Error for an id that does not run */
  crash(id: string): void {
    this.#lifeOf(id);
    this.#lives.delete(id);
    this.#crashed.add(id);
    this.faults.crashed++;
    this.#say(`crash ${id}`);
  }

  /** S4 @throws Error for an id that does not run */
  pause(id: string): void {
    this.#lifeOf(id).isPaused = true;
    this.faults.paused++;
    this.#say(`pause ${id}`);
  }

  /** S4 @throws Error for an id that does not run */
  goOn(id: string): void {
    const life = this.#lifeOf(id);
    life.isPaused = false;
    this.#say(`go on ${id}`);
    for (const happening of life.held.splice(0)) this.#events.push(this.#nowMs, happening);
  }

  /** Both ways between the two sides. */
  partition(one: readonly string[], other: readonly string[]): void {
    this.cut(one, other);
    this.cut(other, one);
  }

  /** One way. */
  cut(from: readonly string[], to: readonly string[]): void {
    this.network.cut(from, to);
    this.#say(`cut ${from.join(",")} > ${to.join(",")}`);
  }

  heal(): void {
    this.network.heal();
    this.#say("heal");
  }

  /** Does something in the world at a time: a fault, a call that a client makes. @throws RangeError for a time that passed */
  at(atMs: number, what: string, action: () => void): void {
    if (!(atMs >= this.#nowMs)) throw new RangeError(`${what}: it is ${this.#nowMs} ms already, ${atMs} ms has passed`);
    this.#events.push(atMs, { kind: "action", what, action });
  }

  /** Calls a process as one of its own program would. @throws Error for an id that does not run */
  call(id: string, what: string, action: (nowMs: number, out: Outbox<F>) => void): void {
    const life = this.#lifeOf(id);
    this.#say(`call ${id} ${what}`);
    action(this.#nowMs, this.#outboxOf(life));
  }

  /** Runs everything up to a time. @throws Error above `eventsMax` events (S3) */
  runUntil(untilMs: number): void {
    this.runWhile(() => true, untilMs);
  }

  /**
   * Runs until the condition, asked after every event, is false.
   * @returns whether it became false by then @throws Error above `eventsMax` events (S3)
   */
  runWhile(condition: () => boolean, untilMs: number): boolean {
    for (let steps = 0; condition(); steps++) {
      const nextMs = this.#events.nextAtMs;
      if (nextMs === undefined || nextMs > untilMs) {
        this.#nowMs = Math.max(this.#nowMs, untilMs);
        return false;
      }
      if (steps === this.#eventsMax) throw new Error(`${steps} events by ${this.#nowMs} ms, and no end`);
      this.#nowMs = nextMs;
      this.#happen(this.#events.pop() as Happening<F>);
    }
    return true;
  }

  #happen(happening: Happening<F>): void {
    switch (happening.kind) {
      case "wake":
        return this.#wake(happening);
      case "frame":
        return this.#deliver(happening);
      case "action":
        this.#say(happening.what);
        return happening.action();
    }
  }

  #wake(happening: Extract<Happening<F>, { kind: "wake" }>): void {
    const { life, atMs } = happening;
    if (life.wakeAtMs !== atMs || this.#lives.get(life.id) !== life) return; // replaced, or of an earlier life
    if (life.isPaused) return void life.held.push(happening);
    life.wakeAtMs = undefined;
    this.#say(`wake ${life.id}`);
    life.process.wake(this.#nowMs, this.#outboxOf(life));
  }

  #deliver(happening: Extract<Happening<F>, { kind: "frame" }>): void {
    const { from, to, frame } = happening;
    const life = this.#lives.get(to);
    if (life === undefined) {
      this.faults.undeliverable++;
      return this.#say(`${from} > ${to} undeliverable`);
    }
    if (life.isPaused) return void life.held.push(happening);
    if (this.#lines !== undefined) this.#say(`${from} > ${to} ${JSON.stringify(frame)}`);
    life.process.receive(from, frame, this.#nowMs, this.#outboxOf(life));
  }

  #outboxOf(life: Life<F>): Outbox<F> {
    return {
      send: (to, frame) => {
        this.#sent++;
        for (const travelMs of this.network.copiesOf(life.id, to)) {
          this.#events.push(this.#nowMs + travelMs, { kind: "frame", from: life.id, to, frame });
        }
      },
      wakeAt: (atMs) => this.#wakeAt(life, Math.max(atMs, this.#nowMs)),
      note: (text) => this.#say(`note ${life.id} ${text}`),
    };
  }

  #wakeAt(life: Life<F>, atMs: number): void {
    if (life.wakeAtMs === atMs) return;
    life.wakeAtMs = atMs;
    this.#events.push(atMs, { kind: "wake", life, atMs });
  }

  #lifeOf(id: string): Life<F> {
    const life = this.#lives.get(id);
    if (life === undefined) throw new Error(`${id} does not run`);
    return life;
  }

  #say(line: string): void {
    this.#lines?.push(`${this.#nowMs.toFixed(3)} ${line}`);
  }
}

/** FNV-1a, 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash >>> 0;
}
