import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type CausalToken,
  Dependencies,
  decodeToken,
  dotLimits,
  emptyToken,
  encodeToken,
  tokenLimits,
  VectorClock,
  withoutAnswered,
} from "../src/index.ts";

/** Proves the causal token: read back as written, hostile text refused with its reason, bounded, reduced by answers. */

const clock = VectorClock.of([["r1", 40]]);
const dot = { session: "r1", scope: "g", seq: 36 };
const agentsOf = (count: number) => Array.from({ length: count }, (_, at) => `agent-${at}-${"x".repeat(40)}`);

describe("text", () => {
  it("says what it covers and who has not answered", () => {
    const pending = [
      { session: "r1", scope: "*", seq: 3, agents: undefined },
      { session: "r1", scope: "", seq: 4, agents: ["a1"] },
      { ...dot, agents: ["a1", "a2"] },
    ];
    const text = encodeToken({ clock, pending });
    expect(text).toBe("c1|r1:14|r1/*/3;r1//4/a1;r1/g/10/a1,a2|.");
    expect(decodeToken(text).pending).toEqual(pending);
    expect(encodeToken(emptyToken)).toBe("c1|||.");
    expect(decodeToken("c1|||.")).toEqual(emptyToken);
  });

  it("is read back", () => {
    const name = fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,10}$/);
    const pending = fc.array(
      fc.record({
        session: name,
        scope: fc.oneof(name, fc.constantFrom("*", "")),
        seq: fc.integer({ min: 1, max: dotLimits.seqMax }),
        agents: fc.option(fc.array(name, { minLength: 1, maxLength: 4 }), { nil: undefined }),
      }),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(pending, (dots) => {
        const read: CausalToken = decodeToken(encodeToken({ clock, pending: dots }));
        expect(read.pending).toEqual(dots);
        expect(read.clock.compare(clock)).toBe("equal");
      }),
    );
  });

  it.each([
    ["", 'begins with "c1|"'],
    ["c2|||.", 'begins with "c1|"'],
    ["c1||", "cut off"],
    ["c1|||", "cut off"],
    ["c1|||.|", "cut off"],
    ["c1|r1:1|r1/g/1/a1,a", "cut off"],
    [`c1|r1:${(2 ** 53).toString(36)}||.`, "counts in"],
    [`c1||r1/g/${(2 ** 53).toString(36)}|.`, "no dot"],
    [`c1||r1/g/${(dotLimits.seqMax + 1).toString(36)}|.`, "no dot"],
    ["c1||r1/g/0|.", "no dot"],
    ["c1||r1/g/-1|.", "no dot"],
    ["c1||r1/g/NaN|.", "no dot"],
    ["c1||r1/g|.", "no dot"],
    ["c1||R1/g/1|.", "no dot"],
    ["c1||r1/**/1|.", "no dot"],
    ["c1||r1/a.b/1|.", "no dot"],
    ["c1||/g/1|.", "no dot"],
    ["c1||r1/g/1/|.", "no agent"],
    ["c1||r1/g/1/a.b|.", "no agent"],
    ["c1||r1/g/1/a1/a2|.", "no dot"],
    [`c1||${"r1/g/1;".repeat(tokenLimits.pendingMax)}r1/g/1|.`, "at most 256"],
    [`c1||r1/g/1/${"a,".repeat(tokenLimits.agentsMax)}a|.`, "at most 128"],
  ])("%s: %s", (text, message) => expect(() => decodeToken(text)).toThrow(message));

  it("is refused before it is read where it is too long", () => {
    expect(() => decodeToken("c1|".padEnd(tokenLimits.charsMax + 1, "x"))).toThrow("at most 32768 characters");
  });

  it("of any text, is refused or read to what is written the same", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^c1\|[ar:1;]{0,8}\|[r1/g*;,a]{0,14}\|\.$/), (text) => {
        try {
          expect(encodeToken(decodeToken(text))).toBe(text);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
    );
  });
});

describe("bounds", () => {
  it("leaves agents unnamed, longest list first, until it fits", () => {
    const few = { ...dot, agents: ["a1"] };
    const pending = [...Array.from({ length: 8 }, (_, at) => ({ ...dot, seq: at + 1, agents: agentsOf(120) })), few];
    const text = encodeToken({ clock, pending });
    expect(text.length).toBeLessThanOrEqual(tokenLimits.charsMax);
    const read = decodeToken(text).pending;
    expect(read.at(-1)).toEqual(few);
    expect(read.filter(({ agents }) => agents === undefined)).toHaveLength(3);
  });

  it("never names more agents than are read", () => {
    const [read] = decodeToken(
      encodeToken({ clock, pending: [{ ...dot, agents: agentsOf(tokenLimits.agentsMax + 1) }] }),
    ).pending;
    expect(read).toEqual({ ...dot, agents: undefined });
  });

  it("refuses what is too much all the same", () => {
    const pending = Array.from({ length: tokenLimits.pendingMax + 1 }, () => ({ ...dot, agents: undefined }));
    expect(() => encodeToken({ clock, pending })).toThrow("at most 256 operations");
  });
});

describe("who waits for what", () => {
  const pending = [
    { ...dot, seq: 1, agents: ["a1", "a2"] },
    { ...dot, seq: 2, agents: ["a2"] },
    { ...dot, seq: 3, agents: undefined },
  ];

  it("an agent heeds what it has not answered, and what is for everybody", () => {
    const dependencies = new Dependencies(pending);
    const seqs = (agent: string) => dependencies.of(agent).map(({ seq }) => seq);
    expect([seqs("a1"), seqs("a2"), seqs("a3")]).toEqual([[3, 1], [3, 1, 2], [3]]);
  });

  it("an answer takes the agent out of all that came before, and an operation with nobody left goes", () => {
    expect(withoutAnswered(pending, new Set(["a2"]))).toEqual([
      { ...dot, seq: 1, agents: ["a1"] },
      { ...dot, seq: 3, agents: undefined },
    ]);
  });
});
