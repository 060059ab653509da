/**
 * Proves by simulation what SWIM with Lifeguard promises: how soon a killed member is known dead, that one which is stopped or
 * slow is not, and that everybody is alive for everyone again after partitions, cuts and restarts. Each line of a table is run
 * with several seeds; `npm run sim -- swim` runs more of them, among more members.
 */
import type { SwimOptions } from "@nexus/core-membership";
import { describe, expect, it } from "vitest";
import { swimSuite, withoutLifeguard } from "../src/suites/swim.ts";
import { SwimWorld, type WorldOptions } from "../src/suites/swim-world.ts";

function worldOf(options: WorldOptions): SwimWorld {
  const world = new SwimWorld({ isWarm: true, ...options });
  world.startAll();
  world.runFor(2_000);
  world.said = [];
  return world;
}

const seeds = (count: number) => Array.from({ length: count }, (_, index) => index + 1);
const isDeadForAll = (world: SwimWorld, id: string) => world.viewsOf(id).every((state) => state === "dead");

describe("a killed member", () => {
  it.each([
    [2, 0, 10, 5_000],
    [3, 0, 10, 5_000],
    [12, 0, 20, 5_000],
    [12, 0.1, 20, 5_000],
    [50, 0, 4, 5_000],
    [50, 0.1, 2, 5_000],
    [200, 0, 1, 6_000],
  ])("of %d, with %d of the frames lost, is known dead by all, %d times, within %d ms", (nodes, loss, runs, withinMs) => {
    for (const seed of seeds(runs)) {
      const world = worldOf({ seed, nodes, loss });
      world.runFor(world.simulation.randomOf("moment")() * 1_000);
      world.crash("m1");
      expect(
        world.runUntil(() => isDeadForAll(world, "m1"), withinMs),
        `seed ${seed}`,
      ).toBeDefined();
      expect(world.falseDeaths()).toEqual([]);
    }
  });

  it("is known dead in the end by one whose event loop is always late", () => {
    const world = worldOf({ seed: 1, nodes: 12, lagMsMaxOf: (id) => (id === "m0" ? 1_500 : 0) });
    world.crash("m1");
    expect(world.runUntil(() => isDeadForAll(world, "m1"), 30_000)).toBeDefined();
  });
});

describe("a member stopped for 2 s, again and again for ten minutes", () => {
  it.each([
    [2, 0, 10],
    [2, 0.1, 10],
    [12, 0, 10],
    [12, 0.1, 10],
    [50, 0, 1],
  ])("of %d, with %d of the frames lost, is never declared dead, and declares nobody (%d minutes)", (nodes, loss, minutes) => {
    const world = worldOf({ seed: 1, nodes, loss });
    const random = world.simulation.randomOf("pauses");
    while (world.nowMs < minutes * 60_000) {
      world.simulation.pause("m1");
      world.runFor(2_000);
      world.simulation.goOn("m1");
      world.runFor(random() * 4_000);
    }
    expect(world.said.filter(({ change }) => change.to === "suspect").length).toBeGreaterThan(minutes * 10);
    expect(world.falseDeaths()).toEqual([]);
    expect(world.runUntil(() => world.isWhole, 10_000)).toBeDefined();
  });
});

describe("a member whose event loop is late", () => {
  /** Words against those who are well. */
  const wrongs = (lagMs: number, options: Partial<SwimOptions>) => {
    const world = worldOf({ seed: 1, nodes: 20, swim: options, lagMsMaxOf: (id) => (id === "m0" ? lagMs : 0) });
    world.runFor(60_000);
    const against = (state: string) => world.said.filter(({ change }) => change.to === state && change.id !== "m0").length;
    return { suspect: against("suspect"), dead: against("dead") };
  };

  it.each([600, 1_500, 4_000])("by up to %d ms suspects nobody who is well; without Lifeguard, hundreds of times", (lagMs) => {
    expect(wrongs(lagMs, {})).toEqual({ suspect: 0, dead: 0 });
    expect(wrongs(lagMs, withoutLifeguard).suspect).toBeGreaterThan(300);
  });

  it("by up to 4 s declares healthy ones dead without Lifeguard", () => {
    expect(wrongs(4_000, withoutLifeguard).dead).toBeGreaterThan(5);
  });
});

describe("everyone is alive for everyone again", () => {
  it.each([
    [2, 20_000],
    [12, 3_000],
    [12, 30_000],
    [30, 30_000],
  ])("after the halves of %d were apart for %d ms", (nodes, apartMs) => {
    for (const seed of seeds(3)) {
      const world = worldOf({ seed, nodes });
      const [one, other] = [0, 1].map((side) => world.ids.filter((_, index) => index % 2 === side)) as [string[], string[]];
      world.simulation.partition(one, other);
      world.runFor(apartMs);
      if (apartMs > 15_000) for (const id of other) expect(world.running.get("m0")?.swim.stateOf(id)).toBe("dead");
      world.simulation.heal();
      expect(
        world.runUntil(() => world.isWhole, 15_000),
        `seed ${seed}`,
      ).toBeDefined();
      world.runFor(1_000);
      world.said = [];
      world.runFor(20_000);
      expect(world.said).toEqual([]);
    }
  });

  it("after a member could send to nobody, and was dead for the others", () => {
    const world = worldOf({ seed: 1, nodes: 12 });
    world.simulation.cut(["m1"], world.ids);
    expect(world.runUntil(() => world.viewsOf("m1").every((state) => state === "dead"), 10_000)).toBeDefined();
    world.simulation.heal();
    expect(world.runUntil(() => world.isWhole, 15_000)).toBeDefined();
  });

  it("after all but one restarted at once, who then know of the dead too", () => {
    const world = worldOf({ seed: 1, nodes: 12 });
    world.crash("m1");
    world.runUntil(() => isDeadForAll(world, "m1"), 10_000);
    const restarted = world.ids.filter((id) => id !== "m1" && id !== "m2");
    for (const id of restarted) world.crash(id);
    world.runFor(500);
    for (const id of restarted) world.start(id);
    world.runFor(1);
    expect(world.runUntil(() => world.isWhole, 15_000)).toBeDefined();
    expect(world.runUntil(() => isDeadForAll(world, "m1"), 5_000)).toBeDefined();
  });

  it("after all restarted at once", () => {
    const world = worldOf({ seed: 1, nodes: 30, isWarm: false });
    expect(world.runUntil(() => world.running.size === 30 && world.isWhole, 15_000)).toBeDefined();
    for (const id of world.ids) world.crash(id);
    world.runFor(300);
    world.startAll();
    expect(world.runUntil(() => world.running.size === 30 && world.isWhole, 15_000)).toBeDefined();
  });
});

it("a member that cannot reach some of the others, or cannot be reached by them, is dead for nobody", () => {
  for (const isFrom of [true, false]) {
    const world = worldOf({ seed: 1, nodes: 12 });
    const some = ["m2", "m3", "m4", "m5"];
    world.simulation.cut(isFrom ? ["m1"] : some, isFrom ? some : ["m1"]);
    world.runFor(60_000);
    expect(world.falseDeaths()).toEqual([]);
  }
});

it("one who leaves is gone for all within a second, and is not dead", () => {
  const world = worldOf({ seed: 1, nodes: 30 });
  const process = world.running.get("m1");
  world.simulation.call("m1", "leaves", (nowMs, out) => process?.step({ kind: "leave" }, nowMs, out));
  expect(world.runUntil(() => world.viewsOf("m1").every((state) => state === "left"), 1_000)).toBeDefined();
  world.crash("m1");
  world.runFor(10_000);
  expect(world.said.filter(({ change }) => change.to === "dead")).toEqual([]);
});

describe("the suite", () => {
  const values = { nodes: 6, loss: 0.1, pauses: 1, pauseMs: 2_000, partitionMs: 6_000, lagMs: 0, lifeguard: 1 };

  it("is the same to the byte with the same seed, and measures", () => {
    const [one, again, other] = [1, 1, 2].map((seed) => swimSuite.run(seed, values, true));
    expect(one?.transcript).toBe(again?.transcript);
    expect(one?.transcript).not.toBe(other?.transcript);
    expect([one?.violations, one?.faults["crashed"], one?.faults["paused"]]).toEqual([[], 1, 1]);
    const figures = swimSuite.figures(
      [one, other].map((outcome) => outcome?.measured ?? {}),
      values,
    );
    expect(figures["detectMsMean"]).toBeGreaterThan(2_400);
    expect(figures["detectMsP99"]).toBeLessThan(6_000);
    expect(figures["falseDeaths"]).toBe(0);
    expect(figures["framesPerNodeSecond"]).toBeGreaterThan(6);
    expect(figures["bytesPerNodeSecond"]).toBeGreaterThan(300);
  });

  it("sees a violation: stopped for longer than anybody waits, a member is declared dead", () => {
    const { violations, measured } = swimSuite.run(1, { ...values, loss: 0, pauseMs: 9_000, partitionMs: 0 }, false);
    expect(violations.join("\n")).toMatch(/m\d runs and is dead for m\d at \d+/);
    expect(measured["falseDeaths"]).toBeGreaterThan(0);
  });
});
