import { createMemoryBroker } from "@nexus/adapter-memory";
import { createSubjects, decode, encode, type Hello, NexusError, type OperationFrame, parseRequest } from "@nexus/contracts";
import { type Bus, type Clock, noTelemetry, silentLogger } from "@nexus/ports";
import { expect, it } from "vitest";
import { Dispatcher, Engine, type Plan, RoutingTable, type Rung, rungs } from "../../src/index.ts";

/**
 * Proves the walk down: a fault of the mechanism hands over what was achieved, a slow agent does not, nobody who answered
 * is asked again, and nothing descends after an unacknowledged publish.
 */

const subjects = createSubjects("nexus");
const clock: Clock = {
  epochMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  schedule(delayMs, action) {
    const timer = setTimeout(action, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};

/** A bus whose publishing fails for the n-th operation on, once. */
function failingAfter(bus: Bus, sends: number): Bus {
  let left = sends;
  return new Proxy(bus, {
    get(target, name) {
      const member = Reflect.get(target, name, target) as unknown;
      if (name !== "publish") return typeof member === "function" ? member.bind(target) : member;
      return (...args: Parameters<Bus["publish"]>) => {
        if (left-- === 0) throw new NexusError("disconnected", "cut for the test");
        target.publish(...args);
      };
    },
  });
}

function setUp(options: { failAfter: number; agents: number; rungs?: readonly Rung[]; silent?: boolean }) {
  const broker = createMemoryBroker();
  const routerBus = broker.connect();
  const agentBus = broker.connect();
  const table = new RoutingTable();
  const asked: string[] = [];
  const dispatcher = new Dispatcher({ bus: failingAfter(routerBus, options.failAfter), subjects, telemetry: noTelemetry });
  for (let index = 0; index < options.agents; index++) {
    const id = `a${index}`;
    const hello: Hello = {
      v: 1,
      wire: { min: 1, max: 1 },
      connId: "c",
      boot: "b",
      incarnation: 0,
      groups: [],
      labels: {},
      capacity: 4,
      operations: ["ask"],
    };
    table.hello(id, hello, clock.monotonicMs());
    agentBus.subscribe(subjects.agentIn(id), (message) => {
      const frame = decode(message.data) as unknown as OperationFrame;
      if (frame.kind !== "operation") return;
      asked.push(id);
      if (options.silent === true) return;
      const answer = { v: 1, kind: "reply", operationId: frame.operationId, status: "ok", value: 1, inFlight: 0, queueDepth: 0 };
      agentBus.publish(subjects.agentReply(id, "router"), encode(answer));
    });
  }
  routerBus.subscribe(subjects.everyAgentReply("router"), (message) => {
    dispatcher.answered(message.subject.split(".")[2] ?? "", decode(message.data) as never);
  });
  const ids = { requestId: () => "", instanceName: () => "", random: () => 0, digest: () => "" };
  const engine = new Engine({
    table,
    dispatcher,
    clock,
    ids,
    logger: silentLogger,
    telemetry: noTelemetry,
    routerId: "router",
    ...(options.rungs === undefined ? {} : { rungs: options.rungs }),
  });
  const plan = (type: Plan["type"], body: object): Plan => {
    const request = parseRequest({ agents: { all: true }, ...body } as never, type);
    const arrivedMs = clock.monotonicMs();
    return {
      id: "01ARZ3NDEKTSV4RRFFQ69G5FAV",
      request,
      type,
      digest: undefined,
      arrivedMs,
      deadlineMs: arrivedMs + (request.timeoutMs ?? 2_000),
      targets: engine.targetsOf(request),
      trace: { traceId: undefined },
      emit: () => {},
    };
  };
  return { engine, plan, asked, dispatcher };
}

it("carries a gather down with the answers it has", async () => {
  const { engine, plan, asked, dispatcher } = setUp({ failAfter: 2, agents: 4 });
  const { report, decision } = await engine.start(plan("gather", { goal: { operation: "ask", reduce: { kind: "sum" } } })).done;
  expect(report).toMatchObject({ status: "completed", outcome: { value: 4, contributors: 4 } });
  expect(decision.attempts.map((attempt) => [attempt.strategy, attempt.error?.code])).toEqual([
    ["foundation", "disconnected"],
    ["round-robin", undefined],
  ]);
  // The first two were published to before the fault; they are asked again under the same id only if they had not answered.
  expect(asked.filter((id) => id === "a2")).toHaveLength(1);
  expect(dispatcher.heldTotal).toBe(0);
});

it("carries a balance down without giving a piece to a second agent", async () => {
  const { engine, plan, asked, dispatcher } = setUp({ failAfter: 3, agents: 3 });
  const goal = { operation: "ask", pieces: [1, 2, 3, 4, 5, 6] };
  const { report, decision } = await engine.start(plan("balance", { goal })).done;
  expect(report).toMatchObject({ status: "completed", outcome: { done: 6 } });
  expect(decision.attempts).toHaveLength(2);
  expect(new Set(asked).size).toBe(3);
  expect(dispatcher.heldTotal).toBe(0);
});

it("does not take a slow agent for a fault", async () => {
  const { engine, plan, dispatcher } = setUp({ failAfter: -1, agents: 2, silent: true });
  const { report, decision } = await engine.start(plan("gather", { goal: { operation: "ask" }, timeoutMs: 150 })).done;
  expect(decision.attempts).toHaveLength(1);
  expect(report).toMatchObject({ status: "failed", executed: "unknown", error: { code: "no-answer" } });
  expect(report?.agents.missing.map(({ reason }) => reason)).toEqual(["slow", "slow"]);
  expect(dispatcher.heldTotal).toBe(0);
});

it("does not descend after an unacknowledged publish", async () => {
  const { engine, plan } = setUp({ failAfter: 1, agents: 3 });
  const { decision, error } = await engine.start(plan("broadcast", { goal: { operation: "ask", ack: "none" } })).done;
  expect(decision.attempts).toHaveLength(1);
  expect(error).toMatchObject({ code: "disconnected" });
});

it("refuses a causal goal where only the last resort is allowed: it could not keep the order", () => {
  const { engine, plan } = setUp({ failAfter: -1, agents: 1 });
  const goal = { operations: [{ type: "broadcast", operation: "ask" }] };
  expect(() => engine.start(plan("causal", { goal, maxLayer: "emergency" }))).toThrow(
    expect.objectContaining({ code: "promise-not-kept" }),
  );
});

it("uses the last resort alone when that is asked for", async () => {
  const { engine, plan } = setUp({ failAfter: -1, agents: 3, rungs });
  const { decision, report } = await engine.start(plan("gather", { goal: { operation: "ask" }, maxLayer: "emergency" })).done;
  expect(decision).toMatchObject({ layer: "emergency", strategy: "round-robin", ceiling: { by: "request" } });
  expect(report?.status).toBe("completed");
});
