import { createMemoryBroker, createMemoryStore } from "@nexus/adapter-memory";
import { createSubjects, decode, encode, type Hello, resultSchema } from "@nexus/contracts";
import { noTelemetry, silentLogger } from "@nexus/ports";
import { createSeededIds, createVirtualClock } from "@nexus/testing";
import { expect, it } from "vitest";
import { startRouter } from "../src/index.ts";

/**
 * Proves that a router takes an agent for dead that is silent, and not one that it could not hear: after an outage that is
 * longer than any silence, long work goes on and its answer counts. In virtual time, on a bus in memory.
 */

const subjects = createSubjects();
const hello: Hello = {
  v: 1,
  wire: { min: 1, max: 1 },
  connId: "c",
  boot: "b",
  incarnation: 0,
  groups: [],
  labels: {},
  capacity: 1,
  operations: ["work"],
};
/** Five missed heartbeats of a second, and a sweep. */
const DEAD_AFTER_MS = 5_500;

async function setUp() {
  const clock = createVirtualClock();
  const broker = createMemoryBroker({ clock });
  const [bus, others] = [broker.connect(), broker.connect()];
  const store = createMemoryStore(clock, { entriesMax: 100, bytesMax: 1e6 });
  const deps = { bus, store, clock, ids: createSeededIds(1), logger: silentLogger, telemetry: noTelemetry };
  const router = await startRouter({}, deps);
  const operations: string[] = [];
  others.subscribe(subjects.agentIn("a1"), ({ data }) => {
    const frame = decode(data) as { kind: string; operationId: string };
    if (frame.kind === "operation") operations.push(frame.operationId);
  });
  others.publish(subjects.agentHello("a1"), encode(hello));
  await broker.idle();
  const body = { goal: { operation: "work" }, agents: { ids: ["a1"] }, timeoutMs: 60_000 };
  const result = others
    .request(subjects.coordinate("gather"), encode(body), { timeoutMs: 70_000 })
    .then(({ data }) => resultSchema.parse(decode(data)));
  await broker.idle();
  const answer = () => {
    const reply = { v: 1, kind: "reply", status: "ok", operationId: operations[0] ?? "", inFlight: 0, queueDepth: 0 };
    others.publish(subjects.agentReply("a1", router.id), encode(reply));
    return broker.idle();
  };
  const move = async (ms: number) => {
    clock.advance(ms);
    await broker.idle();
  };
  return { broker, bus, router, operations, result, answer, move };
}

it("an agent that is silent is taken for dead, and its work ends", async () => {
  const { router, result, move } = await setUp();
  await move(DEAD_AFTER_MS);
  expect((await result).agents.missing).toEqual([{ agent: "a1", reason: "dead" }]);
  expect([router.agentsKnown(), router.heldTotal()]).toEqual([0, 0]);
});

it("an agent that could not be heard is not, and its answer counts", async () => {
  const { broker, bus, router, operations, result, answer, move } = await setUp();
  broker.disconnect(bus);
  await move(4 * DEAD_AFTER_MS);
  broker.reconnect(bus);
  await move(DEAD_AFTER_MS - 1_000);
  expect([router.agentsKnown(), operations.length > 1]).toEqual([1, true]);
  await answer();
  expect(await result).toMatchObject({ status: "completed", agents: { responded: 1 } });
});

it("an agent that stays silent after an outage is taken for dead then", async () => {
  const { broker, bus, result, move } = await setUp();
  broker.disconnect(bus);
  await move(4 * DEAD_AFTER_MS);
  broker.reconnect(bus);
  await move(DEAD_AFTER_MS + 500);
  expect((await result).agents.missing).toEqual([{ agent: "a1", reason: "dead" }]);
});
