import { describe, expect, it } from "vitest";
import { dead, EPOCH_MS, LoneNode, seqOf, suspect } from "./lone-node.ts";
import { updateAbout } from "./updates.ts";

/** Proves what becomes of accusations: of others, of this node, and while this node itself was paused (M1 to M5, M7). */

const four = ["a", "b", "c", "d"];
const alive = (id: string, incarnation: number) => updateAbout(id, { incarnation });

describe("a suspicion", () => {
  it("ends in death when nobody denies it, sooner when others confirm it (Lifeguard §IV-B)", () => {
    for (const [by, afterMs] of [
      [["a"], 7_200],
      [["a", "b", "c", "self"], 2_400],
    ] as const) {
      const node = LoneNode.among([...four, "x"]);
      node.news("a", suspect("x", by));
      node.runAnswering(afterMs - 1);
      expect(node.swim.stateOf("x")).toBe("suspect");
      node.runAnswering(afterMs);
      expect(node.changes.at(-1)).toEqual({ id: "x", from: "suspect", to: "dead", incarnation: EPOCH_MS });
      expect(node.event("convictions")).toBe(1);
    }
  });

  it("counts only accusers that are there, and not the accused", () => {
    const node = LoneNode.among([...four, "x"]);
    node.news("a", suspect("x", ["a", "x", "nobody", "stranger"]));
    node.runAnswering(7_199);
    expect(node.swim.stateOf("x")).toBe("suspect");
  });

  it("is told on with all who accuse, again when there is one more", () => {
    const node = LoneNode.among([...four, "x"], { pushEveryMs: 0 });
    node.news("a", suspect("x", ["a"]));
    expect(node.swim.takeUpdates(9)).toMatchObject([{ id: "x", by: ["a"] }]);
    while (node.swim.takeUpdates(9).length > 0);
    node.news("a", suspect("x", ["a"]));
    expect(node.swim.takeUpdates(9)).toEqual([]);
    node.news("b", suspect("x", ["b"]));
    expect(node.swim.takeUpdates(9)).toMatchObject([{ id: "x", by: ["a", "b"] }]);
  });

  it("ends when the accused denies it, or comes back as a new life", () => {
    for (const incarnation of [EPOCH_MS + 1, EPOCH_MS + 60_000]) {
      const node = LoneNode.among(four);
      node.news("a", suspect("d", ["a", "b", "c"]));
      node.hear("d", { kind: "news" }, { incarnation });
      expect(node.changes.at(-1)).toMatchObject({ id: "d", from: "suspect", to: "alive", incarnation });
      node.runAnswering(9_000);
      expect(node.swim.stateOf("d")).toBe("alive");
    }
  });

  it("is not ended by the accused's voice alone", () => {
    const node = LoneNode.among(four);
    node.news("a", suspect("d", ["a"]));
    node.hear("d", { kind: "news" });
    expect(node.swim.stateOf("d")).toBe("suspect");
  });

  it("makes those whose own probe failed knock before the end, and the answer saves the accused", () => {
    // The end is not at a multiple of the period, so that the probes of the periods come at other times.
    const node = LoneNode.among(["a", "b"], { confirmations: 0, suspicionMinMs: 2_500 });
    while (node.swim.stateOf("a") !== "suspect") node.runAnswering(node.wakeAtMs, ["a"]);
    const sinceMs = node.nowMs;
    node.runAnswering(sinceMs + 2_199, ["a"]);
    node.take();
    node.runTo(sinceMs + 2_200);
    expect(node.sent("ping").map(({ to }) => to)).toEqual(["a"]);
    node.hear("a", { kind: "ack", seq: 0 }, { incarnation: EPOCH_MS + 1 });
    node.runAnswering(sinceMs + 2_600);
    expect([node.event("convictions"), node.swim.stateOf("a")]).toEqual([0, "alive"]);
  });

  it("is not knocked at when it was denied before", () => {
    const node = LoneNode.among(["a", "b"], { confirmations: 0, suspicionMinMs: 2_500 });
    while (node.swim.stateOf("a") !== "suspect") node.runAnswering(node.wakeAtMs, ["a"]);
    const sinceMs = node.nowMs;
    node.hear("a", { kind: "news" }, { incarnation: EPOCH_MS + 1 });
    node.runAnswering(sinceMs + 2_199);
    node.take();
    node.runTo(sinceMs + 2_200);
    expect(node.sends).toEqual([]);
  });
});

describe("M2: no stale news resurrects the dead", () => {
  it("what the dead had said before counts nothing, what it says later does", () => {
    const node = LoneNode.among(four);
    node.news("a", suspect("d", ["a", "b", "c", "self"], EPOCH_MS + 5));
    node.runAnswering(3_000, ["d"]);
    expect(node.swim.stateOf("d")).toBe("dead");
    node.news("a", alive("d", EPOCH_MS), alive("d", EPOCH_MS + 5), suspect("d", ["a"], EPOCH_MS + 5));
    node.hear("d", { kind: "news" }, { incarnation: EPOCH_MS + 5 });
    expect(node.swim.stateOf("d")).toBe("dead");
    node.news("a", alive("d", EPOCH_MS + 6));
    expect(node.changes.at(-1)).toMatchObject({ id: "d", from: "dead", to: "alive" });
  });

  it("evidence of failure raises the incarnation that is held of a member", () => {
    const node = LoneNode.among(four);
    node.news("a", suspect("d", ["a"], EPOCH_MS + 9));
    node.news("b", alive("d", EPOCH_MS + 9));
    expect(node.swim.members().find(({ id }) => id === "d")).toMatchObject({ state: "suspect", incarnation: EPOCH_MS + 9 });
  });
});

describe("M3: a death that others tell", () => {
  it("of a member that is not suspect here is a suspicion first", () => {
    const node = LoneNode.among(four);
    node.news("a", dead("d"), dead("d"));
    node.news("b", dead("d"));
    expect([node.swim.stateOf("d"), node.event("doubted")]).toEqual(["suspect", 3]);
    node.news("d", alive("d", EPOCH_MS + 1));
    expect(node.swim.stateOf("d")).toBe("alive");
  });

  it("is believed of one that has been suspect for half of the shortest timeout", () => {
    const node = LoneNode.among(four);
    node.news("a", suspect("d", ["a"]));
    node.runAnswering(1_199, ["d"]);
    node.news("a", dead("d"));
    expect(node.swim.stateOf("d")).toBe("suspect");
    node.runAnswering(1_200, ["d"]);
    node.news("a", dead("d"));
    expect(node.swim.stateOf("d")).toBe("dead");
  });

  it("is believed of a stranger, and of one who says itself that it leaves", () => {
    const node = LoneNode.among(four);
    node.news("a", dead("x"), updateAbout("d", { state: "left", incarnation: EPOCH_MS, ageMs: 0 }));
    expect([node.swim.stateOf("x"), node.swim.stateOf("d")]).toEqual(["dead", "left"]);
  });
});

describe("M4: an accusation of this node", () => {
  it.each([
    ["suspect", suspect("self", ["b", "stranger"])],
    ["dead", dead("self", EPOCH_MS + 3)],
  ])("that it is %s is denied above it at once, to those who accuse and to those who told", (_, accusation) => {
    const node = LoneNode.among(four);
    node.news("a", accusation);
    expect(node.swim.incarnation).toBe(accusation.incarnation + 1);
    expect([node.swim.stateOf("self"), node.event("refutations")]).toEqual(["alive", 1]);
    const told = node.sent("news");
    expect(told.map(({ to }) => to)).toEqual(expect.arrayContaining(accusation.state === "dead" ? ["a"] : ["a", "b"]));
    for (const { to, frame } of told) {
      expect(frame.incarnation).toBe(accusation.incarnation + 1);
      expect(to).not.toBe("stranger");
    }
    expect(node.swim.takeUpdates(9)).toContainEqual(alive("self", accusation.incarnation + 1));
  });

  it("of what it was before is none", () => {
    const node = LoneNode.among(four);
    node.news("a", suspect("self", ["a"]));
    node.news("a", suspect("self", ["b"]), dead("self", 3));
    expect([node.swim.incarnation, node.event("refutations")]).toEqual([EPOCH_MS + 1, 1]);
  });

  it("a word of its own earlier life, whose clock was ahead, is topped and denied by nobody", () => {
    const node = LoneNode.among(four);
    const left = updateAbout("self", { state: "left", incarnation: EPOCH_MS + 60_000, ageMs: 0 });
    node.news("a", alive("self", EPOCH_MS + 50_000), left);
    expect([node.swim.incarnation, node.event("refutations"), node.swim.localHealth]).toEqual([EPOCH_MS + 60_001, 0, 0]);
  });
});

describe("M5: the buddy system (Lifeguard §IV-C)", () => {
  it("every frame to a suspect, or to one who is dead, tells it so first", () => {
    const node = LoneNode.among(four);
    node.news("a", suspect("d", ["a", "b"]), dead("x"));
    node.take();
    node.hear("d", { kind: "ping", seq: 1 });
    node.hear("x", { kind: "ping", seq: 2 });
    node.hear("a", { kind: "ping-req", seq: 3, target: "d" });
    const first = (to: string) => node.sends.filter((send) => send.to === to).map(({ frame }) => frame.updates[0]);
    expect(first("x")).toMatchObject([{ id: "x", state: "dead" }]);
    expect(first("d")).toMatchObject(Array(2).fill({ id: "d", state: "suspect", by: ["a", "b"] }));
    for (const { frame } of node.sends) expect(new Set(frame.updates.map(({ id }) => id)).size).toBe(frame.updates.length);
  });

  it("can be left out", () => {
    const node = LoneNode.among(four, { buddy: false, pushEveryMs: 0, piggybackMax: 0 });
    node.news("a", suspect("d", ["a", "b"]));
    node.hear("d", { kind: "ping", seq: 1 });
    expect(node.sends.map(({ frame }) => frame.updates)).toEqual([[]]);
  });
});

describe("M7: an incarnation far ahead of the wall clock", () => {
  it("is refused, an accusation sooner than what denies it", () => {
    const node = LoneNode.among(four, { aheadMsMax: 1_000 });
    node.news("a", suspect("d", ["a"], EPOCH_MS + 1_001), alive("d", EPOCH_MS + 2_001), dead("self", 2 ** 52));
    expect([node.event("implausible"), node.swim.stateOf("d"), node.swim.incarnation]).toEqual([3, "alive", EPOCH_MS]);
    node.news("a", suspect("d", ["a"], EPOCH_MS + 1_000));
    node.news("a", alive("d", EPOCH_MS + 1_001));
    expect([node.event("implausible"), node.swim.stateOf("d")]).toEqual([3, "alive"]);
    node.runAnswering(500);
    node.news("a", alive("d", EPOCH_MS + 2_500));
    expect(node.event("implausible")).toBe(3);
  });
});

describe("M1: a pause of this node's own", () => {
  it("convicts nobody: what came meanwhile is taken up first", () => {
    const node = LoneNode.among(four);
    node.news("a", suspect("d", ["a", "b", "c", "self"]));
    node.runAnswering(2_300, ["d"]);
    node.nowMs = 30_000;
    node.step({ kind: "wake" });
    expect([node.swim.stateOf("d"), node.event("pauses")]).toEqual(["suspect", 1]);
    node.news("d", alive("d", EPOCH_MS + 1));
    node.runAnswering(40_000);
    expect(node.event("convictions")).toBe(0);
  });

  it("is noticed by whatever comes first", () => {
    const node = LoneNode.among(four);
    node.news("a", suspect("d", ["a", "b", "c", "self"]));
    node.runAnswering(2_300, ["d"]);
    node.nowMs = 30_000;
    node.hear("a", { kind: "ping", seq: 1 });
    expect([node.swim.stateOf("d"), node.event("pauses")]).toEqual(["suspect", 1]);
  });

  it("still convicts who does not deny it afterwards", () => {
    const node = LoneNode.among(four);
    node.news("a", suspect("d", ["a", "b", "c", "self"]));
    node.runAnswering(2_300, ["d"]);
    node.nowMs = 30_000;
    node.step({ kind: "wake" });
    node.runAnswering(31_000, ["d"]);
    expect(node.swim.stateOf("d")).toBe("dead");
  });

  it("lets a probe wait for the answer that came in the pause", () => {
    const node = LoneNode.among(four);
    const ping = node.runToSend("ping");
    node.take();
    node.nowMs += 2_000;
    node.step({ kind: "wake" });
    expect(node.sent("ping-req")).toEqual([]);
    node.hear(ping.to, { kind: "ack", seq: seqOf(ping) });
    node.runAnswering(node.nowMs + 500);
    expect([node.event("probesFailed"), node.changes.length]).toEqual([0, 0]);
  });

  it("again and again ends a probe and a suspicion all the same", () => {
    const node = LoneNode.among(["a", "b", "c"]);
    node.news("a", suspect("b", ["a", "c"]));
    for (let turn = 0; turn < 40; turn++) {
      node.nowMs = node.wakeAtMs + 500;
      node.step({ kind: "wake" });
      node.answer(["b"]);
    }
    expect(node.swim.stateOf("b")).toBe("dead");
    expect(node.event("probes")).toBeGreaterThan(5);
  });

  it("short of the tolerance is none", () => {
    const node = LoneNode.among(four);
    node.nowMs = node.wakeAtMs + 100;
    node.step({ kind: "wake" });
    expect(node.event("pauses")).toBe(0);
  });
});
