/** A request by its id at real routers: its state, result, rows, missing agents, and ending it. */
import { createIds, systemClock } from "@nexus/adapter-node";
import { createClient } from "@nexus/client";
import { requestSchema } from "@nexus/contracts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { echoAgent, type Fleet, startFleet } from "./fleet.ts";
import { runNexus } from "./run-nexus.ts";

let fleet: Fleet;
let client: ReturnType<typeof createClient>;
beforeAll(async () => {
  fleet = await startFleet();
  await fleet.addRouter();
  await fleet.addRouter({ instance: "r2" });
  await fleet.addAgents([echoAgent("a1", new Promise(() => {})), echoAgent("a2", new Promise(() => {}))]);
  client = createClient({}, { bus: await fleet.connect("client"), clock: systemClock, ids: createIds() });
});
afterAll(() => fleet?.stop());

const requests = (...args: string[]) => runNexus(["requests", ...args], { environment: { NEXUS_NATS_URL: fleet.url } });
const request = (operation: string, more: object = {}) =>
  requestSchema.parse({ goal: { type: "gather", operation }, agents: { all: true }, ...more });

test("one that has ended", async () => {
  const { id } = await client.coordinate(request("echo"));
  expect(await requests("get", id)).toMatchObject({ code: 0, err: "", out: expect.stringContaining(`completed  gather ${id}`) });
  expect(JSON.parse((await requests("get", id, "--json")).out)).toMatchObject({ state: "done", result: { id } });
  const rows = JSON.parse((await requests("rows", id, "--json")).out);
  expect(rows.map(({ agent, value }: { agent: string; value: string }) => [agent, value]).sort()).toEqual([
    ["a1", "a1"],
    ["a2", "a2"],
  ]);
  expect((await requests("rows", id)).out).toMatch(/│ a1 +│ ok +│ a1 +│/);
  expect((await requests("missing", id)).out).toBe("no agent is missing\n");
});

test("agents that are missing, with the reason", async () => {
  const { id } = await client.coordinate(request("echo", { agents: { ids: ["a1", "ghost"] }, timeoutMs: 500 }));
  expect(JSON.parse((await requests("missing", id, "--json")).out)).toMatchObject([{ agent: "ghost", reason: "not-sent" }]);
  expect((await requests("missing", id)).out).toMatch(/│ ghost +│ not-sent +│/);
});

test("one that runs: 1 until it ends; then it is ended", async () => {
  const { id, events } = await client.accept(request("wait", { timeoutMs: 60_000 }));
  events.close();
  expect(await requests("get", id)).toMatchObject({
    code: 1,
    out: expect.stringMatching(new RegExp(`^running  gather ${id}  at router `)),
  });
  expect(await requests("get", id, "--wait", "100")).toMatchObject({ code: 1 });
  expect(await requests("rows", id)).toMatchObject({ code: 1, err: expect.stringContaining("still runs") });
  const cancelled = await requests("cancel", id);
  expect([cancelled.code, cancelled.err]).toEqual([0, ""]);
  expect(cancelled.out).toContain(`gather ${id}`);
  expect(await requests("get", id)).toMatchObject({ code: 0 });
});

test.each([
  [["get", "xyz"], /"xyz" is no request id/],
  [["get", "01JD0000000000000000000000"], /no router knows request/],
  [["get", "01JD0000000000000000000000", "--wait", "x"], /--wait must be milliseconds/],
  [["get"], /missing required argument/],
])("%j: exit code 2, the fault on stderr", async (args, message) => {
  expect(await requests(...args)).toMatchObject({ code: 2, out: "", err: expect.stringMatching(message) });
});
