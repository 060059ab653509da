import type { AgentRow, CoordinationResult, Decision } from "@nexus/contracts";

/** Frames as a router makes them, for the tests of what is printed. */

export const ID = "01JD0000000000000000000000";

export const decision: Decision = {
  layer: "performance",
  strategy: "direct",
  why: "highest rung that is allowed",
  available: ["foundation", "performance"],
  ceiling: { layer: "performance", by: "default" },
  tableVersion: 7,
  balancer: { asked: "adaptive", used: "resource-aware", why: "no model answers" },
  prediction: { durationMs: 20, success: 0.9 },
  actual: { durationMs: 31.5 },
  attempts: [
    {
      layer: "performance",
      strategy: "direct",
      why: "first",
      startedMs: 0.4,
      durationMs: 30,
      messages: 3,
      answers: 2,
      error: { code: "disconnected", message: "gone", retryable: true, executed: "some" },
    },
  ],
  costs: { performance: { us: 812.4, messages: 3 } },
};

export function result(more: Partial<CoordinationResult> = {}): CoordinationResult {
  return {
    v: 1,
    id: ID,
    type: "gather",
    status: "completed",
    executed: "all",
    agents: { targeted: 2, responded: 2, extra: 0, missingTotal: 0, missing: [] },
    idempotency: "claimed",
    repeated: false,
    dryRun: false,
    durationMs: 12.34,
    router: "r1",
    ...more,
  };
}

export const agent: AgentRow = {
  agent: "shard-0",
  connId: "c1",
  state: "alive",
  groups: ["shards", "eu"],
  labels: {},
  capacity: 8,
  operations: ["search"],
  load: { inFlight: 3, queueDepth: 1, serviceTimeMs: 12.5 },
  process: { cpu: 0.256, memory: 0.1, eventLoopDelayMs: 1 },
  inFlightHere: 2,
  lastSeenMsAgo: 250,
};
