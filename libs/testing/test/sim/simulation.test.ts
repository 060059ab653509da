/** S1–S4, and that each fault does what it says and is counted. */
import { describe, expect, test } from "vitest";
import { calm, evenly, type Outbox, type SimProcess, Simulation } from "../../src/index.ts";

/** Keeps what it hears, with the time. */
class Ear implements SimProcess<number> {
  readonly heard: [from: string, frame: number, nowMs: number][] = [];
  readonly woken: number[] = [];
  wake(nowMs: number): void {
    this.woken.push(nowMs);
  }
  receive(from: string, frame: number, nowMs: number): void {
    this.heard.push([from, frame, nowMs]);
  }
  get frames(): number[] {
    return this.heard.map(([, frame]) => frame);
  }
}

/** Sends its number to others at each wake. */
class Mouth extends Ear {
  readonly #to: readonly string[];
  readonly #everyMs: number;
  #next = 0;
  constructor(to: readonly string[], everyMs = 10) {
    super();
    this.#to = to;
    this.#everyMs = everyMs;
  }
  override wake(nowMs: number, out?: Outbox<number>): void {
    super.wake(nowMs);
    for (const to of this.#to) out?.send(to, this.#next);
    this.#next++;
    out?.note(`sent ${this.#next}`);
    out?.wakeAt(nowMs + this.#everyMs);
  }
}

function world(options: Partial<ConstructorParameters<typeof Simulation>[0]> = {}) {
  const simulation = new Simulation<number>({ seed: 1, ...options });
  const [mouth, ear] = [new Mouth(["ear"]), new Ear()];
  simulation.start("mouth", mouth);
  simulation.start("ear", ear);
  return { simulation, mouth, ear };
}

const rough = { latencyMs: evenly(1, 30), loss: 0.2, duplicates: 0.3, reordering: 0.3, heldBackMsMax: 100 };

test("S1: one seed, one transcript; another seed, another one", () => {
  const run = (seed: number) => {
    const { simulation } = world({ seed, network: rough, transcript: true });
    simulation.at(50, "pause ear", () => simulation.pause("ear"));
    simulation.at(80, "ear goes on", () => simulation.goOn("ear"));
    simulation.runUntil(500);
    return simulation.transcript;
  };
  expect(run(7)).toBe(run(7));
  expect(run(7)).not.toBe(run(8));
  expect(run(7).split("\n").length).toBeGreaterThan(50);
});

test("S1: a generator is of its name and the seed alone", () => {
  const [one, other] = [new Simulation({ seed: 3 }), new Simulation({ seed: 3 })];
  one.randomOf("a")();
  expect(one.randomOf("b")()).toBe(other.randomOf("b")());
  expect(one.randomOf("a")()).not.toBe(one.randomOf("b")());
});

test("S2: frames come after their latency, in the order of their time", () => {
  const { simulation, ear, mouth } = world({ network: { latencyMs: () => 25 } });
  simulation.runUntil(45);
  expect(mouth.woken).toEqual([0, 10, 20, 30, 40]);
  expect(ear.heard).toEqual([
    ["mouth", 0, 25],
    ["mouth", 1, 35],
    ["mouth", 2, 45],
  ]);
  expect(simulation.nowMs).toBe(45);
});

test("S3: a process that wakes itself without delay fails the run", () => {
  const simulation = new Simulation<number>({ seed: 1, eventsMax: 100 });
  simulation.start("restless", new Mouth([], 0));
  expect(() => simulation.runUntil(1)).toThrow(/100 events by 0 ms/);
});

test("a run ends when its condition does, and says whether it did", () => {
  const { simulation, ear } = world();
  expect(simulation.runWhile(() => ear.heard.length < 3, 1_000)).toBe(true);
  expect([ear.heard.length, simulation.nowMs]).toEqual([3, 21]);
  expect(simulation.runWhile(() => true, 30)).toBe(false);
  expect(simulation.nowMs).toBe(30);
});

describe("S4", () => {
  test("a paused process hears afterwards what came meanwhile, and wakes late", () => {
    const { simulation, mouth, ear } = world();
    simulation.at(15, "pause", () => simulation.pause("ear"));
    simulation.at(15, "pause", () => simulation.pause("mouth"));
    simulation.at(95, "go on", () => simulation.goOn("mouth"));
    simulation.at(97, "go on", () => simulation.goOn("ear"));
    simulation.runUntil(105);
    expect(mouth.woken).toEqual([0, 10, 95, 105]);
    expect(ear.heard.map(([, , atMs]) => atMs)).toEqual([1, 11, 97]);
    expect(simulation.faults.paused).toBe(2);
  });

  test("a crashed process is gone with what it had planned; a new life begins anew", () => {
    const { simulation, ear } = world();
    simulation.at(15, "crash", () => simulation.crash("mouth"));
    simulation.runUntil(100);
    expect(ear.frames).toEqual([0, 1]);
    simulation.start("mouth", new Mouth(["ear"]));
    simulation.runUntil(115);
    expect(ear.frames).toEqual([0, 1, 0, 1]);
    simulation.crash("ear");
    simulation.runUntil(135);
    expect(simulation.faults).toMatchObject({ crashed: 2, restarted: 1, undeliverable: 2 });
    expect(() => simulation.pause("ear")).toThrow("ear does not run");
    expect(() => simulation.start("mouth", new Ear())).toThrow("mouth runs already");
  });
});

describe("a fault", () => {
  const received = (network: object) => {
    const { simulation, ear } = world({ network });
    simulation.runUntil(99_995);
    return { frames: ear.frames, faults: simulation.faults, sent: simulation.framesSent };
  };

  test("loses about its share of the frames", () => {
    const { frames, faults, sent } = received({ loss: 0.2 });
    expect(faults.lost / sent).toBeCloseTo(0.2, 1);
    expect(frames).toHaveLength(sent - faults.lost);
  });

  test("sends about its share twice", () => {
    const { frames, faults, sent } = received({ duplicates: 0.3 });
    expect(faults.duplicated / sent).toBeCloseTo(0.3, 1);
    expect(frames.length - faults.duplicated).toBe(new Set(frames).size);
  });

  test("holds back about its share, so that others overtake", () => {
    const { frames, faults, sent } = received({ reordering: 0.1, heldBackMsMax: 50 });
    expect(faults.reordered / sent).toBeCloseTo(0.1, 1);
    expect(frames).not.toEqual(frames.toSorted((a, b) => a - b));
    expect(received(calm).frames).toEqual(received(calm).frames.toSorted((a, b) => a - b));
  });

  test("cuts one way only, both ways as a partition, and heals", () => {
    const simulation = new Simulation<number>({ seed: 1 });
    const [a, b] = [new Mouth(["b"]), new Mouth(["a"])];
    simulation.start("a", a);
    simulation.start("b", b);
    simulation.at(5, "cut", () => simulation.cut(["a"], ["b"]));
    simulation.at(35, "partition", () => simulation.partition(["a"], ["b"]));
    simulation.at(65, "heal", () => simulation.heal());
    simulation.runUntil(75);
    expect([a.frames, b.frames]).toEqual([
      [0, 1, 2, 3, 7],
      [0, 7],
    ]);
    expect(simulation.faults.blocked).toBe(3 + 3 + 3);
  });
});

test("a call is made now, as by the process's own program", () => {
  const { simulation, ear } = world();
  simulation.runUntil(50);
  const before = ear.heard.length;
  simulation.call("mouth", "shout", (nowMs, out) => {
    expect(nowMs).toBe(50);
    out.send("ear", 99);
  });
  simulation.runUntil(52);
  expect(ear.frames.slice(before)).toContain(99);
  expect(() => simulation.at(10, "too late", () => {})).toThrow(RangeError);
});
