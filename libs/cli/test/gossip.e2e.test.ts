/** `nexus members` and `nexus gossip` at real nodes over a real nats-server, and what they say where there is none. */
import { createMemoryStore } from "@nexus/adapter-memory";
import { createIds, systemClock } from "@nexus/adapter-node";
import { encode, type GossipConverged, type GossipEntry, type GossipMembers } from "@nexus/contracts";
import { startGossip } from "@nexus/gossip";
import { noTelemetry, silentLogger } from "@nexus/ports";
import { VERSION } from "@nexus/runtime";
import { waitUntil } from "@nexus/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Fleet, startFleet } from "./fleet.ts";
import { runNexus } from "./run-nexus.ts";

let fleet: Fleet;
const stops: (() => Promise<void>)[] = [];
const NODES = 3;
beforeAll(async () => {
  fleet = await startFleet();
  for (let index = 0; index < NODES; index++) await addNode();
  await waitUntil(async () => (await members()).members.filter(({ state }) => state === "alive").length === NODES, {
    what: "the nodes know each other",
  });
});
afterAll(async () => {
  for (const stop of stops) await stop();
  await fleet?.stop();
});

async function addNode(options: object = {}): Promise<void> {
  const bus = await fleet.connect("gossip");
  const store = createMemoryStore(systemClock, { entriesMax: 10, bytesMax: 1e4 });
  const deps = { bus, store, clock: systemClock, ids: createIds(), logger: silentLogger, telemetry: noTelemetry };
  const service = await startGossip({ version: VERSION, roundMs: 50, ...options } as Parameters<typeof startGossip>[0], deps);
  stops.push(() => service.stop());
}

const nexus = (args: string[], input?: unknown) => runNexus(args, { input, environment: { NEXUS_NATS_URL: fleet.url } });
const gossip = (...args: string[]) => nexus(["gossip", ...args]);
async function json<T>(...args: string[]): Promise<T> {
  return JSON.parse((await nexus([...args, "--json"])).out) as T;
}
const members = () => json<GossipMembers>("members");
/** A node that has so many says that all have the same: one that lacks the last write may still go by what others said before. */
const everywhere = (keys: number) =>
  waitUntil(
    async () => {
      const said = await json<GossipConverged>("gossip", "converged", "--wait", "200");
      return said.converged && said.keys === keys;
    },
    { what: `all have ${keys} keys` },
  );

test("members: a table, whose view it is, and how many", async () => {
  const { node, members: seen } = await members();
  const { code, out, err } = await nexus(["members"]);
  expect([code, err]).toEqual([0, ""]);
  for (const { id } of seen)
    expect(out).toMatch(new RegExp(`│ ${id} +│ alive +│ [\\d.]+ m?s +│ gossip +│ ${VERSION} +│ \\d+ +│`));
  expect(out).toMatch(/\n3 members: 3 alive; as gossip-\w+ sees it\n$/);
  expect(seen.map(({ id }) => id)).toContain(node);
});

test("put, get, delete: what is at one is at all, when they have converged", async () => {
  expect(await gossip("put", "a/1", '{"n":1}')).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^a\/1 is written at gossip-/),
  });
  expect(await nexus(["gossip", "put", "a/2", "-", "--important"], "[2]")).toMatchObject({ code: 0, err: "" });
  await everywhere(2);
  const one = await gossip("get", "a/1");
  expect([one.code, one.out]).toEqual([
    0,
    expect.stringMatching(/^a\/1 {2}written at gossip-\S+ {2}\w{13}\n\{\n {2}"n": 1\n\}\n$/),
  ]);
  expect(await json<GossipEntry>("gossip", "get", "a/2")).toMatchObject({ key: "a/2", value: [2] });
  expect((await gossip("get", "--under", "a/")).out).toMatch(/│ a\/1 +│ \{"n":1\} +│.*│ a\/2 +│ \[2\] +│.*\n2 keys\n$/s);
  expect(await gossip("delete", "a/1")).toMatchObject({ code: 0, out: expect.stringMatching(/^a\/1 is deleted at gossip-/) });
  await everywhere(1);
  expect(await gossip("get", "a/1")).toMatchObject({
    code: 1,
    out: "",
    err: expect.stringMatching(/^nothing is at a\/1, as gossip-/),
  });
  expect(await gossip("get", "a/1", "--json")).toEqual({ code: 1, out: "null\n", err: "" });
  expect((await gossip("delete", "a/1")).out).toMatch(/^a\/1 was not there, at gossip-/);
  expect((await json<GossipEntry[]>("gossip", "get", "--under", "a/")).map(({ key }) => key)).toEqual(["a/2"]);
  expect((await gossip("get", "--under", "z/")).out).toBe("no keys\n");
});

test("get: every page", async () => {
  const bus = await fleet.connect("writer");
  const keys = Array.from({ length: 1_200 }, (_, index) => `many/${String(index).padStart(4, "0")}`);
  const put = (key: string) => bus.request("nexus.gossip.put", encode({ key, value: key }), { timeoutMs: 5_000 });
  await Promise.all(keys.map(put));
  await everywhere(1_201);
  expect((await json<GossipEntry[]>("gossip", "get", "--under", "many/")).map(({ key }) => key)).toEqual(keys);
  expect((await gossip("get")).out).toMatch(/\n1201 keys\n$/);
});

test("converged: 0 with the evidence; 1 where somebody stands against it, who is told first", async () => {
  const { code, out } = await gossip("converged", "--wait", "10000", "--fresh", "1000");
  expect(code).toBe(0);
  expect(out).toMatch(/^converged {2}\d+ keys {2}\S+ {2}as gossip-\S+ sees it: all 2 others have the same\n┌/);
  expect(out.match(/│ agrees +│ \S+ +│ [\d.]+ ms ago +│/g)).toHaveLength(2);
  await addNode({ roundMs: 60_000, keysMax: 1 }); // one that cannot take the state
  await waitUntil(async () => (await members()).members.length === NODES + 1, { what: "another one" });
  const against = await waitUntil(
    async () => {
      const said = await gossip("converged", "--wait", "0");
      return said.out.includes("1 of 3 others stands against it") ? said : undefined;
    },
    { what: "a node that has the state says who has not" },
  );
  expect(against).toMatchObject({ code: 1, err: "" });
  expect(against.out.split("\n").find((line) => line.startsWith("│ gossip-"))).toMatch(
    /│ (something else|nothing yet|the same, too long ago) +│/,
  );
  const evidence = await json<GossipConverged>("gossip", "converged", "--wait", "0");
  expect(evidence.converged).toBe(false);
});

test("no gossip service: what to do, exit code 1", async () => {
  for (const args of [["members"], ["gossip", "get", "k"], ["gossip", "converged"], ["gossip", "put", "k", "1"]]) {
    const { code, out, err } = await nexus([...args, "--prefix", "elsewhere"]);
    expect([code, out]).toEqual([1, ""]);
    expect(err).toMatch(
      /^error no-responders: nobody listens on elsewhere\.gossip\.\w+: start the gossip service \(nexus up, .*\n$/,
    );
  }
});

test.each([
  [["put", "k", "hello"], /^error malformed: the value must be JSON \(text in double quotes/],
  [["put", "a b", "1"], /^error invalid-field: key: must match/],
  [["put", "k", JSON.stringify("x".repeat(70_000))], /^error too-large: value: at most 65536 characters/],
  [["put", "k"], /missing required argument 'json'/],
  [["get", "a b"], /^error invalid-field: key: must match/],
  [["get", "k", "--under", "k"], /^error invalid-field: give a key or --under, not both/],
  [["converged", "--wait", "soon"], /^error invalid-field: --wait must be milliseconds, 0 to 3600000, not "soon"/],
  [["converged", "--fresh", "0"], /^error invalid-field: --fresh must be milliseconds, 1 to 3600000, not "0"/],
  [["delete"], /missing required argument 'key'/],
])("%j: exit code 2, the fault on stderr", async (args, message) => {
  expect(await gossip(...args)).toMatchObject({ code: 2, out: "", err: expect.stringMatching(message) });
});
