import type { RequestEvent } from "@nexus/contracts";
import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { EventStream } from "../src/event-stream.ts";
import { ID } from "./scripted-router.ts";

/** Proves E1 to E3 by cases, and by a property against a plain list for any arrivals and any pace of the reader. */

const event = (seq: number, name: RequestEvent["event"] = "answer"): RequestEvent => ({
  v: 1,
  id: ID,
  seq,
  atMs: 0,
  event: name,
});

async function read(stream: EventStream): Promise<number[]> {
  const seqs: number[] = [];
  for await (const { seq } of stream) seqs.push(seq);
  return seqs;
}

describe("E1: what is held is bounded", () => {
  it("a reader that is behind loses the oldest, counted, and never the end", async () => {
    let closed = 0;
    const stream = new EventStream(3, () => closed++);
    for (let seq = 0; seq < 9; seq++) stream.push(event(seq));
    stream.push(event(9, "finished"));
    expect(await read(stream)).toEqual([7, 8, 9]);
    expect([stream.dropped, stream.missed, closed]).toEqual([7, 0, 1]);
  });
});

describe("E2: order", () => {
  it("another router that takes over counts from 0 again", async () => {
    const stream = new EventStream(10, () => {});
    for (const next of [event(0, "accepted"), event(1), event(0, "accepted"), event(1), event(2, "finished")]) stream.push(next);
    expect(await read(stream)).toEqual([0, 1, 0, 1, 2]);
    expect(stream.missed).toBe(0);
  });
});

describe("E3: the end", () => {
  it("comes after `finished`, once; what arrives later is nothing", async () => {
    let closed = 0;
    const stream = new EventStream(10, () => closed++);
    stream.push(event(0, "finished"));
    stream.push(event(1));
    stream.close();
    expect([await read(stream), closed, stream.ended]).toEqual([[0], 1, true]);
  });

  it("wakes a reader that waits, and leaves it what is held", async () => {
    const stream = new EventStream(10, () => {});
    const reading = read(stream);
    await Promise.resolve();
    stream.push(event(0));
    await Promise.resolve();
    stream.push(event(1));
    stream.close();
    expect(await reading).toEqual([0, 1]);
  });

  it("a reader that leaves closes the source", async () => {
    let closed = 0;
    const stream = new EventStream(10, () => closed++);
    for (const seq of [0, 1]) stream.push(event(seq));
    for await (const { seq } of stream) if (seq === 0) break;
    expect([closed, stream.ended]).toEqual([1, true]);
  });
});

test("what is read, missed and dropped is what a plain list says, at any pace", async () => {
  const arrivals = fc.array(fc.oneof(fc.record({ push: fc.nat(12) }), fc.record({ turns: fc.nat(3) })), { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(arrivals, fc.integer({ min: 1, max: 5 }), async (steps, eventsMax) => {
      const stream = new EventStream(eventsMax, () => {});
      const seqs: number[] = [];
      const reading = (async () => {
        for await (const { seq } of stream) seqs.push(seq);
      })();
      let expected = 0;
      let missed = 0;
      const accepted: number[] = [];
      for (const step of steps) {
        if ("turns" in step) for (let turn = 0; turn < step.turns; turn++) await Promise.resolve();
        else {
          stream.push(event(step.push));
          if (step.push < expected) continue;
          missed += step.push - expected;
          expected = step.push + 1;
          accepted.push(step.push);
        }
      }
      stream.push(event(expected, "finished"));
      await reading;
      expect(stream.missed).toBe(missed);
      expect(seqs.length + stream.dropped).toBe(accepted.length + 1);
      expect(seqs.at(-1)).toBe(expected);
      const all = [...accepted, expected];
      expect(seqs).toEqual(all.filter((seq) => seqs.includes(seq)));
    }),
  );
});
