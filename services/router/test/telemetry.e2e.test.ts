import { createMemoryStore } from "@nexus/adapter-memory";
import { createIds, systemClock } from "@nexus/adapter-node";
import { type Client, createClient, type RequestOf } from "@nexus/client";
import { attributes, type GoalType, goalTypes, limits, metrics, type SpanName, spanNames } from "@nexus/contracts";
import type { Attributes } from "@nexus/ports";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createRecording, type RecordedSpan } from "./recording-telemetry.ts";
import { type Stack, startStack, until } from "./stack.ts";

/**
 * Proves that whatever coordinations of all five goals record is declared in contracts/telemetry, in kind as well as in name,
 * that their spans are one tree which ends, and that no coordination records more handlers than it may. Client, router and
 * agents record into one place, over a real nats-server.
 */

const AGENTS = limits.handlerSpansMax + 20;
const declared = new Set<string>(Object.values(attributes));
const declaredSpans = Object.keys(spanNames) as SpanName[];

describe("what coordinations record", () => {
  const recording = createRecording();
  let stack: Stack;
  let client: Client;

  const goals: { [T in GoalType]: RequestOf<T>["goal"] } = {
    broadcast: { type: "broadcast", operation: "work" },
    gather: { type: "gather", operation: "work", class: "night.count" },
    balance: { type: "balance", operation: "work", pieces: Array.from({ length: AGENTS }, (_, index) => index) },
    consensus: { type: "consensus", operation: "vote", vote: { rule: "majority" } },
    causal: {
      type: "causal",
      operations: [
        { type: "broadcast", operation: "work" },
        { type: "coordinated", operation: "work", coordinator: "a1" },
      ],
    },
  };

  beforeAll(async () => {
    stack = await startStack({ telemetry: recording });
    const { router } = await stack.addRouter(createMemoryStore(systemClock, { entriesMax: 1_000, bytesMax: 1e7 }));
    const handlers = {
      work: () => 1,
      vote: () => "for",
      fail: () => {
        throw new Error("broken on purpose");
      },
    };
    await stack.addAgents(Array.from({ length: AGENTS }, (_, index) => ({ id: `a${index}`, handlers })));
    const bus = await stack.connect("client");
    client = createClient({}, { bus, clock: systemClock, ids: createIds(), telemetry: recording });
    await until("all agents known", () => router.agentsKnown() === AGENTS);
    for (const type of goalTypes) {
      const result = await client.coordinate({ goal: goals[type], agents: { all: true }, timeoutMs: 20_000 });
      expect([type, result.status]).toEqual([type, "completed"]);
    }
    const some = { agents: { ids: ["a1", "a2"] } };
    // Beside the good: a repeat, a failure, a refusal, what is never acknowledged, frames that are none.
    const again = { ...some, id: createIds().requestId(), goal: { type: "gather", operation: "work" } } as const;
    for (let time = 0; time < 2; time++) await client.coordinate(again);
    await client.coordinate({ ...some, goal: { type: "gather", operation: "fail" } });
    await client.coordinate({ ...some, goal: { type: "gather", operation: "nobody-has-it" } }).catch(() => {});
    await client.coordinate({ agents: { all: true }, goal: { type: "broadcast", operation: "work", ack: "none" } });
    for (const subject of ["nexus.agents.a1.out.hello", "nexus.agents.a1.in"]) bus.publish(subject, Buffer.from("{"));
    await bus.flush();
    const counted = (name: string) => recording.metrics.filter((metric) => metric.name === name).length;
    await until("the frames are dropped", () => counted("framesDropped") >= 2);
  });
  afterAll(() => stack.stop());

  const keysOf = (all: readonly { readonly attributes: Attributes }[]) =>
    new Set(all.flatMap((row) => Object.keys(row.attributes)));
  const treeOf = (type: GoalType): RecordedSpan[] => {
    const root = recording.spans.find((span) => span.shown === `publish nexus.coordinate.${type}`);
    return recording.spans.filter((span) => span.traceId === root?.traceId);
  };

  it("has the names that are declared, filled in", () => {
    const names = new Set(recording.spans.map(({ name }) => name));
    expect([...names].sort()).toEqual(declaredSpans.sort());
    for (const { name, shown, options } of recording.spans) {
      const wanted = [...spanNames[name].matchAll(/\{(\w+)\}/g)].map(([, key]) => key);
      expect([shown, Object.keys(options.fill ?? {}).sort()]).toEqual([shown, wanted.sort()]);
    }
  });

  it("has the attributes that are declared, with values", () => {
    const all = [...recording.spans, ...recording.metrics];
    expect([...keysOf(all)].filter((key) => !declared.has(key))).toEqual([]);
    const values = all.flatMap((row) => Object.values(row.attributes));
    expect(values.filter((value) => !["string", "number", "boolean"].includes(typeof value))).toEqual([]);
    // What is not met here is for other services than the router, or beside coordinations.
    const met = keysOf(all);
    const unmet = Object.entries(attributes).filter(([, key]) => !met.has(key));
    expect(unmet.map(([name]) => name)).toEqual(["service"]);
  });

  it("has the metrics that are declared, by the means of their kind", () => {
    const means = { counter: "count", histogram: "record", gauge: "gauge" } as const;
    for (const { name, by } of recording.metrics) expect([name, by]).toEqual([name, means[metrics[name]?.kind]]);
    const met = new Set<string>(recording.metrics.map(({ name }) => name));
    // Neither a bound is reached, nor is an operation given twice to an agent, or missing there.
    expect(Object.keys(metrics).filter((name) => !met.has(name))).toEqual([
      "boundsReached",
      "operationsRepeated",
      "causalGaps",
      "causalQuestions",
    ]);
  });

  it.each(goalTypes)("is one tree that ends, for %s", (type) => {
    const tree = treeOf(type);
    const ids = new Set(tree.map(({ id }) => id));
    expect(tree.filter(({ parentId }) => parentId === undefined).map(({ name }) => name)).toEqual(["clientCoordinate"]);
    expect(tree.filter(({ parentId }) => parentId !== undefined && !ids.has(parentId))).toEqual([]);
    expect(tree.filter(({ endings }) => endings.length !== 1)).toEqual([]);
    expect(new Set(tree.map(({ name }) => name))).toEqual(new Set(declaredSpans));
  });

  it.each([...goalTypes, "unacknowledged"] as const)("has as many handlers as it may, and counts the others, for %s", (what) => {
    const tree =
      what === "unacknowledged"
        ? recording.spans.filter(({ traceId }) => traceId === recording.spans.findLast(isRoot)?.traceId)
        : treeOf(what);
    const handling = tree.filter(({ name }) => name === "handler");
    const parents = new Set(handling.map(({ parentId }) => tree.find(({ id }) => id === parentId)?.name));
    expect([...parents]).toEqual(["fanOut"]);
    const handlers = handling.length;
    const unrecorded = tree.reduce((sum, span) => sum + Number(span.attributes[attributes.handlersUnrecorded] ?? 0), 0);
    expect([handlers, unrecorded]).toEqual([limits.handlerSpansMax, (what === "causal" ? 2 : 1) * AGENTS - handlers]);
  });
});

function isRoot({ name }: RecordedSpan): boolean {
  return name === "clientCoordinate";
}
