/** W1–W6, with two members that hand each other what they say; and that observers are shared out evenly and stay. */
import { describe, expect, test } from "vitest";
import { AgentWatch, type AgentWatchOptions, type Judged, observersOf } from "../src/index.ts";

const members = ["m1", "m2"];
const STEP_MS = 100;

/** So many members that observe one agent, which answers probes and beats as long as it lives, to those that it reaches. */
function world(ids: readonly string[], options: Partial<AgentWatchOptions> = {}) {
  const watches = new Map(ids.map((id) => [id, new AgentWatch(id, options)]));
  for (const watch of watches.values()) watch.membersAre(ids);
  const said: [member: string, ...Judged[]][] = [];
  let [nowMs, lives, boot] = [0, true, "b1"];
  let reaches: readonly string[] = ids;
  const publish = (from: string, verdicts: readonly Judged[]): void => {
    if (verdicts.length === 0) return;
    said.push([from, ...verdicts]);
    for (const [id, watch] of watches) {
      if (id !== from) for (const judged of verdicts) carryOut(id, watch.told(judged, nowMs));
    }
  };
  const hear = (): void => {
    for (const id of reaches) publish(id, watches.get(id)?.heard("a", boot, nowMs) ?? []);
  };
  const carryOut = (id: string, { probes, verdicts }: ReturnType<AgentWatch["tick"]>): void => {
    publish(id, verdicts);
    if (lives && probes.includes("a")) hear();
  };
  return {
    said,
    watches,
    kill() {
      lives = false;
    },
    restart(as: string) {
      [lives, boot] = [true, as];
    },
    reachOnly(some: readonly string[]) {
      reaches = some;
    },
    hear,
    run(ms: number, beats = true) {
      for (const untilMs = nowMs + ms; nowMs < untilMs; ) {
        nowMs += STEP_MS;
        if (lives && beats && nowMs % 1_000 === 0) hear();
        for (const [id, watch] of watches) carryOut(id, watch.tick(nowMs));
      }
    },
    sleep(ms: number) {
      nowMs += ms;
    },
  };
}
const verdicts = (of: ReturnType<typeof world>) => of.said.map(([, judged]) => judged?.verdict);

test("an agent that beats, or answers when it is asked, is not accused", () => {
  const beating = world(members);
  beating.run(60_000);
  const silent = world(members);
  silent.hear();
  silent.run(60_000, false);
  expect([beating.said, silent.said]).toEqual([[], []]);
});

test("W2, W3: one that is gone is suspect after its probes, and dead when both observers say so, within 4 s", () => {
  const lost = world(members);
  lost.run(5_000);
  lost.kill();
  lost.run(4_000);
  expect(verdicts(lost)).toEqual(["suspect", "dead"]);
  expect(new Set(lost.said.map(([member]) => member)).size).toBe(2);
});

test("W3: where one observer is alone, it takes longer before it says dead", () => {
  const lost = world(["m1"]);
  lost.run(5_000);
  lost.kill();
  lost.run(2_600);
  expect(verdicts(lost)).toEqual(["suspect"]);
  lost.run(1_500);
  expect(verdicts(lost)).toEqual(["suspect", "dead"]);
});

test("W3, W4: one that only one observer cannot hear is suspect and not dead, and the other one says that it lives", () => {
  const cut = world(members);
  cut.run(5_000);
  cut.reachOnly(["m2"]);
  cut.run(10_000);
  expect(new Set(verdicts(cut))).toEqual(new Set(["suspect", "alive"]));
  expect(cut.watches.get("m2")?.counts).toMatchObject({ suspect: 0, dead: 0 });
});

test("W4: one that comes back is alive at once, for all", () => {
  const back = world(members);
  back.run(5_000);
  back.kill();
  back.run(5_000);
  back.restart("b1");
  back.hear();
  expect(verdicts(back).at(-1)).toBe("alive");
  for (const watch of back.watches.values()) expect(watch.counts).toMatchObject({ suspect: 0, dead: 0 });
});

test("W5: what is said of an earlier life does not touch the new one", () => {
  const watch = new AgentWatch("m1");
  watch.membersAre(members);
  watch.heard("a", "b1", 0);
  watch.heard("a", "b2", 10);
  expect(watch.told({ agent: "a", boot: "b1", verdict: "dead" }, 20)).toEqual({ probes: [], verdicts: [] });
  watch.left("a", "b1");
  expect(watch.counts).toMatchObject({ observed: 1, dead: 0 });
  watch.left("a", "b2");
  expect(watch.counts.observed).toBe(0);
});

test("W6: after a pause of its own nobody is silent", () => {
  const slept = world(members);
  slept.run(5_000);
  slept.sleep(30_000);
  slept.run(500, false);
  expect(slept.said).toEqual([]);
});

describe("W1", () => {
  const many = Array.from({ length: 10 }, (_, index) => `m${index}`);
  const agents = Array.from({ length: 2_000 }, (_, index) => `agent-${index}`);

  test("each agent has two observers, shared out evenly, and few change when a member goes", () => {
    const before = agents.map((agent) => observersOf(agent, many, 2));
    const loads = many.map((member) => before.filter((observers) => observers.includes(member)).length);
    expect(loads.every((load) => load > 300 && load < 500)).toBe(true);
    expect(before.every((observers) => new Set(observers).size === 2)).toBe(true);
    const after = agents.map((agent) => observersOf(agent, many.slice(1), 2));
    for (const [index, observers] of before.entries()) {
      if (!observers.includes("m0")) expect(after[index]).toEqual(observers);
      else expect(after[index]).toEqual(expect.arrayContaining(observers.filter((member) => member !== "m0")));
    }
    expect(observersOf("a", [...many].reverse(), 2)).toEqual(observersOf("a", many, 2));
    expect([observersOf("a", ["m1"], 2), observersOf("a", [], 2)]).toEqual([["m1"], []]);
  });

  test("a member keeps those that it observes, at most so many, and forgets them with their silence", () => {
    const watch = new AgentWatch("m0", { agentsMax: 100, forgetAfterMs: 10_000 });
    watch.membersAre(many);
    for (const agent of agents) watch.heard(agent, "b", 0);
    const observed = agents.filter((agent) => observersOf(agent, many, 2).includes("m0")).length;
    expect(watch.counts).toMatchObject({ observed: 100, overflows: observed - 100 });
    watch.membersAre(["m0", "m1", "m2"]);
    watch.membersAre(many);
    expect(watch.counts.observed).toBe(100);
    watch.tick(0);
    for (let nowMs = 1_000; nowMs <= 11_000; nowMs += 1_000) watch.tick(nowMs);
    expect(watch.counts.observed).toBe(0);
  });
});
