import { createMemoryStore } from "@nexus/adapter-memory";
import { connectNats } from "@nexus/adapter-nats";
import { createIds, systemClock } from "@nexus/adapter-node";
import { type NatsServer, type NatsServerOptions, startNatsServer } from "@nexus/adapter-servers";
import { type AgentOptions, connectAgents } from "@nexus/agent";
import { type Clock, noTelemetry, type StateStore, silentLogger, type Telemetry } from "@nexus/ports";
import { startRouter } from "@nexus/router";
import { waitUntil } from "@nexus/testing";

/** A real nats-server on a random port, with routers and agents in this process. */
export interface Fleet {
  readonly server: NatsServer;
  readonly url: string;
  connect(name: string): ReturnType<typeof connectNats>;
  addRouter(more?: RouterOptions): Promise<Awaited<ReturnType<typeof startRouter>>>;
  addAgents(agents: readonly AgentOptions[]): Promise<void>;
  stop(): Promise<void>;
}

interface RouterOptions {
  readonly instance?: string;
  readonly clock?: Clock;
  readonly store?: StateStore;
  readonly telemetry?: Telemetry;
}

export async function startFleet(
  options: NatsServerOptions & { credentials?: { user: string; pass: string } } = {},
): Promise<Fleet> {
  const { credentials = {}, ...serverOptions } = options;
  const server = await startNatsServer(serverOptions);
  const endings: (() => Promise<unknown>)[] = [() => server.stop()];
  const connect = async (name: string) => {
    const bus = await connectNats({ servers: server.url, name, ...credentials });
    endings.push(() => bus.close());
    return bus;
  };
  const routers: Awaited<ReturnType<typeof startRouter>>[] = [];
  return {
    server,
    url: server.url,
    connect,
    async addRouter({ instance = "r1", ...more } = {}) {
      const bus = await connect(instance);
      const store = createMemoryStore(systemClock, { entriesMax: 1_000, bytesMax: 1_000_000 });
      const deps = { bus, store, clock: systemClock, ids: createIds(), logger: silentLogger, telemetry: noTelemetry };
      const router = await startRouter({ instance }, { ...deps, ...more });
      endings.push(() => (bus.connected ? router.stop(100) : Promise.resolve()));
      routers.push(router);
      return router;
    },
    async addAgents(agents) {
      const connection = await connectAgents({ nats: { servers: server.url, name: "agents", ...credentials } });
      endings.push(() => connection.close(100));
      for (const agent of agents) await connection.addAgent(agent);
      await waitUntil(() => routers.every((router) => router.agentsKnown() >= agents.length), {
        what: "routers know the agents",
      });
    },
    async stop() {
      for (const end of endings.splice(0).reverse()) await end();
    },
  };
}

/** An agent that answers `echo` at once, and `wait` when it is told to. */
export function echoAgent(id: string, waiting: Promise<void> = Promise.resolve()): AgentOptions {
  const handlers = {
    echo: async () => id,
    wait: async () => {
      await waiting;
      return id;
    },
  };
  return { id, groups: ["echoes"], labels: {}, capacity: 4, handlers } as AgentOptions;
}
