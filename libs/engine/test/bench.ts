import { createMemoryBroker } from "@nexus/adapter-memory";
import {
  createSubjects,
  decode,
  type GoalType,
  type Hello,
  type JsonValue,
  type OperationFrame,
  parseRequest,
  type ReplyFrame,
} from "@nexus/contracts";
import { noTelemetry, silentLogger } from "@nexus/ports";
import { createSeededIds, createVirtualClock } from "@nexus/testing";
import { Dispatcher, Engine, type Plan, RoutingTable } from "../src/index.ts";

/** An engine in virtual time, whose agents answer when the test says so. */
export const subjects = createSubjects();

export interface Asked {
  readonly agent: string;
  readonly frame: OperationFrame;
}

export function bench(
  agents: Readonly<Record<string, { capacity: number; operations?: readonly string[] }>>,
  { maxPayloadBytes = 1_048_576 } = {},
) {
  const clock = createVirtualClock();
  const broker = createMemoryBroker({ clock, maxPayloadBytes });
  const [routerBus, agentBus] = [broker.connect(), broker.connect()];
  const table = new RoutingTable();
  const dispatcher = new Dispatcher({ bus: routerBus, subjects, telemetry: noTelemetry });
  const ids = createSeededIds(1);
  const engine = new Engine({
    table,
    dispatcher,
    clock,
    ids,
    logger: silentLogger,
    telemetry: noTelemetry,
    routerId: "router",
  });
  const asked: Asked[] = [];
  const cancelled: string[] = [];
  for (const [id, { capacity, operations = ["work"] }] of Object.entries(agents)) {
    const hello: Hello = {
      v: 1,
      wire: { min: 1, max: 1 },
      connId: "c",
      boot: `boot-${id}`,
      incarnation: 0,
      groups: [],
      labels: {},
      capacity,
      operations: [...operations],
    };
    table.hello(id, hello, 0);
    agentBus.subscribe(subjects.agentIn(id), ({ data }) => {
      const frame = decode(data) as unknown as OperationFrame | { kind: "cancel"; operationId: string };
      if (frame.kind === "operation") asked.push({ agent: id, frame });
      else cancelled.push(frame.operationId);
    });
  }

  /** Until all that was published has arrived, and promises that it settled have told whoever waits. */
  const settle = async () => {
    for (let round = 0; round < 3; round++) await broker.idle();
  };
  return {
    clock,
    broker,
    routerBus,
    table,
    dispatcher,
    engine,
    asked,
    cancelled,
    settle,
    start(type: GoalType, body: object) {
      const request = parseRequest({ agents: { all: true }, ...body } as unknown as JsonValue, type);
      const arrivedMs = clock.monotonicMs();
      const plan: Plan = {
        id: ids.requestId(),
        request,
        type,
        digest: undefined,
        arrivedMs,
        deadlineMs: arrivedMs + (request.timeoutMs ?? 5_000),
        targets: engine.targetsOf(request),
        trace: { traceId: undefined },
        emit: () => {},
      };
      const coordination = engine.start(plan);
      return { id: plan.id, ...coordination };
    },
    /** @returns whether somebody waited for the answer */
    answer({ agent, frame }: Asked, more: Partial<ReplyFrame> = {}): boolean {
      const { operationId, payload } = frame;
      const value = payload === undefined ? {} : { value: payload };
      const reply = { v: 1, kind: "reply", operationId, status: "ok", inFlight: 0, queueDepth: 0, ...value, ...more } as const;
      return dispatcher.answered(agent, reply);
    },
    async move(ms: number) {
      clock.advance(ms);
      await settle();
    },
  };
}

export type Bench = ReturnType<typeof bench>;
