import { createMemoryBroker, createMemoryStore } from "@nexus/adapter-memory";
import {
  type CoordinationRequest,
  createSubjects,
  decode,
  type ErrorBody,
  encode,
  type GoalType,
  NexusError,
  ownerQuestionSchema,
  parseFrame,
  parseRequest,
  toErrorBody,
} from "@nexus/contracts";
import type { Coordinated, Coordination, Engine, Plan, RunReport } from "@nexus/engine";
import { noTelemetry, type StateStore, silentLogger, type Telemetry } from "@nexus/ports";
import { createSeededIds, createVirtualClock, runVirtually } from "@nexus/testing";
import { expect } from "vitest";
import { ActivityFeed } from "../src/activity-feed.ts";
import { Admission } from "../src/admission.ts";
import { Claims } from "../src/claims.ts";
import { Coordinator } from "../src/coordinator.ts";
import type { EndedRequest } from "../src/ended-request.ts";
import { FrameGuard } from "../src/frame-guard.ts";
import { Peers } from "../src/peers.ts";
import { RequestRegistry } from "../src/registry.ts";
import { RequestsApi } from "../src/requests-api.ts";
import { endedRequestOf } from "../src/results.ts";

/** Parts of routers that share a bus and a store within the process, in virtual time, around engines that a test directs. */

export const ID = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
export const subjects = createSubjects("nexus");
export const RETENTION_MS = 600_000;

export type Network = ReturnType<typeof createNetwork>;
export type RouterParts = ReturnType<Network["addRouter"]>;

export function createNetwork() {
  const clock = createVirtualClock();
  const broker = createMemoryBroker({ clock, defer: queueMicrotask, random: () => 0 });
  const memory = createMemoryStore(clock, { entriesMax: 1_000, bytesMax: 1e7 });
  const state = { away: false };
  // Old enough to be believed that an id is new.
  void memory.put("claims-since", new TextEncoder().encode(`${clock.epochMs() - RETENTION_MS} store`), 2 * RETENTION_MS);
  /** Seen by all routers; every call fails while it is away. */
  const store: StateStore = new Proxy(memory, {
    get(target, name) {
      if (name === "shared") return true;
      const member = Reflect.get(target, name, target) as unknown;
      if (typeof member !== "function") return member;
      if (state.away) return () => Promise.reject(new NexusError("store-unavailable", "away for the test"));
      return member;
    },
  });
  return {
    ...{ clock, broker, store, memory, state },
    run: <T>(work: Promise<T>): Promise<T> => runVirtually(clock, work),
    pass: (ms: number): Promise<void> => runVirtually(clock, new Promise((resolve) => void clock.schedule(ms, resolve))),

    /** @param own the router's own store; default: the shared one */
    addRouter(routerId: string, own: StateStore = store, telemetry: Telemetry = noTelemetry) {
      const bus = broker.connect({ name: routerId });
      const ids = createSeededIds(routerId.charCodeAt(1));
      const base = { bus, clock, logger: silentLogger, telemetry, subjects, routerId };
      const registry = new RequestRegistry({ requestsMax: 100, bytesMax: 1e7, ttlMs: RETENTION_MS });
      const guard = new FrameGuard(base);
      const activity = new ActivityFeed(base);
      const peers = new Peers({
        ...base,
        guard,
        replyPrefixes: ["_INBOX."],
        answerWithinMs: 20,
        owns: (id) => registry.owns(id),
      });
      const claims = new Claims({
        ...{ ...base, ids, store: own, peers, retentionMs: RETENTION_MS },
        resultOf(id) {
          const ended = registry.ended(id);
          return ended === undefined ? undefined : encode(ended.result);
        },
      });
      const requests = new RequestsApi({ ...base, registry, claims, waiters: new Admission(100, "callers wait") });
      const engine = createDirectedEngine();
      const coordinator = new Coordinator({
        ...{ ...base, registry, claims, activity, ids, engine: engine as unknown as Engine },
        askOwner: (owner, id, digest, waitMs) => requests.askOwner(owner, id, digest, waitMs),
        cancelAt: (owner, id) => requests.cancelAt(owner, id),
      });
      peers.start();
      bus.subscribe(subjects.routerRequests(routerId), async ({ data, reply }) => {
        const answer = await requests
          .own(parseFrame(ownerQuestionSchema, decode(data), "owner question"))
          .catch((error: unknown) => ({ v: 1, error: toErrorBody(error) }));
        if (reply !== undefined && bus.connected) bus.publish(reply, encode(answer));
      });
      return { routerId, bus, registry, peers, claims, requests, activity, engine, coordinator };
    },
  };
}

/** An engine that does what the test says: `finish` ends what was started. */
function createDirectedEngine() {
  const started: Plan[] = [];
  const cancelled: string[] = [];
  const ending = new Map<string, PromiseWithResolvers<Coordinated>>();
  return {
    ...{ started, cancelled },
    refusal: undefined as NexusError | undefined,
    targetsOf: () => ({ version: 1, agents: [], unknown: [] }),
    start(plan: Plan): Coordination {
      if (this.refusal !== undefined) throw this.refusal;
      started.push(plan);
      const end = Promise.withResolvers<Coordinated>();
      ending.set(plan.id, end);
      const cancel = () => {
        cancelled.push(plan.id);
        const error = toErrorBody(new NexusError("cancelled", "cancelled for the test", { executed: "unknown" }));
        end.resolve(coordinatedOf({ status: "failed", executed: "unknown", error }));
      };
      return { done: end.promise, cancel };
    },
    finish: (more: Partial<RunReport> = {}, id = ID) => ending.get(id)?.resolve(coordinatedOf(more)),
    fail: (error: unknown, id = ID) => ending.get(id)?.reject(error),
  };
}

export function coordinatedOf(more: Partial<RunReport> & { error?: ErrorBody } = {}): Coordinated {
  const rows = more.rows ?? [{ agent: "a", status: "ok" as const, value: 1 }];
  const report: RunReport = {
    ...{ status: "completed", executed: "all", rows },
    outcome: {
      ...{ type: "gather", until: "all", wanted: 1, ended: "condition", reduce: "list", value: null, contributors: 1 },
      ...{ unusable: 0, rows: [], rowsTotal: rows.length },
    },
    agents: { targeted: 1, responded: 1, extra: 0, missing: [] },
    ...more,
  };
  const decision = {
    ...{ layer: "foundation" as const, strategy: "foundation", why: "for the test", available: [], tableVersion: 1 },
    ...{ ceiling: { layer: "performance" as const, by: "default" as const }, actual: {}, attempts: [], costs: {} },
  };
  return { report, decision, executed: report.executed, error: undefined };
}

export function requestOf(more: object = {}, type: GoalType = "gather"): CoordinationRequest {
  return parseRequest({ id: ID, goal: { operation: "ask" }, agents: { all: true }, ...more } as never, type);
}

/** A promise that must be rejected, with what it was rejected with. */
export async function rejection(work: Promise<unknown>): Promise<NexusError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(NexusError);
  return error as NexusError;
}

/** A request that has ended, as a registry takes it. */
export function endOf(id: string): EndedRequest {
  return endedRequestOf(coordinatedOf(), {
    ...{ id, type: "gather", request: requestOf(), idempotency: "claimed", durationMs: 1, traceId: undefined },
    ...{ routerId: "r1", bytesMax: 1e6 },
  });
}
