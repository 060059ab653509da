import { createMemoryBroker } from "@nexus/adapter-memory";
import {
  type AgentFrame,
  type CausalMissing,
  createSubjects,
  decode,
  encode,
  type GoalType,
  type Hello,
  type JsonValue,
  NexusError,
  type OperationFrame,
  parseRequest,
  type ReplyFrame,
  type RequestEvent,
  toErrorBody,
} from "@nexus/contracts";
import { type Bus, noTelemetry, silentLogger, type Telemetry } from "@nexus/ports";
import { createSeededIds, createVirtualClock, nextTurn, runVirtually } from "@nexus/testing";
import { expect } from "vitest";
import { type Coordinated, type Coordination, Dispatcher, Engine, type Plan, RoutingTable, type Rung } from "../src/index.ts";

/** An engine with its table and dispatcher, on a bus within the process and in virtual time; agents answer from scripts. */

export const REQUEST_ID = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
const subjects = createSubjects("nexus");

/** What an agent heard, and when. */
export interface Heard {
  readonly agent: string;
  readonly frame: OperationFrame;
  readonly atMs: number;
}

export interface Said {
  /** Virtual milliseconds until it is said; 0 is at once. */
  readonly afterMs?: number;
  readonly status?: ReplyFrame["status"];
  readonly value?: JsonValue;
  readonly error?: NexusError;
  readonly causalMissing?: CausalMissing;
  /** Progress instead of an answer. */
  readonly progress?: number;
}

/** What an agent says to its `count`-th operation frame, counted from 1; nothing is silence. */
export type Script = (heard: Heard, count: number) => Said | readonly Said[] | undefined;

export interface Member extends Partial<Hello> {
  readonly script?: Script;
}

export interface FleetOptions {
  readonly rungs?: readonly Rung[];
  /** Whether publishing this frame to this agent fails. */
  readonly fault?: (agent: string, frame: AgentFrame) => boolean;
  readonly maxPayloadBytes?: number;
  readonly telemetry?: Telemetry;
}

export const ok: Script = () => ({ value: 1 });
export const silent: Script = () => undefined;
export const helloOf = (more: Partial<Hello> = {}): Hello => ({
  v: 1,
  wire: { min: 1, max: 1 },
  connId: "c",
  boot: "b",
  incarnation: 0,
  groups: [],
  labels: {},
  capacity: 4,
  operations: ["ask"],
  ...more,
});

export type Fleet = ReturnType<typeof createFleet>;

export function createFleet(members: Readonly<Record<string, Member>>, options: FleetOptions = {}) {
  const clock = createVirtualClock();
  const broker = createMemoryBroker({
    ...{ clock, defer: queueMicrotask, random: () => 0 },
    ...(options.maxPayloadBytes === undefined ? {} : { maxPayloadBytes: options.maxPayloadBytes }),
  });
  const routerBus = broker.connect();
  const agentBus = broker.connect();
  const table = new RoutingTable();
  const dispatcher = new Dispatcher({ bus: faulty(routerBus, options.fault), subjects, telemetry: noTelemetry });
  const ids = createSeededIds(1);
  const engine = new Engine({
    ...{ table, dispatcher, clock, ids, logger: silentLogger, telemetry: options.telemetry ?? noTelemetry, routerId: "router" },
    ...(options.rungs === undefined ? {} : { rungs: options.rungs }),
  });
  const heard: Heard[] = [];
  /** What scripts and the engine threw at the bus, expectations of a script among it. */
  const thrown: Error[] = [];
  for (const bus of [routerBus, agentBus]) bus.onError((error) => thrown.push(error));
  const cancelled: string[] = [];
  const nothings: { readonly agent: string; readonly frame: Extract<AgentFrame, { kind: "causal-nothing" }> }[] = [];
  const events: Omit<RequestEvent, "v" | "id" | "seq" | "atMs">[] = [];

  const say = (agent: string, operationId: string, said: Said): void => {
    const { status = "ok", value, error, progress, causalMissing } = said;
    const base = { v: 1, operationId };
    const frame =
      progress === undefined
        ? {
            ...{ ...base, kind: "reply", status, inFlight: 0, queueDepth: 0 },
            ...(value === undefined ? {} : { value }),
            ...(error === undefined ? {} : { error: toErrorBody(error) }),
            ...(causalMissing === undefined ? {} : { causalMissing }),
          }
        : { ...base, kind: "progress", fraction: progress };
    agentBus.publish(subjects.agentReply(agent, "router"), encode(frame));
  };
  routerBus.subscribe(subjects.everyAgentReply("router"), (message) => {
    dispatcher.answered(message.subject.split(".")[2] ?? "", decode(message.data) as never);
  });
  const add = (id: string, { script = ok, ...hello }: Member): void => {
    table.hello(id, helloOf(hello), clock.monotonicMs());
    let count = 0;
    agentBus.subscribe(subjects.agentIn(id), (message) => {
      const frame = decode(message.data) as unknown as AgentFrame;
      if (frame.kind === "cancel") cancelled.push(id);
      if (frame.kind === "causal-nothing") nothings.push({ agent: id, frame });
      if (frame.kind !== "operation") return;
      const entry = { agent: id, frame, atMs: clock.monotonicMs() };
      heard.push(entry);
      const said = script(entry, ++count);
      for (const one of said === undefined ? [] : Array.isArray(said) ? (said as readonly Said[]) : [said as Said]) {
        if (one.afterMs === undefined || one.afterMs === 0) say(id, frame.operationId, one);
        else clock.schedule(one.afterMs, () => say(id, frame.operationId, one));
      }
    });
  };
  for (const [id, member] of Object.entries(members)) add(id, member);

  const planOf = (type: GoalType, body: object, id = REQUEST_ID): Plan => {
    const request = parseRequest({ agents: { all: true }, ...body } as never, type);
    const arrivedMs = clock.monotonicMs();
    return {
      ...{ id, request, type, digest: undefined, arrivedMs, deadlineMs: arrivedMs + (request.timeoutMs ?? 5_000) },
      ...{
        targets: engine.targetsOf(request),
        trace: { traceId: undefined },
        events: { followed: true, emit: (event) => void events.push(event) },
      },
    };
  };
  const start = (type: GoalType, body: object, id?: string): Coordination => engine.start(planOf(type, body, id));
  return {
    ...{ clock, table, dispatcher, engine, ids, heard, cancelled, nothings, events, add, say, planOf, start },
    /** Cuts the router off its bus until `reconnect`. */
    disconnect: () => broker.disconnect(routerBus),
    reconnect: () => broker.reconnect(routerBus),
    /** The agent is taken for dead. */
    die(id: string): void {
      const entry = table.get(id);
      if (entry !== undefined) engine.agentGone(entry, "dead");
    },
    async run(type: GoalType, body: object): Promise<Coordinated> {
      return runVirtually(clock, start(type, body).done);
    },
    ended: (coordination: Coordination): Promise<Coordinated> => runVirtually(clock, coordination.done),
    /** Lets pass so much time, with all that happens in it. */
    async pass(ms: number): Promise<void> {
      await runVirtually(clock, new Promise<void>((resolve) => clock.schedule(ms, resolve)));
    },
    /** Operations in the order in which agents heard them, as `agent index`. */
    order: (): string[] => heard.map(({ agent, frame }) => `${agent} ${frame.operationId.split("/")[1]}`),
    /** E2: nothing runs, nothing is held, nobody listens. */
    async expectNothingLeft(): Promise<void> {
      await nextTurn();
      expect(thrown).toEqual([]);
      expect({ active: engine.active, held: dispatcher.heldTotal }).toEqual({ active: 0, held: 0 });
      for (const operationId of new Set(heard.map(({ frame }) => frame.operationId))) {
        const late = { v: 1, kind: "progress", operationId } as const;
        expect(dispatcher.answered("nobody", late)).toBe(false);
      }
    },
  };
}

function faulty(bus: Bus, fault: FleetOptions["fault"]): Bus {
  if (fault === undefined) return bus;
  return new Proxy(bus, {
    get(target, name) {
      const member = Reflect.get(target, name, target) as unknown;
      if (name !== "publish") return typeof member === "function" ? member.bind(target) : member;
      return (...args: Parameters<Bus["publish"]>) => {
        const frame = decode(args[1]) as unknown as AgentFrame;
        if (fault(args[0].split(".")[2] ?? "", frame)) throw new NexusError("disconnected", "cut for the test");
        target.publish(...args);
      };
    },
  });
}
