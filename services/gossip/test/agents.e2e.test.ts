/**
 * Observers of agents beside a router, over a real nats-server: an agent that is gone is dead for the router before its own
 * patience ends, and one that only forgot its heartbeats is not.
 */
import { createMemoryStore } from "@nexus/adapter-memory";
import { connectNats } from "@nexus/adapter-nats";
import { createIds, systemClock } from "@nexus/adapter-node";
import { type NatsServer, startNatsServer } from "@nexus/adapter-servers";
import { createSubjects, decode, encode, type GossipVerdicts, gossipVerdictsSchema } from "@nexus/contracts";
import { type Bus, noTelemetry, silentLogger } from "@nexus/ports";
import { type Router, startRouter } from "@nexus/router";
import { type RunningService, VERSION } from "@nexus/runtime";
import { waitUntil } from "@nexus/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startGossip } from "../src/index.ts";

const subjects = createSubjects();
let server: NatsServer;
let client: Bus;
let router: Router;
const nodes: RunningService[] = [];
const buses: Bus[] = [];
const told: GossipVerdicts[] = [];

async function deps(name: string) {
  const bus = await connectNats({ servers: server.url, name });
  buses.push(bus);
  const store = createMemoryStore(systemClock, { entriesMax: 100, bytesMax: 1e6 });
  return { bus, store, clock: systemClock, ids: createIds(), logger: silentLogger, telemetry: noTelemetry };
}

beforeAll(async () => {
  server = await startNatsServer();
  router = await startRouter({}, await deps("router"));
  for (const name of ["one", "other"]) nodes.push(await startGossip({ prefix: "nexus", version: VERSION }, await deps(name)));
  client = (await deps("client")).bus;
  client.subscribe(subjects.gossipVerdicts, ({ data }) => void told.push(gossipVerdictsSchema.parse(decode(data))));
  await client.flush();
});
afterAll(async () => {
  for (const node of nodes) await node.stop();
  await router?.stop();
  for (const bus of buses) await bus.close();
  await server?.stop();
});

/** An agent by hand: it says hello when it is asked to, as long as it lives. */
function agentOf(id: string) {
  const hello = {
    ...{ v: 1, wire: { min: 1, max: 1 }, connId: `c-${id}`, boot: `boot-${id}`, incarnation: 1 },
    ...{ groups: ["fleet"], labels: {}, capacity: 1, operations: ["ask"], codecs: ["json"], sdk: "test/1" },
  };
  let asked = 0;
  const sayHello = () => client.publish(subjects.agentHello(id), encode(hello));
  const subscription = client.subscribe(subjects.agentIn(id), ({ data }) => {
    asked++;
    if ((decode(data) as { kind: string }).kind === "hello-wanted") sayHello();
  });
  sayHello();
  return { asked: () => asked, die: () => subscription.unsubscribe() };
}

const stateOf = async (id: string): Promise<string | undefined> => {
  const { data } = await client.request("nexus.router.agents", encode({}), { timeoutMs: 2_000 });
  return (decode(data) as unknown as { agents: { agent: string; state: string }[] }).agents.find(({ agent }) => agent === id)
    ?.state;
};
const verdictsOn = (id: string) => told.flatMap(({ verdicts }) => verdicts).filter(({ agent }) => agent === id);

test("an agent that is gone is asked, accused by one observer, and dead by both; the router knows before its own patience ends", async () => {
  const agent = agentOf("gone");
  await waitUntil(async () => (await stateOf("gone")) === "alive", { what: "the router knows it", deadlineMs: 5_000 });
  agent.die();
  const diedMs = systemClock.monotonicMs();
  await waitUntil(async () => (await stateOf("gone")) === "dead", { what: "the router holds it dead", deadlineMs: 10_000 });
  expect(systemClock.monotonicMs() - diedMs).toBeLessThan(5_000); // the router alone: five intervals of a second
  // Both may begin, and both may end.
  const said = verdictsOn("gone").map(({ verdict }) => verdict);
  expect([said[0], [...new Set(said)]]).toEqual(["suspect", ["suspect", "dead"]]);
});

test("an agent that sends no heartbeat and answers when it is asked lives", async () => {
  const agent = agentOf("quiet");
  await waitUntil(() => agent.asked() >= 4, { what: "it was asked again and again", deadlineMs: 20_000 });
  expect([await stateOf("quiet"), verdictsOn("quiet")]).toEqual(["alive", []]);
  agent.die();
});
