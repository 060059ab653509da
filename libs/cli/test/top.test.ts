/** The text of `nexus top`, its order and its paces; and, against a real router, what it tells where there is no terminal. */
import type { AgentRow, ServiceReport } from "@nexus/contracts";
import { waitUntil } from "@nexus/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type FleetSample, routerPaces } from "../src/bus/fleet-sample.ts";
import { createStyle } from "../src/output/style.ts";
import { linesBesideAgents, ordered, topText } from "../src/output/top-text.ts";
import { echoAgent, type Fleet, startFleet } from "./fleet.ts";
import { runNexus, startNexus } from "./run-nexus.ts";
import { agent } from "./samples.ts";

const plain = createStyle(false);
const report = (counts: Record<string, number>, more: Partial<ServiceReport> = {}): ServiceReport => ({
  ...{ v: 1, service: "router", instance: "r1", boot: "b1", version: "0.1.0", wire: { min: 1, max: 1 }, epochMs: 1 },
  ...{ uptimeMs: 200_000, process: { cpu: 0.5, memory: 0.1, eventLoopDelayMs: 1 }, status: "ready", checks: {}, counts },
  ...more,
});
const sample = (atMs: number, reports: ServiceReport[], agents: AgentRow[] = []): FleetSample => ({
  atMs,
  reports,
  agents,
  clipped: false,
});

test("the most loaded first, then by name as people count", () => {
  const rows = [
    { ...agent, agent: "a10", load: { ...agent.load, inFlight: 0, queueDepth: 0, serviceTimeMs: 9 } },
    { ...agent, agent: "a2", load: { ...agent.load, inFlight: 0, queueDepth: 0 } },
    { ...agent, agent: "busy", load: { ...agent.load, inFlight: 1, queueDepth: 4 } },
  ];
  const names = (order: Parameters<typeof ordered>[1]) => ordered(rows, order).map((row) => row.agent);
  expect(names("load")).toEqual(["busy", "a2", "a10"]);
  expect(names("service-time")).toEqual(["a2", "busy", "a10"]);
  expect(names("agent")).toEqual(["a2", "a10", "busy"]);
});

test("a router's pace is what ended between two looks; one that restarted has none yet", () => {
  const before = sample(1_000, [report({ completed: 10, partial: 0, failed: 1 })]);
  const after = report({ completed: 30, partial: 2, failed: 3 });
  expect(routerPaces(sample(3_000, [after]), before)).toMatchObject([{ endedPerSecond: 12, failedPerSecond: 2 }]);
  expect(routerPaces(sample(3_000, [{ ...after, boot: "b2" }]), before)).toMatchObject([{ endedPerSecond: undefined }]);
  expect(routerPaces(sample(3_000, [after]), undefined)).toMatchObject([{ endedPerSecond: undefined }]);
});

test("routers, the other services in a line, agents that fit, and how many do not", () => {
  const reports = [report({ active: 3, held: 7, agents: 2 }), report({}, { service: "gossip", status: "degraded" })];
  const agents = [agent, { ...agent, agent: "b", state: "dead" as const, process: undefined }];
  const fleet = sample(1, reports, agents);
  const text = topText(fleet, routerPaces(fleet, undefined), agents, 1, plain);
  expect(text.split("\n")[0]).toBe("nexus  agents 1 alive, 1 dead  in flight 6  queued 2  instances 2");
  expect(text).toMatch(/^r1 +ready +3 +7 +– +– +2 +50 % +10 % +1\.0 ms +3 min$/m);
  expect(text).toContain("\ngossip degraded\n");
  expect(text).toMatch(/… and 1 more\n$/);
  expect(text.trimEnd().split("\n")).toHaveLength(linesBesideAgents(routerPaces(fleet, undefined)) + 1);
});

describe("against a real router", () => {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await startFleet();
    await fleet.addRouter();
    await fleet.addAgents(Array.from({ length: 12 }, (_, index) => echoAgent(`a${index}`)));
  });
  afterAll(() => fleet?.stop());
  const environment = () => ({ NEXUS_NATS_URL: fleet.url });

  test("one shot as JSON", async () => {
    const { code, out } = await runNexus(["top", "--json", "--interval", "0.1", "--limit", "5"], { environment: environment() });
    const told = JSON.parse(out);
    expect([code, told.agents.length, told.agentsTotal]).toEqual([0, 5, 12]);
    expect(told.routers).toMatchObject([{ instance: "r1", status: "ready", endedPerSecond: 0, counts: { agents: 12 } }]);
  });

  test("at a terminal it is drawn again, within its height, until Ctrl-C; then the terminal is as it was", async () => {
    const top = startNexus(["top", "--interval", "0.1"], { environment: environment(), terminal: { columns: 120, rows: 12 } });
    const frames = () => top.out().split("\u001b[H").slice(1);
    await waitUntil(() => frames().length >= 3, { what: "three frames" });
    top.interrupt();
    const { code, out, err } = await top.ended;
    expect([code, err]).toEqual([0, ""]);
    for (const frame of frames()) expect(frame.split("\n").length).toBeLessThanOrEqual(12);
    expect(frames()[1]).toMatch(/… and \d+ more/);
    expect(out.startsWith("\u001b[?1049h\u001b[?25l\u001b[?7l")).toBe(true);
    expect(out.endsWith("\u001b[?7h\u001b[?25h\u001b[?1049l")).toBe(true);
  });

  test.each([
    [["--interval", "0"], /--interval must be seconds, 0.1 to 3600/],
    [["--sort", "luck"], /Allowed choices are load/],
    [["--limit", "x"], /--limit must be a whole number, 1 to/],
  ])("%j is refused", async (args, message) => {
    const { code, err } = await runNexus(["top", "--once", "--interval", "0.1", ...args], { environment: environment() });
    expect([code, err]).toEqual([2, expect.stringMatching(message)]);
  });
});
