/** S1–S3: what is kept, what goes when there is no room, and that all of it is counted. */
import { describe, expect, test } from "vitest";
import { type TraceQuery, TraceStore } from "../src/trace-store.ts";
import { spanIdOf, spanOf, traceIdOf } from "./span-of.ts";

const roomy = { tracesMax: 10, spansPerTraceMax: 5, bytesMax: 1_000_000, retentionMs: 1_000 };
const all: TraceQuery = { service: "nexus-router", operation: undefined, tags: {}, startUsMin: undefined, startUsMax: undefined };

describe("S1: whole traces go, the oldest first", () => {
  test("beyond the number", () => {
    const store = new TraceStore({ ...roomy, tracesMax: 2 });
    for (const trace of [1, 2, 3]) store.add([spanOf(trace, 1), spanOf(trace, 2)], 0);
    expect([1, 2, 3].map((trace) => store.get(traceIdOf(trace))?.spans.size)).toEqual([undefined, 2, 2]);
    expect(store.counts()).toMatchObject({ traces: 2, spans: 4, spansReceived: 6, tracesEvicted: 1 });
  });

  test("beyond the bytes", () => {
    const store = new TraceStore({ ...roomy, bytesMax: 8_000 });
    for (let trace = 1; trace <= 100; trace++) store.add([spanOf(trace, 1, { name: "x".repeat(1_000) })], 0);
    const { traces, bytes, tracesEvicted } = store.counts();
    expect(bytes).toBeLessThanOrEqual(8_000);
    expect([traces, tracesEvicted]).toEqual([5, 95]);
  });

  test("beyond the bytes, of which what a process says of itself is part", () => {
    const store = new TraceStore({ ...roomy, bytesMax: 80_000 });
    const wordy = () => ({ service: "s", attributes: [{ key: "k", value: "x".repeat(10_000) }] });
    for (let trace = 1; trace <= 100; trace++) store.add([spanOf(trace, 1, { resource: wordy() })], 0);
    const { traces, bytes, tracesEvicted } = store.counts();
    expect(bytes).toBeLessThanOrEqual(80_000);
    expect([traces, tracesEvicted]).toEqual([7, 93]);
  });

  test("what spans share is counted once in a trace", () => {
    const store = new TraceStore(roomy);
    const resource = { service: "s", attributes: [{ key: "k", value: "x".repeat(10_000) }] };
    store.add([spanOf(1, 1, { resource })], 0);
    const { bytes } = store.counts();
    store.add([spanOf(1, 2, { resource })], 0);
    expect(store.counts().bytes - bytes).toBeLessThan(1_000);
  });

  test("beyond the age, counted from the first span, and not as an overflow", () => {
    const store = new TraceStore(roomy);
    store.add([spanOf(1, 1)], 0);
    store.add([spanOf(2, 1)], 900);
    store.add([spanOf(1, 2)], 999);
    store.expire(1_000);
    expect([store.get(traceIdOf(1)), store.get(traceIdOf(2))?.spans.size]).toEqual([undefined, 1]);
    expect(store.counts()).toMatchObject({ traces: 1, spans: 1, tracesExpired: 1, tracesEvicted: 0 });
  });

  test("what is left adds up after many evictions", () => {
    const store = new TraceStore({ ...roomy, tracesMax: 3 });
    for (let i = 0; i < 1_000; i++) store.add([spanOf(i % 17, i % 7, { name: "x".repeat(i % 50) })], i);
    store.expire(10_000);
    expect(store.counts()).toMatchObject({ traces: 0, spans: 0, bytes: 0 });
  });
});

describe("S2: a trace's bounds", () => {
  test("spans above the number are counted, and said in the trace", () => {
    const store = new TraceStore(roomy);
    const spans = Array.from({ length: 8 }, (_, span) => spanOf(1, span));
    expect(store.add(spans, 0)).toBe(3);
    expect(store.get(traceIdOf(1))).toMatchObject({ dropped: 3 });
    expect(store.counts()).toMatchObject({ spans: 5, spansDropped: 3 });
  });

  test("one trace takes a quarter of the bytes at most, so that it never drives itself out", () => {
    const store = new TraceStore({ ...roomy, spansPerTraceMax: 100, bytesMax: 8_000 });
    for (let span = 1; span <= 50; span++) store.add([spanOf(1, span)], 0);
    expect(store.counts()).toMatchObject({ traces: 1, tracesEvicted: 0, spansDropped: 46 });
  });
});

test("S3: a span that is sent again replaces itself", () => {
  const store = new TraceStore(roomy);
  store.add([spanOf(1, 1, { name: "early" })], 0);
  const { bytes } = store.counts();
  store.add([spanOf(1, 1, { name: "later" })], 0);
  expect(store.get(traceIdOf(1))?.spans.get(spanIdOf(1))?.name).toBe("later");
  expect(store.counts()).toMatchObject({ spans: 1, spansReceived: 2, bytes });
});

test("traces are found newest first, by what one of their spans has", () => {
  const store = new TraceStore(roomy);
  const tagged = [{ key: "nexus.request.id", value: "01J" }];
  store.add([spanOf(1, 1, { name: "a", startUs: 10 }), spanOf(1, 2, { name: "b", attributes: tagged })], 0);
  store.add([spanOf(2, 1, { name: "a", startUs: 20 })], 0);
  store.add([spanOf(3, 1, { resource: { service: "client", attributes: [] } })], 0);
  const found = (more: Partial<TraceQuery>) => [...store.find({ ...all, ...more })].map(({ traceId }) => Number(`0x${traceId}`));
  expect(found({})).toEqual([2, 1]);
  expect(found({ service: "client" })).toEqual([3]);
  expect(found({ operation: "a", startUsMin: 15, startUsMax: 25 })).toEqual([2]);
  expect(found({ tags: { "nexus.request.id": "01J" } })).toEqual([1]);
  expect(found({ operation: "a", tags: { "nexus.request.id": "01J" } })).toEqual([]);
  expect(store.services()).toEqual(["client", "nexus-router"]);
});
