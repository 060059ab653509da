/** G4–G7, each by its claim. */
import { encodeHlc } from "@nexus/core-clocks";
import { describe, expect, test } from "vitest";
import { type Chunk, type Entry, SharedState, type SharedStateOptions, sessionOf } from "../src/index.ts";

const EPOCH_MS = Date.UTC(2026, 0, 1);
const create = (node: string, options: Partial<SharedStateOptions> = {}) =>
  new SharedState({ ...options, session: sessionOf(node, 1) });
const give = (from: SharedState, to: SharedState, epochMs = EPOCH_MS) => to.merge(from.deltaFor(to.heads, 1e6).chunks, epochMs);
const stampAt = (epochMs: number) => encodeHlc({ wallMs: epochMs, counter: 0 });
const chunk = (entries: readonly Partial<Entry>[], to = entries.length): Chunk => ({
  session: sessionOf("other", 1),
  from: 0,
  to,
  entries: entries.map((entry, index) => ({
    ...{ key: `k${index}`, value: "1", stamp: stampAt(EPOCH_MS), seq: index + 1, deleted: false },
    ...entry,
  })),
});

describe("G4: a deletion", () => {
  test("is not undone by what was written before it", () => {
    const [a, b, late] = [create("a"), create("b"), create("late")];
    a.put("k", "1", EPOCH_MS);
    give(a, b);
    give(a, late);
    b.delete("k", EPOCH_MS + 1);
    give(b, a, EPOCH_MS + 1);
    give(late, a, EPOCH_MS + 1);
    give(late, b, EPOCH_MS + 1);
    expect([a.get("k"), b.get("k"), a.size]).toEqual([undefined, undefined, 0]);
    give(b, late, EPOCH_MS + 1);
    expect(late.get("k")).toBeUndefined();
  });

  test("is forgotten when its time is up, everywhere by itself; hashes stay equal", () => {
    const [a, b] = [create("a", { tombstoneMs: 1_000 }), create("b", { tombstoneMs: 1_000 })];
    a.put("k", "1", EPOCH_MS);
    a.delete("k", EPOCH_MS);
    give(a, b);
    const bytes = b.bytes;
    b.sweep(EPOCH_MS + 1_000, () => true);
    expect(b.bytes).toBe(bytes);
    b.sweep(EPOCH_MS + 1_001, () => true);
    expect(b.bytes).toBe(0);
    a.sweep(EPOCH_MS + 1_001, () => true);
    expect(a.hash).toBe(b.hash);
  });

  test("that comes after its time still deletes what is there", () => {
    const [a, b] = [create("a", { tombstoneMs: 1_000 }), create("b", { tombstoneMs: 1_000 })];
    a.put("k", "1", EPOCH_MS);
    give(a, b);
    a.delete("k", EPOCH_MS + 1);
    give(a, b, EPOCH_MS + 5_000);
    expect([b.get("k"), b.bytes]).toEqual([undefined, 0]);
  });

  test("of nothing is none", () => expect(create("a").delete("k", EPOCH_MS)).toBeUndefined());
});

describe("G5: a clock that is wrong", () => {
  test("is refused with what follows, and taken once it is right", () => {
    const state = create("a", { aheadMsMax: 10_000 });
    const frame = [chunk([{}, { stamp: stampAt(EPOCH_MS + 10_001) }, {}])];
    expect(state.merge(frame, EPOCH_MS).changes.map(({ key }) => key)).toEqual(["k0"]);
    expect([state.heads.get("other.1"), state.refused["too-far-ahead"]]).toEqual([1, 1]);
    expect(state.merge(frame, EPOCH_MS + 1).changes.map(({ key }) => key)).toEqual(["k1", "k2"]);
    expect(state.heads.get("other.1")).toBe(3);
  });

  test("of our own that went back gives stamps that go on", () => {
    const state = create("a");
    const first = state.put("k", "1", EPOCH_MS) as Entry;
    const second = state.put("k", "2", EPOCH_MS - 60_000) as Entry;
    expect(second.stamp > first.stamp).toBe(true);
    expect(state.get("k")?.value).toBe("2");
  });
});

describe("G6: what has no room", () => {
  test.each<[string, Partial<SharedStateOptions>]>([
    ["keys", { keysMax: 2 }],
    ["bytes", { bytesMax: 110 }],
  ])("%s are refused and counted, and the head stays below", (_, options) => {
    const state = create("a", options);
    state.merge([chunk([{}, {}, {}])], EPOCH_MS);
    expect([state.size, state.heads.get("other.1"), state.refused.full]).toEqual([2, 2, 1]);
    expect(state.put("mine", "1", EPOCH_MS)).toBe("full");
    expect(state.put("k0", "2", EPOCH_MS)).toMatchObject({ value: "2" });
  });

  test("deletions of what is unknown count, too", () => {
    const state = create("a", { keysMax: 2 });
    state.merge(
      [
        chunk([
          { deleted: true, value: "" },
          { deleted: true, value: "" },
          { deleted: true, value: "" },
        ]),
      ],
      EPOCH_MS,
    );
    expect(state.heads.get("other.1")).toBe(2);
  });

  test("sessions are refused, and make room when nothing is left of them", () => {
    const state = create("a", { sessionsMax: 2 });
    const of = (session: string): Chunk => ({ ...chunk([{ deleted: true, value: "" }]), session });
    state.merge([of("x.1"), of("y.1")], EPOCH_MS);
    expect([[...state.heads.keys()], state.refused.full]).toEqual([["x.1"], 1]);
    state.sweep(EPOCH_MS + 48 * 3_600_000, (session) => session === "x.1");
    expect([...state.heads.keys()]).toEqual(["x.1"]);
    state.sweep(EPOCH_MS + 48 * 3_600_000, () => false);
    expect([...state.heads.keys()]).toEqual([]);
  });

  test.each([
    ["", "invalid"],
    ["a b", "invalid"],
    ["_x", "invalid"],
    ["x".repeat(257), "invalid"],
  ])("a key %j is %s", (key, refusal) => expect(create("a").put(key, "1", EPOCH_MS)).toBe(refusal));

  test("a value that is too long is refused here and from others", () => {
    const state = create("a", { valueCharsMax: 3 });
    expect(state.put("k", "1234", EPOCH_MS)).toBe("too-large");
    state.merge([chunk([{ value: "1234" }])], EPOCH_MS);
    expect([state.size, state.heads.size, state.refused]).toMatchObject([0, 0, { invalid: 1, "too-large": 1 }]);
  });
});

test("G7: nobody writes under a session that is ours", () => {
  const state = create("a");
  state.put("k", "1", EPOCH_MS);
  state.merge([{ ...chunk([{}, {}]), session: "a.1" }], EPOCH_MS);
  expect([state.get("k0"), state.heads.get("a.1"), state.refused["own-session"]]).toEqual([undefined, 1, 1]);
  expect(() => new SharedState({ session: "A.1" })).toThrow(RangeError);
});

test("what overtook is there at once, and the head waits for what is missing", () => {
  const [a, b] = [create("a"), create("b")];
  const entries = ["x", "y", "z"].map((key) => a.put(key, "1", EPOCH_MS) as Entry);
  const overtaking = a.chunkOf(entries[2] as Entry);
  expect(b.merge([overtaking as Chunk], EPOCH_MS)).toMatchObject({ changes: [{ key: "z" }], advanced: false });
  expect([b.get("z")?.value, b.heads.size, b.refused.gap]).toEqual(["1", 0, 1]);
  expect(give(a, b).changes.map(({ key }) => key)).toEqual(["x", "y"]);
  expect(b.hash).toBe(a.hash);
});

test("a delta is no larger than it may be, and goes on where it ended", () => {
  const [a, b] = [create("a"), create("b")];
  for (let index = 0; index < 100; index++) a.put(`k${index}`, `"${"x".repeat(100)}"`, EPOCH_MS);
  let frames = 0;
  for (let more = true; more; frames++) {
    const delta = a.deltaFor(b.heads, 1_000);
    expect(delta.chunks.flatMap(({ entries }) => entries).length).toBeLessThanOrEqual(7);
    b.merge(delta.chunks, EPOCH_MS);
    more = delta.more;
  }
  expect(frames).toBeGreaterThan(10);
  expect(b.hash).toBe(a.hash);
});
