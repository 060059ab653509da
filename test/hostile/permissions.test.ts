import { createMemoryStore } from "@nexus/adapter-memory";
import { connectNats } from "@nexus/adapter-nats";
import { createIds, systemClock } from "@nexus/adapter-node";
import { type NatsServer, startNatsServer } from "@nexus/adapter-servers";
import { type ConnectedAgents, connectAgents } from "@nexus/agent";
import { encode } from "@nexus/contracts";
import { startGossip } from "@nexus/gossip";
import { type Bus, noTelemetry, silentLogger } from "@nexus/ports";
import { type Router, startRouter } from "@nexus/router";
import { VERSION } from "@nexus/runtime";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { documentOf } from "./prove.ts";
import { serverConfig } from "./security-page.ts";
import { Wire } from "./wire.ts";
import { handlers, until } from "./world.ts";

/**
 * Proves the permissions of docs/security.md on a nats-server that runs with them: everything works, and what a user may
 * not publish or subscribe to is refused by the server and reaches nobody.
 */

let server: NatsServer;
let router: Router;
let agents: ConnectedAgents;
const buses: Bus[] = [];
const endings: (() => Promise<unknown>)[] = [];

const passwords: Readonly<Record<string, string>> = {
  router: "router-password",
  gossip: "gossip-password",
  "agent-a1": "a1-password",
  "client-1": "client-password",
};
const as = (user: string) => ({ user, pass: passwords[user] ?? "" });

beforeAll(async () => {
  server = await startNatsServer({ config: serverConfig() });
  const deps = async (user: string) => {
    const bus = await connectNats({ servers: server.url, name: user, ...as(user) });
    buses.push(bus);
    const store = createMemoryStore(systemClock, { entriesMax: 100, bytesMax: 1e6 });
    return { bus, store, clock: systemClock, ids: createIds(), logger: silentLogger, telemetry: noTelemetry };
  };
  router = await startRouter({}, await deps("router"));
  const gossip = await startGossip({ prefix: "nexus", version: VERSION }, await deps("gossip"));
  agents = await connectAgents({ connId: "c1", nats: { servers: server.url, name: "agents", ...as("agent-a1") } });
  await agents.addAgent({ id: "a1", groups: ["fleet"], handlers });
  endings.push(
    () => agents.close(500),
    () => gossip.stop(),
    () => router.stop(500),
  );
  await until("the agent is known", () => router.agentsKnown() === 1);
});
afterAll(async () => {
  for (const end of endings) await end();
  for (const bus of buses) await bus.close();
  await server?.stop();
});

it("a client is served, by requests, ids and verbs", async () => {
  const client = await Wire.connect(server.port, "client-1", as("client-1"));
  const ask = async (subject: string, body: object) => documentOf(await client.request({ subject, data: encode(body) }));
  const id = "01ARZ3NDEKTSV4RRFFQ69G9001";
  const gather = { id, goal: { operation: "number" }, agents: { group: "fleet" } };
  expect(await ask("nexus.coordinate.gather", gather)).toMatchObject({ status: "completed", executed: "all" });
  expect(await ask(`nexus.requests.${id}.get`, {})).toMatchObject({ state: "done" });
  expect(await ask("nexus.router.agents", {})).toMatchObject({ total: 1 });
  expect(await ask("nexus.gossip.health", {})).toMatchObject({ status: "ready" });
  expect(client.errors).toEqual([]);
  client.close();
});

const foreign = {
  publish: [
    "nexus.agents.a2.out.hello",
    "nexus.agents.a2.out.reply.router-x",
    "nexus.conns.c2.out.heartbeat",
    "nexus.agents.a2.in",
    "nexus.groups.fleet",
    "nexus.all",
    "nexus.routers.announce",
    "nexus.routers.alive",
    "nexus.routers.claims",
    "nexus.consensus.raft.append",
    "nexus.gossip.push",
    "_INBOX.other.1",
    "$JS.API.STREAM.CREATE.orders",
    "$SYS.REQ.SERVER.PING",
  ],
  subscribe: [
    ">",
    "*.>",
    "nexus.>",
    "nexus.agents.*.in",
    "nexus.agents.a2.in",
    "nexus.agents.*.out.>",
    "nexus.conns.c2.in",
    "nexus.coordinate.*",
    "nexus.routers.claims",
    "_INBOX.>",
    "_INBOX.other.>",
    "$SYS.>",
    "$JS.API.>",
  ],
} as const;

/** Of the above, what the user may do. */
const allowed: Readonly<Record<string, { readonly publish: string; readonly subscribe: string }>> = {
  "agent-a1": { publish: "nexus.agents.a1.out.heartbeat", subscribe: "nexus.agents.a1.in" },
  "client-1": { publish: "nexus.coordinate.gather", subscribe: "_INBOX.client-1.mine" },
};

describe.each(Object.entries(allowed))("%s", (user, may) => {
  const errorsAfter = async (write: (wire: Wire) => void): Promise<string> => {
    const wire = await Wire.connect(server.port, user, as(user));
    write(wire);
    await wire.sync();
    wire.close();
    return wire.errors.join("\n");
  };

  it.each(foreign.publish)("may not publish %s", async (subject) => {
    const spy = buses[0] as Bus;
    let heard = 0;
    const end = /^nexus\.(?:routers|agents)\..*(?:alive|claims|hello)$/.test(subject)
      ? spy.subscribe(subject, () => void heard++)
      : undefined;
    expect(await errorsAfter((wire) => wire.publish({ subject, data: encode({}) }))).toMatch(/Permissions Violation for Publish/);
    await spy.flush();
    expect(heard).toBe(0);
    end?.unsubscribe();
    expect(await errorsAfter((wire) => wire.publish({ subject: may.publish, data: encode({}) }))).toBe("");
  });

  it.each(foreign.subscribe)("may not subscribe to %s", async (subject) => {
    expect(await errorsAfter((wire) => wire.subscribe(subject, () => {}))).toMatch(/Permissions Violation for Subscription/);
    expect(await errorsAfter((wire) => wire.subscribe(may.subscribe, () => {}))).toBe("");
  });
});
