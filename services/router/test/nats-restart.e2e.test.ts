import { createMemoryStore } from "@nexus/adapter-memory";
import { createIds, systemClock } from "@nexus/adapter-node";
import type { Handler } from "@nexus/agent";
import { type Client, connectClient, type ResultOf } from "@nexus/client";
import { NexusError } from "@nexus/contracts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Stack, type StackRouter, startStack, until } from "./stack.ts";

/**
 * Proves what a client may rely on while nats-server is killed and started again under load: what it was told is done was
 * done, nothing was done twice, what it was told was not begun was not, what was under way goes on, and everybody is back
 * without help. Clients of the SDK keep balance requests flowing, each with an id, more than the agents have room for;
 * agents count what runs, by operation id and over all of them.
 */

const AGENTS = 6;
const CLIENTS = 12;
const PIECES = 5;
const OUTAGES = 3;
const BACK_WITHIN_MS = 5_000;
/** Longer than an outage and what it takes to connect again, which is up to a second. */
const TIMEOUT_MS = 5_000;

type Told = { readonly id: string; readonly begunMs: number } & (
  | { readonly result: ResultOf<"balance"> }
  | { readonly error: NexusError }
);

describe("nats-server killed and started again under load", () => {
  const ids = createIds();
  const runs = new Map<string, string[]>();
  const told: Told[] = [];
  let stack: Stack;
  let router: StackRouter;
  let client: Client;
  let flowing = true;
  let flow: Promise<unknown>;

  /** Work of a few milliseconds, so that there is always some under way. */
  const work: Handler = async (payload, { operationId, agentId }) => {
    runs.set(operationId, [...(runs.get(operationId) ?? []), agentId]);
    await new Promise((resolve) => setTimeout(resolve, 2 + ids.random() * 20));
    return payload ?? null;
  };
  const coordinate = (id: string) =>
    client.coordinate({
      id,
      goal: { type: "balance", operation: "work", pieces: Array.from({ length: PIECES }, (_, index) => index) },
      agents: { group: "fleet" },
      timeoutMs: TIMEOUT_MS,
    });
  async function sendOn(): Promise<void> {
    while (flowing) {
      const request = { id: ids.requestId(), begunMs: performance.now() };
      try {
        told.push({ ...request, result: await coordinate(request.id) });
      } catch (error) {
        if (!(error instanceof NexusError)) throw error;
        told.push({ ...request, error });
      }
    }
  }
  const results = () => told.flatMap((row) => ("result" in row ? [row.result] : []));
  const completed = () => results().filter(({ status }) => status === "completed");
  const operationsOf = (id: string) => Array.from({ length: PIECES }, (_, index) => `${id}/${index}`);

  beforeAll(async () => {
    stack = await startStack();
    router = await stack.addRouter(createMemoryStore(systemClock, { entriesMax: 10, bytesMax: 1e6 }));
    for (let first = 0; first < AGENTS; first += 2) {
      await stack.addAgents([first, first + 1].map((n) => ({ id: `a${n}`, groups: ["fleet"], capacity: 4, handlers: { work } })));
    }
    client = await connectClient({ servers: stack.url, retries: 50 });
    await until("all agents known", () => router.router.agentsKnown() === AGENTS);
    flow = Promise.all(Array.from({ length: CLIENTS }, sendOn));
  });
  afterAll(async () => {
    flowing = false;
    await flow;
    await client.close();
    await stack.stop();
  });

  it.each(Array.from({ length: OUTAGES }, (_, index) => index + 1))(
    "outage %i: new requests complete within 5 s of its return",
    async () => {
      const before = completed().length;
      await until("requests flow", () => completed().length >= before + 40);
      await until("work is under way", () => router.router.heldTotal() > 0);
      await stack.killServer();
      await until("the router notices", () => !router.bus.connected);
      await stack.restartServer();
      const backMs = performance.now();
      const since = () => told.filter((row) => row.begunMs > backMs && "result" in row && row.result.status === "completed");
      await until("a request that began after its return completes", () => since().length > 0, BACK_WITHIN_MS);
      await until("every agent works again", () => new Set(since().flatMap(agentsOf)).size === AGENTS, BACK_WITHIN_MS);
    },
  );

  it("and then every result is true, nothing ran twice, and nothing is held", async () => {
    flowing = false;
    await flow;
    for (const { id, outcome } of completed()) {
      expect(outcome).toMatchObject({ pieces: PIECES, done: PIECES });
      expect(outcome?.rows.map(({ agent }) => [agent])).toEqual(operationsOf(id).map((operation) => runs.get(operation)));
    }
    expect([...runs].filter(([, agents]) => agents.length > 1)).toEqual([]);
    const saidUnbegun = told.filter((row) => ("result" in row ? row.result : row.error).executed === "none");
    expect(saidUnbegun.flatMap(({ id }) => operationsOf(id)).filter((operation) => runs.has(operation))).toEqual([]);
    // No request was so long under way that an outage could have taken its time.
    expect(results().filter(({ executed }) => executed === "some" || executed === "unknown")).toEqual([]);
    await until("in-flight counts at zero", () => router.router.heldTotal() === 0);
  });

  it("and a repeat of what was completed is the stored result", async () => {
    const last = completed().at(-1);
    const ran = runs.size;
    expect(await coordinate(last?.id ?? "")).toEqual({ ...last, repeated: true });
    expect(runs.size).toBe(ran);
  });
});

function agentsOf(row: Told): string[] {
  return "result" in row ? (row.result.outcome?.rows.flatMap(({ agent }) => agent ?? []) ?? []) : [];
}
