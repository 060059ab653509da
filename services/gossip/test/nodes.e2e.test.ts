/**
 * Several nodes over a real nats-server: they find each other, have the same state, say with evidence that they do, and say
 * that they do not while one of them cannot be heard.
 */
import { createMemoryStore } from "@nexus/adapter-memory";
import { connectNats } from "@nexus/adapter-nats";
import { createIds, systemClock } from "@nexus/adapter-node";
import { type NatsServer, startNatsServer } from "@nexus/adapter-servers";
import {
  decode,
  encode,
  type GossipConverged,
  type GossipMembers,
  type GossipPage,
  gossipConvergedSchema,
  gossipMembersSchema,
  gossipPageSchema,
  gossipWrittenSchema,
  type JsonValue,
} from "@nexus/contracts";
import { type Bus, noTelemetry, silentLogger } from "@nexus/ports";
import { type RunningService, VERSION } from "@nexus/runtime";
import { waitUntil } from "@nexus/testing";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { startGossip } from "../src/index.ts";

let server: NatsServer;
let client: Bus;
let prefix = "";
const nodes: { readonly service: RunningService; readonly bus: Bus }[] = [];

beforeAll(async () => {
  server = await startNatsServer();
  client = await connectNats({ servers: server.url, name: "client" });
});
afterAll(async () => {
  await client?.close();
  await server?.stop();
});
let tests = 0;
beforeEach(() => {
  prefix = `t${++tests}`;
});
afterEach(async () => {
  for (const { service, bus } of nodes.splice(0)) {
    await service.stop();
    await bus.close();
  }
});

async function addNode(options: object = {}): Promise<Bus> {
  const bus = await connectNats({ servers: server.url, name: "gossip" });
  const store = createMemoryStore(systemClock, { entriesMax: 10, bytesMax: 1e4 });
  const deps = { bus, store, clock: systemClock, ids: createIds(), logger: silentLogger, telemetry: noTelemetry };
  const service = await startGossip({ prefix, version: VERSION, roundMs: 50, ...options }, deps);
  nodes.push({ service, bus });
  return bus;
}

/** Asks any node. */
async function ask(verb: string, body: JsonValue = {}): Promise<JsonValue> {
  const { data } = await client.request(`${prefix}.gossip.${verb}`, encode(body), { timeoutMs: 5_000 });
  return decode(data);
}
const membersAsSeen = async (): Promise<GossipMembers> => gossipMembersSchema.parse(await ask("members"));
const page = async (body: JsonValue = {}): Promise<GossipPage> => gossipPageSchema.parse(await ask("get", body));
const converged = async (body: JsonValue = {}): Promise<GossipConverged> =>
  gossipConvergedSchema.parse(await ask("converged", body));

/** What one of so many answers says, asked until each node has answered: the queue group picks at random. */
async function everyNodeSays<T extends { node: string }>(
  count: number,
  question: () => Promise<T>,
  holds: (answer: T) => boolean,
) {
  const holding = new Set<string>();
  const options = { what: `${count} nodes say so`, deadlineMs: 15_000 };
  await waitUntil(async () => {
    const answer = await question();
    if (holds(answer)) holding.add(answer.node);
    else holding.delete(answer.node);
    return holding.size === count;
  }, options);
}

test("nodes find each other by their announcements, and one that leaves says so", async () => {
  for (let index = 0; index < 3; index++) await addNode();
  const isComplete = ({ members }: GossipMembers) => members.filter(({ state }) => state === "alive").length === 3;
  await everyNodeSays(3, membersAsSeen, isComplete);
  const { members } = await membersAsSeen();
  expect(members.every(({ service, version }) => service === "gossip" && version === VERSION)).toBe(true);
  const [gone] = nodes.splice(0, 1);
  await gone?.service.stop();
  await gone?.bus.close();
  await everyNodeSays(2, membersAsSeen, (seen) => seen.members.filter(({ state }) => state === "left").length === 1);
});

test("a value is at every node, a deletion too, and a late joiner gets what it missed", async () => {
  for (let index = 0; index < 3; index++) await addNode();
  await everyNodeSays(3, membersAsSeen, ({ members }) => members.length === 3);
  expect(gossipWrittenSchema.parse(await ask("put", { key: "a/1", value: { n: 1 } }))).toMatchObject({ key: "a/1" });
  await ask("put", { key: "a/2", value: null, important: true });
  await ask("put", { key: "b", value: [1, 2] });
  await everyNodeSays(
    3,
    () => page({ prefix: "a/" }),
    ({ total }) => total === 2,
  );
  expect((await page({ prefix: "a/" })).entries.map(({ key, value }) => [key, value])).toEqual([
    ["a/1", { n: 1 }],
    ["a/2", null],
  ]);
  await ask("put", { key: "a/1", delete: true });
  await everyNodeSays(
    3,
    () => page({ key: "a/1" }),
    ({ total }) => total === 0,
  );
  await addNode();
  await everyNodeSays(4, page, ({ total }) => total === 2);
  expect(await converged({ waitMs: 5_000 })).toMatchObject({ converged: true, keys: 2 });
  expect((await converged()).members).toHaveLength(3);
});

test("pages are bounded and go on", async () => {
  await addNode();
  for (let index = 0; index < 25; index++) await ask("put", { key: `k${String(index).padStart(2, "0")}`, value: index });
  const first = await page({ limit: 10 });
  expect([first.total, first.entries.length, first.next, first.entries[0]?.key]).toEqual([25, 10, 10, "k00"]);
  const last = await page({ offset: 20 });
  expect([last.entries.length, last.next]).toEqual([5, undefined]);
});

test("nobody says that all have converged while an update is hidden from it, and says who stands against it", async () => {
  for (let index = 0; index < 3; index++) await addNode();
  await everyNodeSays(3, membersAsSeen, ({ members }) => members.length === 3);
  const known = new Set((await membersAsSeen()).members.map(({ id }) => id));
  await addNode({ roundMs: 60_000 }); // alive, and tells nobody of its own accord
  await everyNodeSays(4, membersAsSeen, ({ members }) => members.length === 4);
  const secretive = (await membersAsSeen()).members.find(({ id }) => !known.has(id))?.id ?? "";
  let hidden = "";
  for (let index = 0; hidden === ""; index++) {
    const { node, key } = gossipWrittenSchema.parse(await ask("put", { key: `k${index}`, value: index }));
    if (node === secretive) hidden = key;
  }
  for (let asked = 0; asked < 12; asked++) {
    const said = await converged({ freshMs: 1_000, waitMs: 100 });
    expect(said.converged).toBe(false);
    if (said.node === secretive) continue;
    expect(said.members).toContainEqual(expect.objectContaining({ node: secretive, agrees: false, hash: expect.any(String) }));
  }
});

test.each<[string, JsonValue, string, string]>([
  ["put", {}, "invalid-field", "key"],
  ["put", { key: "k" }, "invalid-field", "value"],
  ["put", { key: "k", value: 1, delete: true }, "invalid-field", "value"],
  ["put", { key: "a b", value: 1 }, "invalid-field", "key"],
  ["put", { key: "k", value: "x".repeat(65_536) }, "too-large", "value"],
  ["put", { key: "k", value: 1, ttl: 1 }, "unknown-field", "ttl"],
  ["get", { limit: 0 }, "invalid-field", "limit"],
  ["converged", { waitMs: -1 }, "invalid-field", "waitMs"],
  ["watch", {}, "not-implemented", ""],
])("%s %j is refused", async (verb, body, code, field) => {
  await addNode();
  const { error } = (await ask(verb, body)) as { error: { code: string; field?: string } };
  expect([error.code, error.field ?? ""]).toEqual([code, field]);
});
