/** W1–W3: who watches is told what it asked for, for as long as it said, and no faster than the bound; nobody else pays. */
import { createMemoryBroker } from "@nexus/adapter-memory";
import {
  type ActivityEvent,
  activityEventSchema,
  type CoordinationRequest,
  type CoordinationResult,
  createSubjects,
  decode,
  limits,
  type WatchAnswer,
  watchAnswerSchema,
  watchInterestSchema,
} from "@nexus/contracts";
import { noTelemetry } from "@nexus/ports";
import { createVirtualClock } from "@nexus/testing";
import { beforeEach, describe, expect, test } from "vitest";
import { ActivityFeed } from "../src/activity-feed.ts";

const subjects = createSubjects();
const ids = Array.from({ length: 1_000 }, (_, index) => `01JD${String(index).padStart(22, "0")}`);
const request = { goal: { type: "gather", operation: "stats" }, agents: { all: true } } as CoordinationRequest;

function resultOf(id: string, status: CoordinationResult["status"] = "completed"): CoordinationResult {
  const agents = { targeted: 2, responded: 1, extra: 0, missingTotal: 1, missing: [] };
  const rest = { idempotency: "claimed", repeated: false, dryRun: false, durationMs: 3, router: "r1" } as const;
  return { v: 1, id, type: "gather", status, executed: "all", agents, ...rest };
}

let clock = createVirtualClock();
let feed: ActivityFeed;
type MemoryBus = ReturnType<ReturnType<typeof createMemoryBroker>["connect"]>;
let bus: MemoryBus;
let client: MemoryBus;
let events: ActivityEvent[] = [];
let answers: WatchAnswer[] = [];

beforeEach(async () => {
  clock = createVirtualClock();
  const broker = createMemoryBroker();
  bus = broker.connect();
  client = broker.connect();
  feed = new ActivityFeed({
    bus,
    clock,
    telemetry: noTelemetry,
    subjects,
    routerId: "r1",
  });
  events = [];
  answers = [];
  client.subscribe(subjects.routerEvents, (message) => void events.push(activityEventSchema.parse(decode(message.data))));
  await client.flush();
});

function watch(more: object = {}): void {
  const interest = watchInterestSchema.parse({ v: 1, watcher: "w1", leaseMs: 1_000, ...more });
  answers.push(watchAnswerSchema.parse(feed.watched(interest)));
}

async function coordinate(index: number, status?: CoordinationResult["status"]): Promise<void> {
  feed.began(ids[index] ?? "", request, 2, undefined);
  feed.ended(resultOf(ids[index] ?? "", status));
  await client.flush();
}

const told = () => events.map(({ activity }) => activity.status);

test("W1: nobody watches, nothing is published, everything is counted", async () => {
  await coordinate(0);
  await coordinate(1, "failed");
  feed.refused("gather", { code: "malformed", message: "no", retryable: false, executed: "none" });
  await client.flush();
  expect(events).toEqual([]);
  expect(feed.counts()).toEqual({
    ...{ started: 2, completed: 1, partial: 0, failed: 1, refused: 1 },
    ...{ watchers: 0, watchEvents: 0, watchEventsSkipped: 0 },
  });
});

test("a coordination is told when it begins and when it ends, a refusal at once", async () => {
  watch();
  await coordinate(0, "partial");
  feed.refused("balance", { code: "malformed", message: "no", retryable: false, executed: "none" });
  await client.flush();
  expect(events.map(({ activity }) => activity)).toMatchObject([
    { status: "running", id: ids[0], type: "gather", class: "gather.stats", operation: "stats", targeted: 2 },
    { status: "partial", id: ids[0], class: "gather.stats", responded: 1, missing: 1, durationMs: 3 },
    { status: "refused", type: "balance", error: { code: "malformed", message: "no" } },
  ]);
  expect(events.map(({ router, published }) => [router, published])).toEqual([
    ["r1", 1],
    ["r1", 2],
    ["r1", 3],
  ]);
});

describe("a lease", () => {
  test("ends by itself", async () => {
    watch();
    clock.advance(999);
    await coordinate(0);
    clock.advance(1);
    await coordinate(1);
    expect(told()).toEqual(["running", "completed"]);
    expect(feed.counts()["watchers"]).toBe(0);
  });

  test("is renewed by another interest, and ended by a lease of nothing", async () => {
    watch();
    clock.advance(900);
    watch();
    clock.advance(900);
    await coordinate(0);
    watch({ leaseMs: 0 });
    await coordinate(1);
    expect(told()).toEqual(["running", "completed"]);
  });
});

test("only what some watcher wants is published, once for all of them", async () => {
  watch({ statuses: ["failed"] });
  watch({ watcher: "w2", statuses: ["failed", "partial"], classes: ["gather.stats"] });
  await coordinate(0, "failed");
  await coordinate(1, "partial");
  await coordinate(2, "completed");
  expect(told()).toEqual(["failed", "partial"]);
});

test("the answer tells what runs, in bounds", async () => {
  for (let i = 0; i < limits.watchRunningMax + 5; i++) feed.began(ids[i] ?? "", request, 2, undefined);
  watch({ snapshot: true });
  watch({ snapshot: true, types: ["balance"] });
  watch();
  expect(answers.map(({ running, runningTotal, accepted }) => [running.length, runningTotal, accepted])).toEqual([
    [limits.watchRunningMax, limits.watchRunningMax + 5, true],
    [0, limits.watchRunningMax + 5, true],
    [0, limits.watchRunningMax + 5, true],
  ]);
  expect(answers[0]?.running[0]?.id).toBe(ids[0]);
});

test("what has ended runs no more", async () => {
  await coordinate(0);
  await coordinate(1, "failed");
  feed.began(ids[2] ?? "", request, 2, undefined);
  watch({ snapshot: true });
  expect(answers[0]).toMatchObject({ running: [{ id: ids[2] }], runningTotal: 1 });
});

test("without a connection it is silent, and nothing fails", async () => {
  watch();
  await bus.close();
  await coordinate(0);
  expect(events).toEqual([]);
});

test("W2: a watcher too many is told so; one that is known may renew", async () => {
  for (let i = 0; i < limits.watchersMax; i++) watch({ watcher: `w${i}` });
  watch({ watcher: "late" });
  watch({ watcher: "w1" });
  expect(answers.map(({ accepted }) => accepted)).toEqual([...Array(limits.watchersMax).fill(true), false, true]);
  clock.advance(1_000);
  watch({ watcher: "late" });
  expect(answers.at(-1)?.accepted).toBe(true);
});

test("W3: beyond the rate events are counted instead, and the next one says how many", async () => {
  watch({ leaseMs: 10_000, statuses: ["completed"] });
  for (let i = 0; i < limits.watchEventsPerSecondMax + 30; i++) await coordinate(i);
  expect(events).toHaveLength(limits.watchEventsPerSecondMax);
  clock.advance(50);
  await coordinate(900);
  expect(events.at(-1)).toMatchObject({ published: limits.watchEventsPerSecondMax + 1, skipped: 30 });
  expect(feed.counts()).toMatchObject({ watchEvents: limits.watchEventsPerSecondMax + 1, watchEventsSkipped: 30 });
});

test("W3: silence saves nothing up beyond the rate", async () => {
  watch({ leaseMs: 10_000, statuses: ["completed"] });
  await coordinate(0);
  clock.advance(9_000);
  for (let i = 0; i < limits.watchEventsPerSecondMax + 30; i++) await coordinate(i);
  expect(feed.counts()).toMatchObject({ watchEvents: limits.watchEventsPerSecondMax + 1, watchEventsSkipped: 30 });
});
