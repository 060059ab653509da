import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createMemoryStore } from "@nexus/adapter-memory";
import { connectNats } from "@nexus/adapter-nats";
import { createIds, systemClock } from "@nexus/adapter-node";
import { startOtel } from "@nexus/adapter-otel";
import { startNatsServer } from "@nexus/adapter-servers";
import { startAdaptive } from "@nexus/adaptive";
import { type AgentOptions, type ConnectedAgents, connectAgents, type Handler } from "@nexus/agent";
import { startConsensus } from "@nexus/consensus";
import { startConsole } from "@nexus/console";
import { limits } from "@nexus/contracts";
import { startGossip } from "@nexus/gossip";
import type { Telemetry } from "@nexus/ports";
import { startPredictor } from "@nexus/predictor";
import { type Router, type RouterOptions, startRouter } from "@nexus/router";
import { VERSION } from "@nexus/runtime";
import { type Counts, type LogLines, recordingLogger, recordingTelemetry } from "./recording.ts";
import { Wire } from "./wire.ts";

/**
 * A real nats-server with all services and a fleet of SDK agents, each service and agent process on a connection of its
 * own, and one client of bare bytes. The server carries more than a frame may have, so that the bounds that are met are
 * those of Nexus; spans are recorded and exported, so that hostile trace headers go where they would.
 */

export interface Run {
  readonly agent: string;
  readonly operationId: string;
}

export interface World {
  readonly port: number;
  readonly url: string;
  readonly wire: Wire;
  readonly router: Router;
  /** What the router's process counted, and the agents' processes. */
  readonly counts: Counts;
  readonly agentCounts: Counts;
  readonly log: LogLines;
  /** Every call of a handler at an agent, in order. */
  readonly runs: readonly Run[];
  /** Another router, under its own prefix, with agents of its own. */
  addRouter(prefix: string, options: Partial<RouterOptions>): Promise<Router>;
  addAgents(prefix: string, agents: readonly AgentOptions[]): Promise<ConnectedAgents>;
  stop(): Promise<void>;
}

export const services = ["router", "consensus", "gossip", "predictor", "adaptive", "console"] as const;
const PAYLOAD_BYTES_MAX = 4 * limits.frameBytesMax;

/** An agent at the limits of what its hello may say. */
export const edge = {
  id: "e".repeat(limits.nameCharsMax),
  group: "g".repeat(limits.nameCharsMax),
  labelKey: "k".repeat(limits.nameCharsMax),
  labelValue: "v".repeat(limits.labelValueCharsMax),
};
export const manyLabels = Object.fromEntries(Array.from({ length: limits.labelsMax }, (_, index) => [`label${index}`, "on"]));

export async function startWorld(serverConfig = ""): Promise<World> {
  const endings: (() => Promise<unknown>)[] = [];
  const server = await startNatsServer({ config: `max_payload: ${PAYLOAD_BYTES_MAX}\n${serverConfig}` });
  endings.push(() => server.stop());
  const receiver = await startReceiver();
  endings.push(() => receiver.stop());
  const otel = startOtel({
    serviceName: "hostile",
    serviceVersion: VERSION,
    instanceId: "one",
    endpoint: receiver.url,
    sampleRatio: 1,
  });
  endings.push(() => otel.shutdown());
  const logger = recordingLogger();
  const [telemetry, agentTelemetry] = [recordingTelemetry(otel.telemetry), recordingTelemetry(otel.telemetry)];
  const runs: Run[] = [];

  const serviceDeps = async (name: string) => {
    const bus = await connectNats({ servers: server.url, name, logger });
    endings.push(() => bus.close());
    const store = createMemoryStore(systemClock, { entriesMax: 1_000, bytesMax: 1e7 });
    return { bus, store, clock: systemClock, ids: createIds(), logger, telemetry };
  };
  const addRouter = async (prefix: string, options: Partial<RouterOptions>) => {
    const name = `router-${prefix}`;
    const deps = await serviceDeps(name);
    const ids = { ...deps.ids, instanceName: (hint: string) => (hint === "router" ? name : deps.ids.instanceName(hint)) };
    const router = await startRouter({ ...options, prefix }, { ...deps, ids });
    endings.push(() => router.stop(500));
    return router;
  };
  const addAgents = async (prefix: string, agents: readonly AgentOptions[]) => {
    const connId = `conn-of-${agents[0]?.id ?? "nobody"}`.slice(0, limits.nameCharsMax);
    const options = { prefix, connId, logger, telemetry: agentTelemetry, nats: { servers: server.url, name: "agents" } };
    const connection = await connectAgents(options);
    endings.push(() => connection.close(500));
    for (const agent of agents) await connection.addAgent(recorded(agent, runs));
    return connection;
  };

  const router = await addRouter("nexus", { activeMax: 500, requestsMax: 2_000 });
  for (const [name, start] of Object.entries({ startConsensus, startGossip, startPredictor, startAdaptive, startConsole })) {
    const deps = await serviceDeps(name);
    // Gossip hears agents, too: what it drops is not what the router drops.
    const own = name === "startGossip" ? { telemetry: withoutDrops(deps.telemetry) } : {};
    const service = await start({ prefix: "nexus", version: VERSION }, { ...deps, ...own });
    endings.push(() => service.stop());
  }
  for (const agents of fleet()) await addAgents("nexus", agents);
  const wire = await Wire.connect(server.port, "hostile");
  endings.push(async () => wire.close());
  await until("the fleet is known", () => router.agentsKnown() === fleet().flat().length);
  const stop = async () => {
    for (const end of endings.reverse()) await end();
  };
  return {
    port: server.port,
    url: server.url,
    wire,
    router,
    counts: telemetry.counts,
    agentCounts: agentTelemetry.counts,
    log: logger.lines,
    runs,
    addRouter,
    addAgents,
    stop,
  };
}

function withoutDrops(telemetry: Telemetry): Telemetry {
  const count: Telemetry["count"] = (metric, ...more) => {
    if (metric !== "framesDropped") telemetry.count(metric, ...more);
  };
  return { ...telemetry, count };
}

/** Agents that share a connection, one alone on its own, and one at the limits. */
function fleet(): AgentOptions[][] {
  const crowd = ["a0", "a1", "a2"].map((id) => ({
    id,
    groups: ["fleet"],
    labels: { zone: id === "a0" ? "eu" : "us" },
    handlers,
  }));
  return [
    crowd,
    [{ id: "solo", groups: ["alone"], labels: { ...manyLabels }, capacity: limits.capacityMax, handlers }],
    [{ id: edge.id, groups: [edge.group], labels: { [edge.labelKey]: edge.labelValue }, handlers }],
  ];
}

/** `slow` ends with its request, or when it is cancelled. */
export const handlers: Readonly<Record<string, Handler>> = {
  echo: (payload) => payload ?? null,
  size: (payload) => JSON.stringify(payload ?? null).length,
  keys: (payload) => Object.keys(Object(payload)),
  number: () => 1,
  big: (payload) => "x".repeat(Number(payload)),
  vote: () => "for",
  slow: (_payload, { signal }) => new Promise((resolve) => signal.addEventListener("abort", () => resolve(null))),
  [`o${"p".repeat(127)}`]: () => 1,
};

function recorded(agent: AgentOptions, runs: Run[]): AgentOptions {
  const wrapped = Object.entries(agent.handlers).map(([operation, handler]): [string, Handler] => [
    operation,
    (payload, context) => {
      runs.push({ agent: agent.id, operationId: context.operationId });
      return handler(payload, context);
    },
  ]);
  return { ...agent, handlers: Object.fromEntries(wrapped) };
}

/** Takes what is exported, and forgets it. */
async function startReceiver(): Promise<{ url: string; stop(): Promise<void> }> {
  const server = createServer((request, response) => request.resume().on("end", () => response.end()));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Waits for a condition, looking often. */
export async function until(what: string, condition: () => boolean | Promise<boolean>, withinMs = 10_000): Promise<void> {
  const deadlineMs = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > deadlineMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
