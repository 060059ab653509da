import { connectNats } from "@nexus/adapter-nats";
import { createIds, systemClock } from "@nexus/adapter-node";
import { type NatsServer, startNatsServer } from "@nexus/adapter-servers";
import { type AgentConnection, type AgentOptions, connectAgents } from "@nexus/agent";
import { type Bus, noTelemetry, type StateStore, silentLogger } from "@nexus/ports";
import { type Router, startRouter } from "../src/index.ts";

/** A real nats-server on a random port, with routers and agents in this process. */
export interface Stack {
  readonly url: string;
  addRouter(store: StateStore): Promise<{ router: Router; bus: Bus }>;
  addAgents(agents: readonly AgentOptions[]): Promise<AgentConnection & { close(): Promise<void> }>;
  connect(name: string): Promise<Bus>;
  stop(): Promise<void>;
}

export async function startStack(): Promise<Stack> {
  const server: NatsServer = await startNatsServer();
  const endings: (() => Promise<unknown>)[] = [() => server.stop()];
  const connect = async (name: string) => {
    const bus = await connectNats({ servers: server.url, name });
    endings.push(() => bus.close());
    return bus;
  };
  return {
    url: server.url,
    connect,
    async addRouter(store) {
      const bus = await connect("router");
      const router = await startRouter(
        {},
        { bus, store, clock: systemClock, ids: createIds(), logger: silentLogger, telemetry: noTelemetry },
      );
      endings.push(
        () => store.close(),
        () => (bus.connected ? router.stop(500) : Promise.resolve()),
      );
      return { router, bus };
    },
    async addAgents(agents) {
      const connection = await connectAgents({ nats: { servers: server.url, name: "agents" } });
      endings.push(() => connection.close(500));
      for (const agent of agents) await connection.addAgent(agent);
      return connection;
    },
    async stop() {
      for (const end of endings.reverse()) await end();
    },
  };
}

/** Waits for a condition, looking often. */
export async function until(what: string, condition: () => boolean | Promise<boolean>, withinMs = 5_000): Promise<void> {
  const deadlineMs = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > deadlineMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
