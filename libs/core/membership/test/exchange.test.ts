import { describe, expect, it } from "vitest";
import { Swim } from "../src/index.ts";
import { dead, EPOCH_MS, LoneNode, suspect } from "./lone-node.ts";
import { updateAbout } from "./updates.ts";

/** Proves how members find each other and part: joining, lists, trying the lost again, leaving, forgetting (M6, M8). */

const four = ["a", "b", "c", "d"];
const many = (count: number) => Array.from({ length: count }, (_, index) => `m${index}`);
const start = (peers: readonly string[]) => ({ kind: "start" as const, epochMs: EPOCH_MS, peers });

describe("joining", () => {
  it("asks three of the peers for their list, every second until one is there", () => {
    const node = new LoneNode();
    node.step(start(["a", "b", "c", "d", "self"]));
    expect(node.sends).toMatchObject(Array(3).fill({ frame: { kind: "sync", back: true } }));
    expect(node.sends.map(({ to }) => to)).not.toContain("self");
    node.take();
    node.runTo(999);
    expect(node.sends).toEqual([]);
    node.runTo(1_000);
    expect(node.sends).toHaveLength(3);
    node.news("b", ...["c", "d"].map((id) => updateAbout(id, { incarnation: EPOCH_MS })));
    expect([...node.swim.alive()].sort()).toEqual(["b", "c", "d", "self"]);
    node.take();
    node.runAnswering(4_000);
    expect(node.swim.counts().members).toEqual({ alive: 4, suspect: 0, dead: 0, left: 0 });
  });

  it("asks at once those who are named later, where nobody is known, and remembers so many", () => {
    const node = new LoneNode();
    node.step(start([]));
    expect([node.sends, node.swim.alive()]).toEqual([[], ["self"]]);
    node.nowMs = 100;
    node.step({ kind: "join", peers: ["a", "not an id", "*"] });
    expect(node.take().map(({ to }) => to)).toEqual(["a"]);
    node.nowMs = 200;
    node.step({ kind: "join", peers: ["b"] });
    expect(node.take().map(({ to }) => to)).toContain("b");
    node.step({ kind: "join", peers: many(1_000) });
    const asked = new Set<string>();
    for (let seconds = 1; seconds < 200; seconds++) {
      node.runTo(seconds * 1_000);
      for (const { to } of node.take()) asked.add(to);
    }
    expect(asked.size).toBe(32);
  });

  it("is heard of by all when it is announced, and answered by about three", () => {
    let answered = 0;
    for (let seed = 1; seed <= 100; seed++) {
      const node = LoneNode.among(many(29), {}, seed);
      node.step({ kind: "announced", id: "new" });
      answered += node.sent("sync").length;
      node.step({ kind: "announced", id: "m3" });
      node.step({ kind: "announced", id: "no id" });
      node.step({ kind: "announced", id: "self" });
      expect(
        node
          .sent("sync")
          .map(({ to }) => to)
          .filter((to) => to !== "new"),
      ).toEqual([]);
    }
    expect(answered).toBeGreaterThan(3);
    expect(answered).toBeLessThan(20);
  });

  it("believes what it knew beforehand, and does not tell it on", () => {
    const node = new LoneNode();
    node.step({ ...start([]), known: [updateAbout("a"), dead("b", 1)] });
    expect([node.swim.stateOf("a"), node.swim.stateOf("b")]).toEqual(["alive", "dead"]);
    expect(node.swim.takeUpdates(9)).toMatchObject([{ id: "self" }]);
  });

  it("a restart is above its earlier life, which the others hold for dead", () => {
    const node = LoneNode.among(four);
    node.news("a", dead("x", EPOCH_MS - 60_000));
    node.hear("x", { kind: "sync", digest: 0, back: true }, { incarnation: EPOCH_MS });
    expect(node.changes.at(-1)).toEqual({ id: "x", from: "dead", to: "alive", incarnation: EPOCH_MS });
  });

  it("nothing is done or kept before the start, which is once", () => {
    const node = new LoneNode();
    node.news("a", updateAbout("b"));
    expect([node.swim.members(), node.sends, node.event("beforeStart")]).toEqual([[], [], 1]);
    node.step(start([]));
    node.step({ ...start([]), epochMs: EPOCH_MS + 9 });
    expect(node.swim.incarnation).toBe(EPOCH_MS);
  });

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])("refuses a wall clock at %d", (epochMs) => {
    const node = new LoneNode();
    expect(() => node.step({ ...start([]), epochMs })).toThrow(RangeError);
  });

  it("refuses an id or a record that no frame could carry", () => {
    expect(() => new Swim({ id: "a.b", meta: {} }, Math.random)).toThrow(RangeError);
    expect(() => new Swim({ id: "a", meta: { service: "x".repeat(65) } }, Math.random)).toThrow(RangeError);
  });
});

describe("the whole list", () => {
  it("is sent to whom holds something else, in pieces of bounded size, with the accused and the dead; and asked for in turn", () => {
    const node = LoneNode.among(many(10), { newsMax: 4, pushEveryMs: 0 });
    node.news("m1", suspect("m2", ["m1"]), dead("x", 5, 700));
    node.take();
    node.hear("m0", { kind: "sync", digest: node.swim.digest ^ 1, back: true });
    const pieces = node.sends.filter(({ frame }) => frame.kind === "news");
    for (const { frame } of pieces) expect(frame.updates.length).toBeLessThanOrEqual(4);
    const told = pieces.flatMap(({ frame }) => frame.updates);
    expect(told.map(({ id }) => id).sort()).toEqual(["m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "m9", "x"]);
    expect(told.find(({ id }) => id === "m2")).toMatchObject({ state: "suspect", by: ["m1"] });
    expect(told.find(({ id }) => id === "x")).toMatchObject({ state: "dead", ageMs: 700 });
    expect(node.sent("sync")).toMatchObject([{ to: "m0", frame: { back: false } }]);
  });

  it("is not sent to whom holds the same", () => {
    const node = LoneNode.among(four);
    node.hear("a", { kind: "sync", digest: node.swim.digest, back: true });
    expect(node.sends).toEqual([]);
  });

  it("is sent only so often in a second", () => {
    const node = LoneNode.among(four, { listsPerSecondMax: 3 });
    for (let asked = 0; asked < 5; asked++) node.hear("a", { kind: "sync", digest: 0, back: false });
    expect([node.event("lists"), node.event("listsRefused")]).toEqual([3, 2]);
    node.nowMs = 1_001;
    node.hear("a", { kind: "sync", digest: 0, back: false });
    expect(node.event("lists")).toBe(4);
  });

  it("is compared with one member's now and then", () => {
    const node = LoneNode.among(four, { syncEveryMs: 1_000 });
    let asked = 0;
    for (let untilMs = 0; untilMs < 60_000; untilMs += 50) {
      node.runTo(untilMs);
      asked += node.sent("sync").length;
      node.answer();
    }
    expect(asked).toBeGreaterThan(40);
    expect(asked).toBeLessThan(90);
  });
});

describe("M8: who is dead", () => {
  it("is tried again until it is forgotten; who has left is not", () => {
    const node = LoneNode.among(four, { tombstoneMs: 60_000 });
    node.news("a", dead("x"), updateAbout("y", { state: "left", ageMs: 0 }));
    const tried: string[] = [];
    for (let untilMs = 0; untilMs < 100_000; untilMs += 50) {
      node.runTo(untilMs);
      tried.push(...node.sent("ping").flatMap(({ to }) => (four.includes(to) ? [] : [to])));
      node.answer();
      if (untilMs === 60_000) expect(tried.length).toBeGreaterThan(8);
    }
    expect(new Set(tried)).toEqual(new Set(["x"]));
    expect(tried.length).toBeLessThan(20);
    expect(node.changes.filter(({ to }) => to === "unknown").map(({ id }) => id)).toEqual(["x", "y"]);
  });

  it("is told that it is, and when it denies that, both sides exchange what they hold, once in a second", () => {
    const node = LoneNode.among(four);
    node.news("a", dead("x"), dead("y"));
    const { frame } = node.runToSend("ping", "x");
    expect(frame.updates[0]).toMatchObject({ id: "x", state: "dead" });
    node.take();
    node.hear("x", { kind: "ack", seq: 0 }, { incarnation: EPOCH_MS + 1 });
    node.hear("y", { kind: "ping", seq: 0 }, { incarnation: EPOCH_MS + 1 });
    expect(node.sent("sync")).toMatchObject([{ to: "x", frame: { back: true } }]);
  });

  it("a seed that is forgotten is asked again", () => {
    const node = new LoneNode({ tombstoneMs: 1_000 });
    node.step({ ...start(["a", "gone"]), known: [updateAbout("a", { incarnation: EPOCH_MS })] });
    let asked = 0;
    for (let untilMs = 0; untilMs < 60_000; untilMs += 50) {
      node.runTo(untilMs);
      asked += node.sent("sync").filter(({ to }) => to === "gone").length;
      node.answer();
    }
    expect(node.swim.stateOf("a")).toBe("alive");
    expect(asked).toBeGreaterThan(7);
    expect(asked).toBeLessThan(20);
  });
});

describe("leaving", () => {
  it("is said to as many as news is sent to, once, and then nothing more is done", () => {
    const node = LoneNode.among(many(30));
    node.step({ kind: "leave" });
    const told = node.take();
    expect(told).toHaveLength(Math.ceil(3 * Math.log2(31)));
    for (const { frame } of told) expect(frame.updates).toMatchObject([{ id: "self", state: "left", ageMs: 0 }]);
    expect(node.wakeAtMs).toBe(Number.POSITIVE_INFINITY);
    node.step({ kind: "leave" });
    node.step({ kind: "announced", id: "new" });
    node.news("m1", suspect("self", ["m1"]), dead("self"));
    node.nowMs = 99_999;
    node.step({ kind: "wake" });
    expect([node.sends, node.swim.stateOf("self"), node.event("pauses")]).toEqual([[], "left", 0]);
    expect([node.swim.incarnation, node.event("refutations")]).toEqual([EPOCH_MS, 0]);
    node.hear("m1", { kind: "ping", seq: 1 });
    expect(node.take()).toMatchObject([{ to: "m1", frame: { kind: "news", updates: [{ id: "self", state: "left" }] } }]);
  });

  it("is believed at once, and overridden by a new life alone", () => {
    const node = LoneNode.among(four);
    node.news("d", updateAbout("d", { state: "left", incarnation: EPOCH_MS, ageMs: 0 }));
    expect(node.changes).toEqual([{ id: "d", from: "alive", to: "left", incarnation: EPOCH_MS }]);
    node.hear("d", { kind: "news" });
    expect(node.swim.stateOf("d")).toBe("left");
    node.hear("d", { kind: "news" }, { incarnation: EPOCH_MS + 1_000 });
    expect(node.swim.stateOf("d")).toBe("alive");
  });
});

describe("M6: who slept as long as tombstones live", () => {
  it("tells nothing of what it knew, and begins anew among those", () => {
    const node = LoneNode.among(many(5), { tombstoneMs: 10_000, retryEveryMs: 1e9 });
    node.news("m0", suspect("m1", ["m0"]), dead("x"));
    node.runToSend("ping");
    node.take();
    node.nowMs = 20_000;
    node.step({ kind: "wake" });
    expect(node.swim.alive()).toEqual(["self"]);
    expect(node.changes.filter(({ to }) => to === "unknown")).toHaveLength(6);
    expect(node.sent("sync")).toHaveLength(3);
    for (const { frame } of node.take()) expect(frame.updates).toEqual([]);
    expect(node.swim.takeUpdates(9).every(({ id }) => id === "self")).toBe(true);
    node.news("m3", updateAbout("m4", { incarnation: EPOCH_MS }));
    expect([...node.swim.alive()].sort()).toEqual(["m3", "m4", "self"]);
    node.runAnswering(30_000);
    expect([node.event("probesFailed"), node.event("convictions")]).toEqual([0, 0]);
  });

  it("but not who slept a little less", () => {
    const node = LoneNode.among(many(5), { tombstoneMs: 10_000 });
    node.nowMs = node.wakeAtMs + 9_000;
    node.step({ kind: "wake" });
    expect(node.swim.alive()).toHaveLength(6);
  });
});

describe("news", () => {
  it("of those who are forgotten takes no place of other news", () => {
    const node = LoneNode.among(many(5), { pushEveryMs: 0, piggybackMax: 0, tombstoneMs: 2_000 });
    node.news("m0", updateAbout("new", { incarnation: EPOCH_MS }), dead("x"));
    node.runAnswering(3_000, ["x"]);
    expect(node.swim.stateOf("x")).toBeUndefined();
    expect(node.swim.takeUpdates(1)).toMatchObject([{ id: "new" }]);
  });

  it("is sent ⌈λ·log2(n + 1)⌉ times at most, by frames and by takeUpdates together (SWIM §4.1)", () => {
    const node = LoneNode.among(many(14), { pushEveryMs: 0 });
    node.news("m0", updateAbout("new", { incarnation: 1 }));
    let sent = 0;
    for (let times = 0; times < 30; times++) {
      node.hear("m1", { kind: "ping", seq: times });
      sent += node.take().flatMap(({ frame }) => frame.updates).length;
      sent += node.swim.takeUpdates(1).length;
    }
    expect(sent).toBe(Math.ceil(3 * Math.log2(17)));
  });

  it("a frame of a probe carries so many, a pushed one more", () => {
    const node = LoneNode.among(many(5), { piggybackMax: 3, newsMax: 7 });
    node.news("m0", ...many(40).map((id) => updateAbout(`x${id}`)));
    for (const { frame } of node.take()) expect(frame.updates).toHaveLength(7);
    node.hear("m1", { kind: "ping", seq: 1 });
    expect(node.sent("ack")[0]?.frame.updates).toHaveLength(3);
  });

  it("is pushed at most every 100 ms, to three, and not at all when there is none", () => {
    const node = LoneNode.among(many(20));
    node.runAnswering(1_000);
    node.news("m0", updateAbout("new"));
    expect(node.sent("news")).toHaveLength(3);
    node.news("m0", updateAbout("newer"));
    expect(node.sent("news")).toHaveLength(3);
    node.take();
    node.runTo(1_099);
    expect(node.sent("news")).toEqual([]);
    node.runTo(1_100);
    expect(node.sent("news")).toHaveLength(3);
    node.runAnswering(20_000);
    node.take();
    node.runAnswering(30_000);
    expect(node.sent("news")).toEqual([]);
  });
});
