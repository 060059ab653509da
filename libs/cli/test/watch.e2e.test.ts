/** Watching real routers: what runs already, beginnings and ends of all of them, filters, what is not told, and leaving. */
import { stripVTControlCharacters } from "node:util";
import { createIds, systemClock } from "@nexus/adapter-node";
import { createClient } from "@nexus/client";
import { createSubjects, decode, encode, limits, requestSchema } from "@nexus/contracts";
import { waitUntil } from "@nexus/testing";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { Watcher } from "../src/bus/watcher.ts";
import { echoAgent, type Fleet, startFleet } from "./fleet.ts";
import { runNexus, startNexus } from "./run-nexus.ts";

let fleet: Fleet;
let bus: Awaited<ReturnType<Fleet["connect"]>>;
let release = () => {};
const waiting = new Promise<void>((resolve) => {
  release = resolve;
});
const watchers: ReturnType<typeof startNexus>[] = [];

beforeAll(async () => {
  fleet = await startFleet();
  await fleet.addRouter();
  await fleet.addRouter({ instance: "r2" });
  await fleet.addAgents([echoAgent("a1", waiting), echoAgent("a2", waiting)]);
  bus = await fleet.connect("client");
});
afterAll(() => fleet?.stop());
afterEach(async () => {
  for (const watcher of watchers.splice(0)) {
    watcher.interrupt();
    await watcher.ended;
  }
});

const send = (goal: object, more: object = {}) => {
  const client = createClient({}, { bus, clock: systemClock, ids: createIds() });
  return client.coordinate(requestSchema.parse({ goal, agents: { all: true }, ...more }));
};
const echo = { type: "gather", operation: "echo" };

/** Watches, and goes on when every router knows. */
async function watch(args: string[], terminal?: { columns: number; rows: number }) {
  const heard = await watchersOfRouters();
  const watcher = startNexus(["watch", ...args], {
    environment: { NEXUS_NATS_URL: fleet.url },
    ...(terminal === undefined ? {} : { terminal }),
  });
  watchers.push(watcher);
  await waitUntil(async () => (await watchersOfRouters()).every((count, index) => count > (heard[index] ?? 0)), {
    what: "watched",
  });
  return watcher;
}

/** How many watch each router, by their own reports. */
async function watchersOfRouters(): Promise<number[]> {
  const found: [string, number][] = [];
  const inbox = bus.newInbox();
  const subscription = bus.subscribe(inbox, ({ data }) => {
    const report = decode(data) as { instance: string; counts: { watchers: number } };
    found.push([report.instance, report.counts.watchers]);
  });
  bus.publish(createSubjects().everyServiceReport, new Uint8Array(), { reply: inbox });
  await waitUntil(() => found.length === 2, { what: "both routers report" });
  subscription.unsubscribe();
  return found.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, count]) => count);
}

test("coordinations of every router, as they begin and end", async () => {
  const watcher = await watch(["--json"]);
  const results = await Promise.all(Array.from({ length: 20 }, () => send(echo)));
  await waitUntil(() => watcher.lines().length === 40, { what: "40 lines" });
  const told = watcher.lines().map((line) => JSON.parse(line));
  expect(new Set(told.map(({ router }) => router)).size).toBe(2);
  for (const { id, durationMs } of results) {
    const own = told.filter((activity) => activity.id === id);
    expect(own).toMatchObject([
      { status: "running", type: "gather", class: "gather.echo", operation: "echo", targeted: 2 },
      { status: "completed", responded: 2, missing: 0, durationMs, layer: "foundation" },
    ]);
  }
});

test("what runs already comes first; Ctrl-C ends it with 0, and the routers forget it", async () => {
  const slow = send({ type: "gather", operation: "wait" }, { timeoutMs: 20_000 });
  await waitUntil(async () => JSON.stringify(await statusOfRouters()).includes('"active":1'), { what: "it runs" });
  const watcher = await watch([]);
  await waitUntil(() => watcher.out().includes("running    gather     gather.wait"), { what: "it is shown" });
  release();
  await slow;
  await waitUntil(() => watcher.out().includes("completed  gather     gather.wait"), { what: "its end is shown" });
  watcher.interrupt();
  expect(await watcher.ended).toMatchObject({ code: 0, err: "" });
  await waitUntil(async () => (await watchersOfRouters()).every((count) => count === 0), {
    what: "forgotten",
    deadlineMs: 2_000,
  });
});

async function statusOfRouters(): Promise<unknown[]> {
  const found: unknown[] = [];
  const inbox = bus.newInbox();
  const subscription = bus.subscribe(inbox, ({ data }) => void found.push(decode(data)));
  bus.publish(createSubjects().everyServiceReport, new Uint8Array(), { reply: inbox });
  await waitUntil(() => found.length === 2, { what: "both routers report" });
  subscription.unsubscribe();
  return found;
}

describe("filters", () => {
  test("by status, with the reason of what was refused", async () => {
    const watcher = await watch(["--status", "failed,refused", "--json"]);
    await send(echo);
    await expect(send({ type: "gather", operation: "nope" })).rejects.toMatchObject({ code: "no-targets" });
    await waitUntil(() => watcher.lines().length > 0, { what: "a line" });
    expect(watcher.lines().map((line) => JSON.parse(line))).toMatchObject([
      { status: "refused", type: "gather", error: { code: "no-targets" } },
    ]);
  });

  test("by type and class", async () => {
    const watcher = await watch(["--type", "gather", "broadcast", "--class", "nightly", "--json", "--count", "2"]);
    await send(echo);
    await send({ ...echo, class: "nightly" });
    const { code, out } = await watcher.ended;
    expect([
      code,
      out
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line).class),
    ]).toEqual([0, ["nightly", "nightly"]]);
  });

  test("what another watcher wants is not shown, nor what runs more than once", async () => {
    const all = await watch(["--json"]);
    const watcher = await watch(["--status", "failed", "--json"]);
    await send(echo);
    await waitUntil(() => all.lines().length === 2, { what: "two lines at the other" });
    expect(watcher.lines()).toEqual([]);
  });

  test.each([
    [["--type", "dance"], /--type must be one of broadcast/],
    [["--status", "sad"], /--status must be one of running/],
    [["--count", "0"], /--count must be a whole number, 1 to/],
    [["--class", ...Array.from({ length: limits.watchClassesMax + 1 }, (_, i) => `c${i}`)], /at most 16/],
  ])("%j is refused", async (args, message) => {
    const { code, err } = await runNexus(["watch", ...args], { environment: { NEXUS_NATS_URL: fleet.url } });
    expect([code, err]).toEqual([2, expect.stringMatching(message)]);
  });
});

test("for people: columns, cut to the terminal", async () => {
  const watcher = await watch(["--no-color", "--status", "completed"], { columns: 120, rows: 40 });
  const { id } = await send(echo);
  await waitUntil(() => watcher.lines().length === 2, { what: "a line" });
  const [head, line] = watcher.lines();
  expect(head).toMatch(/^time +status +goal +class +agents +took +request$/);
  expect(line).toMatch(
    new RegExp(`^\\d\\d:\\d\\d:\\d\\d\\.\\d{3} {2}completed {2}gather {5}gather\\.echo +2/2 +[\\d.]+ ms {2}${id}`),
  );
  expect(line?.length).toBeLessThanOrEqual(120);
});

test("in a terminal that is narrower than its columns no line is wider", async () => {
  const watcher = await watch(["--status", "completed", "refused"], { columns: 40, rows: 40 });
  await send(echo);
  await expect(send({ type: "gather", operation: "nope" })).rejects.toMatchObject({ code: "no-targets" });
  await waitUntil(() => watcher.lines().length === 3, { what: "two lines" });
  for (const line of watcher.lines()) expect(stripVTControlCharacters(line).length).toBeLessThanOrEqual(40);
  expect(watcher.out()).toContain("\u001b[32mcompleted");
});

test("what routers did not tell, and what was lost on its way, is said", async () => {
  const watcher = await watch(["--json", "--status", "completed"]);
  const forge = (published: number, skipped: number) => {
    const activity = { status: "completed", type: "gather", atEpochMs: 1 };
    bus.publish(createSubjects().routerEvents, encode({ v: 1, router: "r9", published, skipped, activity }));
  };
  forge(10, 0);
  forge(11, 40);
  forge(15, 40);
  await waitUntil(() => watcher.lines().length === 3, { what: "three lines" });
  expect(watcher.err()).toBe(
    "nexus: r9 did not tell 40 events, which were more than it may; filter them\nnexus: 3 events of r9 were lost on their way\n",
  );
});

test("V1: the word is renewed, so that a watcher outlives its lease", async () => {
  const heard: string[] = [];
  const watcher = new Watcher(bus, "nexus", {}, { onActivity: ({ id }) => void heard.push(id ?? ""), onNote: () => {} }, 300);
  await watcher.start();
  const beganMs = performance.now();
  await waitUntil(() => performance.now() - beganMs > 750, { what: "two leases and a half" });
  const { id } = await send(echo);
  await waitUntil(() => heard.includes(id), { what: "it is still told" });
  await watcher.stop();
});

test.each([
  ["never answers", () => new Promise<void>(() => {})],
  ["is gone", () => Promise.reject(new Error("disconnected"))],
])("Ctrl-C ends it where the server %s", async (_, flush) => {
  const silent = { connected: true, publish: () => {}, flush } as unknown as typeof bus;
  const watcher = new Watcher(silent, "nexus", {}, { onActivity: () => {}, onNote: () => {} });
  await watcher.stop();
});

test("no router: it says so and waits", async () => {
  const watcher = startNexus(["watch", "--prefix", "elsewhere"], { environment: { NEXUS_NATS_URL: fleet.url } });
  watchers.push(watcher);
  await waitUntil(() => watcher.err() === "nexus: no router is there; waiting for one\n", { what: "the note" });
});

test("a user who may not watch is told so", async () => {
  const permissions = '{ publish: ["nexus.coordinate.>"], subscribe: ["_INBOX.>", "nexus.router.events"] }';
  const guarded = await startFleet({
    config: `authorization { users = [{ user: client, password: c, permissions: ${permissions} }] }`,
  });
  const environment = { NEXUS_NATS_URL: guarded.url, NEXUS_NATS_USER: "client", NEXUS_NATS_PASSWORD: "c" };
  try {
    const { code, err } = await runNexus(["watch"], { environment });
    expect([code, err]).toEqual([2, expect.stringContaining("nexus.router.watch")]);
  } finally {
    await guarded.stop();
  }
});

test("a frame of another version is no reason to end", async () => {
  const watcher = await watch(["--json", "--status", "completed"]);
  bus.publish(createSubjects().routerEvents, encode({ v: 99 }));
  bus.publish(createSubjects().routerEvents, new TextEncoder().encode("{"));
  const { id } = await send(echo);
  await waitUntil(() => watcher.lines().length === 1, { what: "a line" });
  expect(JSON.parse(watcher.lines()[0] ?? "").id).toBe(id);
});
