import { connectNats } from "@nexus/adapter-nats";
import { createIds, systemClock } from "@nexus/adapter-node";
import { type NatsServer, startNatsServer } from "@nexus/adapter-servers";
import { type AgentConnection, type AgentOptions, connectAgents } from "@nexus/agent";
import { type Bus, noTelemetry, type StateStore, silentLogger, type Telemetry } from "@nexus/ports";
import { waitUntil } from "@nexus/testing";
import { type Router, type RouterOptions, startRouter } from "../src/index.ts";
import { type Door, withDoor } from "./door.ts";

/** A real nats-server on a random port, with routers and agents in this process. */
export interface Stack {
  readonly url: string;
  /** @param through what stands between the router and its bus */
  addRouter(store: StateStore, options?: Partial<RouterOptions>, through?: (bus: Bus) => Bus): Promise<StackRouter>;
  addAgents(agents: readonly AgentOptions[]): Promise<AgentConnection & { close(): Promise<void> }>;
  connect(name: string): Promise<Bus>;
  /** Kills the nats-server; whoever is connected notices by itself. */
  killServer(): Promise<void>;
  /** Starts it again where it was. */
  restartServer(): Promise<void>;
  stop(): Promise<void>;
}

export interface StackRouter {
  readonly router: Router;
  readonly bus: Bus;
  /** Puts a request to this router alone. */
  readonly door: Door;
}

export async function startStack({ telemetry = noTelemetry }: { telemetry?: Telemetry } = {}): Promise<Stack> {
  let server: NatsServer = await startNatsServer();
  const { url, port } = server;
  const endings: (() => Promise<unknown>)[] = [() => server.stop()];
  const connect = async (name: string) => {
    const bus = await connectNats({ servers: url, name });
    endings.push(() => bus.close());
    return bus;
  };
  return {
    url,
    connect,
    async addRouter(store, options = {}, through = (bus) => bus) {
      const { bus, door } = withDoor(through(await connect("router")));
      // Peers that live answer, so the bound is never waited for; it must only not be reached on a busy machine.
      const settings = { peersAnswerMs: 5_000, ...options };
      const ids = createIds();
      const router = await startRouter(settings, { bus, store, clock: systemClock, ids, logger: silentLogger, telemetry });
      endings.push(
        () => store.close(),
        () => (bus.connected ? router.stop(500) : Promise.resolve()),
      );
      return { router, bus, door };
    },
    async addAgents(agents) {
      const connection = await connectAgents({ nats: { servers: url, name: "agents" }, telemetry });
      endings.push(() => connection.close(500));
      for (const agent of agents) await connection.addAgent(agent);
      return connection;
    },
    async killServer() {
      server.kill("SIGKILL");
      await server.stop();
    },
    async restartServer() {
      server = await startNatsServer({ port });
    },
    async stop() {
      for (const end of endings.reverse()) await end();
    },
  };
}

/** Waits for a condition, looking often. */
export async function until(what: string, condition: () => boolean | Promise<boolean>, withinMs = 5_000): Promise<void> {
  await waitUntil(condition, { what, deadlineMs: withinMs });
}

/** A promise that a test holds back. */
export function gate() {
  let open!: () => void;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}
