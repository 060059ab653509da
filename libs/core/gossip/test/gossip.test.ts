/** R1–R5 on a few nodes that hand each other frames. */
import { createRandom } from "@nexus/testing";
import { describe, expect, test } from "vitest";
import {
  Gossip,
  type GossipEffects,
  type GossipFrame,
  type GossipOptions,
  type Now,
  SharedState,
  sessionOf,
} from "../src/index.ts";

const now: Now = { ms: 0, epochMs: Date.UTC(2026, 0, 1) };
const names = (count: number) => Array.from({ length: count }, (_, index) => `n${index}`);

function node(self: string, members: readonly string[], options: Partial<GossipOptions> = {}) {
  const state = new SharedState({ session: sessionOf(self, 1) });
  const gossip = new Gossip(options, { state, self, members: () => members, random: createRandom(self.length) });
  return { state, gossip };
}
type Node = ReturnType<typeof node>;
const framesOf = (effects: GossipEffects | string) =>
  (typeof effects === "string" ? [] : effects.sends).map(({ frame }) => frame);
const kinds = (effects: GossipEffects | string) => framesOf(effects).map(({ kind }) => kind);

/** Delivers what was sent between two nodes until nothing is left; @returns the kinds, in order. */
function exchange(a: Gossip, b: Gossip, first: GossipEffects): string[] {
  const told: string[] = [];
  let pending = first.sends.map(({ frame }) => ({ to: b, back: a, frame }));
  while (pending.length > 0) {
    const [{ to, back, frame }, ...rest] = pending as [(typeof pending)[0], ...typeof pending];
    told.push(frame.kind);
    const { sends } = to.receive(back === a ? "a" : "b", frame, now);
    pending = [...rest, ...sends.map((send) => ({ to: back, back: to, frame: send.frame }))];
    if (told.length > 1_000) throw new Error("no end");
  }
  return told;
}

test("two that differ exchange digest, delta and reverse delta, and then are silent", () => {
  const [a, b] = [node("a", ["a", "b"]), node("b", ["a", "b"])];
  for (const key of ["x", "y"]) a.state.put(key, "1", now.epochMs);
  b.state.put("z", "1", now.epochMs);
  b.gossip.round();
  expect(exchange(a.gossip, b.gossip, a.gossip.round())).toEqual(["round", "digest", "delta", "reverse"]);
  expect(a.state.hash).toBe(b.state.hash);
  b.gossip.round();
  expect(exchange(a.gossip, b.gossip, a.gossip.round())).toEqual(["round"]);
});

test("what overwrote a value and was lost with everybody who had it is no hole for ever", () => {
  const members = ["a", "b", "c", "d"];
  const [a, b, c, d] = members.map((self) => node(self, members)) as [Node, Node, Node, Node];
  a.gossip.put("k", "1", now);
  d.state.merge(a.state.deltaFor(new Map(), 1e6).chunks, now.epochMs);
  c.state.merge(a.state.deltaFor(new Map(), 1e6).chunks, now.epochMs);
  c.gossip.put("k", "2", now);
  // c tells b that a's first is overwritten, and is gone before it tells by what.
  b.state.merge(c.state.deltaFor(new Map([["c.1", 1]]), 1e6).chunks, now.epochMs);
  expect([b.state.get("k"), b.state.heads, d.state.get("k")?.value]).toEqual([undefined, d.state.heads, "1"]);
  for (const { gossip } of [b, d]) gossip.round();
  expect(exchange(b.gossip, d.gossip, b.gossip.round())).toContain("repair");
  expect([b.state.get("k")?.value, b.state.hash]).toEqual(["1", d.state.hash]);
});

describe("R1", () => {
  test("a round turns to so many peers, never to itself, and not to one twice", () => {
    const members = names(20);
    const { gossip } = node("n3", members, { fanout: 6 });
    for (let round = 0; round < 100; round++) {
      const to = gossip.round().sends.map((send) => send.to);
      expect([to.length, new Set(to).size, to.includes("n3")]).toEqual([6, 6, false]);
    }
  });

  test("between two rounds so many digests are sent, whoever differs", () => {
    const { gossip } = node("n0", names(100), { fanout: 3 });
    gossip.round();
    const frame: GossipFrame = { kind: "round", hash: "f".repeat(32), chunks: [], urgent: false };
    const sent = names(50).flatMap((peer) => kinds(gossip.receive(peer, frame, now)));
    expect(sent).toEqual(["digest", "digest", "digest"]);
    gossip.round();
    expect(kinds(gossip.receive("n1", frame, now))).toEqual(["digest"]);
  });

  test("alone, there is nobody to turn to", () => expect(node("n0", ["n0"]).gossip.round().sends).toEqual([]));
});

test("R2: what is too much for a frame follows, without waiting for another round", () => {
  const [a, b] = [node("a", ["a", "b"], { frameBytesMax: 1_000 }), node("b", ["a", "b"])];
  for (let index = 0; index < 50; index++) a.state.put(`k${index}`, `"${"x".repeat(200)}"`, now.epochMs);
  b.gossip.round();
  const told = exchange(a.gossip, b.gossip, a.gossip.round());
  expect(told.filter((kind) => kind === "delta").length).toBeGreaterThan(10);
  expect(b.state.hash).toBe(a.state.hash);
});

describe("R3: news", () => {
  const isTold = (effects: GossipEffects) => framesOf(effects).some((frame) => frame.kind === "round" && frame.chunks.length > 0);

  test("is told for its rounds, then no more", () => {
    const { gossip } = node("n0", names(8), { hotFactor: 1 });
    gossip.put("k", "1", now);
    const told = Array.from({ length: 5 }, () => isTold(gossip.round()));
    expect(told).toEqual([true, true, false, false, false]); // ⌈ln 9 / ln 4⌉
  });

  test("of a peer is news here, too, and a later write replaces an earlier one", () => {
    const members = names(8);
    const [a, b] = [node("n0", members), node("n1", members)];
    a.gossip.put("k", "1", now);
    a.gossip.put("k", "2", now);
    const [frame] = framesOf(a.gossip.round());
    b.gossip.receive("n0", frame as GossipFrame, now);
    expect(b.gossip.counts.news).toBe(1);
    expect(framesOf(b.gossip.round())[0]).toMatchObject({ chunks: [{ entries: [{ key: "k", value: "2" }] }] });
  });

  test("is not told to who has it already", () => {
    const [a, b] = [node("a", ["a", "b"]), node("b", ["a", "b"])];
    a.gossip.put("k", "1", now);
    exchange(a.gossip, b.gossip, a.gossip.round());
    expect(isTold(b.gossip.round())).toBe(false); // a said by its hash what it has
  });

  test("above the bound is counted, and left to digests", () => {
    const [a, b] = [node("a", ["a", "b"], { hotMax: 2 }), node("b", ["a", "b"])];
    for (const key of ["x", "y", "z"]) a.gossip.put(key, "1", now);
    expect(a.gossip.counts).toEqual({ news: 2, newsDropped: 1 });
    b.gossip.round();
    exchange(a.gossip, b.gossip, a.gossip.round());
    expect(b.state.size).toBe(3);
  });
});

test("R4: what is important is passed on at once, by each node once", () => {
  const members = names(8);
  const [a, b] = [node("n0", members), node("n1", members)];
  const effects = a.gossip.put("k", "1", now, true) as GossipEffects;
  expect(kinds(effects)).toEqual(["round", "round", "round"]);
  const [frame] = framesOf(effects);
  const first = kinds(b.gossip.receive("n0", frame as GossipFrame, now));
  expect(first.slice(0, 3)).toEqual(["round", "round", "round"]);
  expect(kinds(b.gossip.receive("n2", frame as GossipFrame, now))).not.toContain("round");
  expect(kinds(node("n3", members).gossip.put("k", "1", now))).toEqual([]);
});

describe("R5: evidence", () => {
  const members = ["n0", "n1", "n2"];
  const later = (ms: number): Now => ({ ...now, ms });

  test("is what each live member said lately, and the negative says who", () => {
    const { gossip, state } = node("n0", members);
    const told = (hash: string): GossipFrame => ({ kind: "told", hash });
    expect(gossip.convergence(later(0), 1_000)).toMatchObject({
      converged: false,
      members: [
        { node: "n1", hash: undefined, ageMs: undefined, agrees: false },
        { node: "n2", agrees: false },
      ],
    });
    gossip.receive("n1", told(state.hash), later(100));
    gossip.receive("n2", told(state.hash), later(600));
    expect(gossip.convergence(later(1_000), 1_000).converged).toBe(true);
    expect(gossip.convergence(later(1_101), 1_000)).toMatchObject({
      converged: false,
      members: [{ node: "n1", ageMs: 1_001 }, {}],
    });
    gossip.receive("n1", told("f".repeat(32)), later(1_200));
    expect(gossip.convergence(later(1_200), 1_000)).toMatchObject({
      converged: false,
      members: [{ node: "n1", agrees: false }, {}],
    });
  });

  test("that is old is asked for, and told", () => {
    const [a, b] = [node("n0", members), node("n1", members)];
    a.gossip.receive("n2", { kind: "told", hash: a.state.hash }, later(900));
    const asked = a.gossip.ask(later(1_000), 500);
    expect(asked.sends.map(({ to, frame }) => [to, frame.kind])).toEqual([["n1", "ask"]]);
    const answer = b.gossip.receive("n0", { kind: "ask", hash: a.state.hash }, later(1_000));
    expect(answer.sends).toEqual([{ to: "n0", frame: { kind: "told", hash: b.state.hash } }]);
    a.gossip.receive("n1", { kind: "told", hash: b.state.hash }, later(1_001));
    expect(a.gossip.convergence(later(1_001), 500).converged).toBe(true);
  });

  test("of who is gone is forgotten; of too many it is not kept", () => {
    const { gossip, state } = node("n0", names(5), { peersMax: 2 });
    for (const peer of ["n1", "n2", "n3"]) gossip.receive(peer, { kind: "told", hash: state.hash }, now);
    const known = () => gossip.convergence(now, 1_000).members.filter(({ hash }) => hash !== undefined);
    expect(known().map((of) => of.node)).toEqual(["n1", "n2"]);
    gossip.forget((peer) => peer !== "n1");
    expect(known().map((of) => of.node)).toEqual(["n2"]);
  });
});

test("what is refused changes nothing and is no news", () => {
  const { gossip } = node("n0", names(3));
  expect([gossip.put("a b", "1", now), gossip.delete("none", now)]).toEqual(["invalid", { sends: [], changes: [] }]);
  expect(gossip.counts.news).toBe(0);
});
