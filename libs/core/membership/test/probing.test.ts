import { describe, expect, it } from "vitest";
import { EPOCH_MS, LoneNode, seqOf, suspect } from "./lone-node.ts";

/** Proves how members are probed, and what the outcome of a probe does (SWIM §3.1; Lifeguard §IV-A), message by message. */

const four = ["a", "b", "c", "d"];

describe("SWIM §3.1: a probe", () => {
  it("is one ping in each period, while answers come", () => {
    const node = LoneNode.among(four);
    const pinged: string[] = [];
    while (node.wakeAtMs <= 4_200) {
      node.runTo(node.wakeAtMs);
      pinged.push(...node.sent("ping").map(({ to }) => to));
      node.answer();
    }
    expect(pinged).toHaveLength(14);
    expect(new Set(pinged.slice(0, 4))).toEqual(new Set(four));
    expect(node.changes).toEqual([]);
    expect(node.event("probesFailed")).toBe(0);
  });

  it("asks three others after the timeout, and tries again itself", () => {
    const node = LoneNode.among([...four, "e"]);
    const ping = node.runToSend("ping");
    const [to, sentMs] = [ping.to, node.nowMs];
    node.take();
    node.runTo(sentMs + 149);
    expect(node.sends).toEqual([]);
    node.runTo(sentMs + 150);
    const asked = node.sent("ping-req");
    expect(asked).toHaveLength(3);
    expect(new Set(asked.map(({ to }) => to)).size).toBe(3);
    expect(asked.map(({ frame }) => frame)).toMatchObject(Array(3).fill({ target: to, seq: seqOf(ping) }));
    expect(asked.map((send) => send.to)).not.toContain(to);
    expect(node.sent("ping")).toMatchObject([{ to }]);
  });

  it("is over when a helper heard the target", () => {
    const node = LoneNode.among(four);
    const { to } = node.runToSend("ping");
    const helper = node.runToSend("ping-req");
    node.take();
    node.hear(helper.to, { kind: "ack", seq: seqOf(helper) });
    node.runAnswering(node.nowMs + 200);
    expect(node.swim.stateOf(to)).toBe("alive");
    expect(node.event("probesFailed")).toBe(0);
  });

  it("that nobody answers makes the target suspect at the end of the period, and the news is pushed at once", () => {
    const node = LoneNode.among(four);
    const { to } = node.runToSend("ping");
    const sentMs = node.nowMs;
    node.runTo(sentMs + 299);
    expect(node.changes).toEqual([]);
    node.take();
    node.runTo(sentMs + 300);
    expect(node.changes).toEqual([{ id: to, from: "alive", to: "suspect", incarnation: EPOCH_MS }]);
    const pushed = node.sent("news");
    expect(pushed).toHaveLength(3);
    for (const { frame } of pushed) expect(frame.updates).toMatchObject([{ id: to, state: "suspect", by: ["self"] }]);
  });

  it("is not ended by an answer of another, of another probe, or too late", () => {
    const node = LoneNode.among(four);
    const ping = node.runToSend("ping");
    const [to, seq] = [ping.to, seqOf(ping)];
    const other = four.find((id) => id !== to) ?? "";
    node.hear(other, { kind: "ack", seq });
    node.hear(to, { kind: "ack", seq: seq + 1 });
    node.hear(other, { kind: "nack", seq });
    expect(node.event("strayAnswers")).toBe(3);
    node.runTo(node.nowMs + 300);
    expect(node.swim.stateOf(to)).toBe("suspect");
    node.hear(to, { kind: "ack", seq });
    expect(node.event("strayAnswers")).toBe(4);
    expect(node.swim.stateOf(to)).toBe("suspect");
  });
});

describe("a ping for another", () => {
  it("is answered under the number of the one who asked", () => {
    const node = LoneNode.among(four);
    node.hear("a", { kind: "ping-req", seq: 77, target: "b" });
    const pinged = node.take();
    expect(pinged).toMatchObject([{ to: "b", frame: { kind: "ping" } }]);
    const seq = seqOf(pinged);
    node.hear("c", { kind: "ack", seq });
    expect(node.take()).toEqual([]);
    node.hear("b", { kind: "ack", seq });
    expect(node.take()).toMatchObject([{ to: "a", frame: { kind: "ack", seq: 77 } }]);
  });

  it("without an answer is a nack, before the one who asked ends its period, and a late answer is still passed on", () => {
    const node = LoneNode.among(four);
    node.hear("a", { kind: "ping-req", seq: 77, target: "b" });
    const seq = seqOf(node.take());
    node.runAnswering(119);
    expect(node.sent("nack")).toEqual([]);
    node.runTo(120);
    expect(node.sent("nack")).toMatchObject([{ to: "a", frame: { seq: 77 } }]);
    node.take();
    node.hear("b", { kind: "ack", seq });
    expect(node.sent("ack")).toMatchObject([{ to: "a", frame: { seq: 77 } }]);
  });

  it("which is this node itself is answered at once", () => {
    const node = LoneNode.among(four);
    node.hear("a", { kind: "ping-req", seq: 77, target: "self" });
    expect(node.take()).toMatchObject([{ to: "a", frame: { kind: "ack", seq: 77 } }]);
  });

  it("is forgotten in time, and only so many are under way", () => {
    const node = LoneNode.among(four, { relaysMax: 5 });
    for (let seq = 0; seq < 8; seq++) node.hear("a", { kind: "ping-req", seq, target: "b" });
    expect([node.sent("ping").length, node.event("relaysRefused")]).toEqual([5, 3]);
    node.runAnswering(301);
    node.take();
    node.hear("a", { kind: "ping-req", seq: 9, target: "b" });
    expect([node.sent("ping").length, node.event("relaysRefused")]).toEqual([1, 3]);
  });
});

describe("Lifeguard §IV-A: local health", () => {
  const failOne = (node: LoneNode, nacks: number) => {
    const { to } = node.runToSend("ping");
    node.runToSend("ping-req");
    const asked = node.sent("ping-req");
    for (const send of asked.slice(0, nacks)) node.hear(send.to, { kind: "nack", seq: seqOf(send) });
    node.take();
    while (node.swim.stateOf(to) !== "suspect") node.runTo(node.wakeAtMs);
  };

  it.each([
    [3, 0],
    [2, 1],
    [0, 3],
  ])("with %d nacks of three, a failed probe costs %d", (nacks, cost) => {
    const node = LoneNode.among(four);
    failOne(node, nacks);
    expect(node.swim.localHealth).toBe(cost);
  });

  it("stretches period and timeout, and is mended by answers", () => {
    const node = LoneNode.among(four);
    failOne(node, 0); // in the step that begins the next probe
    const sentMs = node.nowMs;
    node.answer();
    expect(node.swim.localHealth).toBe(2);
    node.runToSend("ping");
    expect(node.nowMs - sentMs).toBeCloseTo(1_200, 6);
    const nextMs = node.nowMs;
    node.take();
    node.runToSend("ping-req");
    expect(node.nowMs - nextMs).toBeCloseTo(450, 6);
  });

  it("suffers from an accusation that this node had to deny, and from a pause of its own", () => {
    const node = LoneNode.among(four);
    node.news("a", suspect("self", ["a"]));
    expect(node.swim.localHealth).toBe(1);
    node.nowMs = 5_000;
    node.step({ kind: "wake" });
    expect([node.swim.localHealth, node.event("pauses")]).toEqual([2, 1]);
  });

  it("follows the delay of the event loop", () => {
    const node = LoneNode.among(four);
    node.step({ kind: "load", eventLoopDelayMs: 300 });
    expect(node.swim.localHealth).toBe(4);
    node.step({ kind: "load", eventLoopDelayMs: 1 });
    expect(node.swim.localHealth).toBe(0);
  });
});

describe("a second opinion", () => {
  it("is given by about K + 1 of those who hear of a suspicion, by probing next", () => {
    let given = 0;
    for (let seed = 1; seed <= 200; seed++) {
      const others = Array.from({ length: 40 }, (_, index) => `m${index}`);
      const node = LoneNode.among(others, {}, seed);
      node.news("m1", suspect("m9", ["m1"]));
      node.take();
      if (node.runToSend("ping").to === "m9") given++;
    }
    // 4 of 41 members, and 1 of 40 by turn: 24 of 200.
    expect(given).toBeGreaterThan(12);
    expect(given).toBeLessThan(40);
  });
});
