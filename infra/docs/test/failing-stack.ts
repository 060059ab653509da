import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createMemoryStore } from "@nexus/adapter-memory";
import { connectNats } from "@nexus/adapter-nats";
import { createIds, systemClock } from "@nexus/adapter-node";
import { type NatsServer, startNatsServer } from "@nexus/adapter-servers";
import { type AgentConnection, type AgentOptions, connectAgents } from "@nexus/agent";
import { decode, encode, NexusError, type Row } from "@nexus/contracts";
import type { Bus } from "@nexus/ports";
import { type Router, type RouterOptions, startRouter } from "@nexus/router";
import { waitUntil } from "@nexus/testing";
import { root } from "../src/documents.ts";
import { createRecorder, type Recorder } from "./recorder.ts";

/** Anything that a router may answer, as far as the tests look into it. */
export interface Answer {
  readonly id: string;
  readonly status: string;
  readonly executed?: string;
  readonly repeated?: boolean;
  readonly error?: { code: string; field?: string; message: string; retryAfterMs?: number };
  readonly outcome?: { rows: Row[]; rowsTotal: number; decision?: string; operations?: { status: string }[]; token?: string };
  readonly agents: { missing: { agent: string; reason: string; message?: string }[] };
  readonly decision?: {
    layer: string;
    attempts: { layer: string; messages: number; error?: object }[];
    balancer?: { why: string };
  };
}

/** Routers and agents that record what they log and measure. */
export interface FailingStack extends Recorder {
  readonly server: NatsServer;
  readonly client: Bus;
  /** @param sendsFail so many messages to agents cannot be sent, then all can */
  addRouter(options?: Partial<RouterOptions>, sendsFail?: number): Promise<Router>;
  addAgents(agents: readonly AgentOptions[], prefix?: string): Promise<AgentConnection>;
  /** An agent that says hello and nothing else. @returns the operations that it was sent */
  addMute(id: string, boot: string): Promise<{ operationId: string }[]>;
  coordinate(type: string, body: object, prefix?: string): Promise<Answer>;
  logged(text: string): Promise<unknown>;
  stop(): Promise<void>;
}

export async function startFailingStack(): Promise<FailingStack> {
  const server = await startNatsServer();
  const recorder = createRecorder();
  const { logger, telemetry, lines } = recorder;
  const endings: (() => Promise<unknown>)[] = [() => server.stop()];
  const connect = async (name: string) => {
    const bus = await connectNats({ servers: server.url, name });
    endings.push(() => bus.close());
    return bus;
  };
  const client = await connect("client");
  return {
    ...recorder,
    server,
    client,
    async addRouter(options = {}, sendsFail = 0) {
      const bus = failing(await connect("router"), sendsFail);
      const store = createMemoryStore(systemClock, { entriesMax: 1_000, bytesMax: 1e7 });
      const router = await startRouter(options, { bus, store, clock: systemClock, ids: createIds(), logger, telemetry });
      endings.push(() => router.stop(200));
      return router;
    },
    async addAgents(agents, prefix = "nexus") {
      const connection = await connectAgents({ servers: server.url, prefix, logger, telemetry });
      endings.push(() => connection.close(200));
      for (const agent of agents) await connection.addAgent(agent);
      return connection;
    },
    async addMute(id, boot) {
      const operations: { operationId: string }[] = [];
      client.subscribe(`nexus.agents.${id}.in`, (message) => {
        const frame = decode(message.data) as { kind: string; operationId: string };
        if (frame.kind === "operation") operations.push(frame);
      });
      await client.flush();
      const offer = { groups: [], labels: {}, capacity: 4, operations: ["work"] };
      const hello = { v: 1, wire: { min: 1, max: 1 }, connId: id, boot, incarnation: 0, ...offer };
      client.publish(`nexus.agents.${id}.out.hello`, encode(hello));
      await client.flush();
      return operations;
    },
    async coordinate(type, body, prefix = "nexus") {
      const reply = await client.request(`${prefix}.coordinate.${type}`, encode(body), { timeoutMs: 15_000 });
      return decode(reply.data) as unknown as Answer;
    },
    logged: (text) => waitUntil(() => lines.some((line) => line.includes(text)), { what: `the line "${text}"` }),
    async stop() {
      for (const end of endings.reverse()) await end();
    },
  };
}

function failing(bus: Bus, sends: number): Bus {
  let left = sends;
  const publish: Bus["publish"] = (subject, data, options) => {
    if (subject.endsWith(".in") && left-- > 0) throw new NexusError("disconnected", "cut off on purpose");
    bus.publish(subject, data, options);
  };
  return new Proxy(bus, {
    get(target, name) {
      const value: unknown = name === "publish" ? publish : Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

const page = readFileSync(join(root, "docs/failure-modes.md"), "utf8");

/** What the page says is seen of a failure. @throws Error where the page does not tell of it */
export function seenOf(failure: string): string {
  const row = page.split("\n").find((line) => line.startsWith(`| ${failure} |`));
  if (row === undefined) throw new Error(`docs/failure-modes.md does not tell what happens when ${failure}`);
  return row.split(" | ")[2] ?? "";
}
