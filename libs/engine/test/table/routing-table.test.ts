import type { Heartbeat } from "@nexus/contracts";
import { describe, expect, it } from "vitest";
import { RoutingTable } from "../../src/index.ts";
import { tableDefaults } from "../../src/table/routing-table.ts";
import { helloOf } from "../scripted-fleet.ts";

/** Proves T1, T3 and T5 by cases: lives and incarnations, states by silence, and whom a selector means. */

const process = { cpu: 0.1, memory: 0.2, eventLoopDelayMs: 1 };
const load = { inFlight: 1, queueDepth: 2, serviceTimeMs: 3 };
const heartbeat = (boot = "b"): Heartbeat => ({ v: 1, boot, process, ...load });
const connHeartbeat = (agent: string, boot = "b") => ({ v: 1, process, agents: [{ agent, boot, ...load }] });
const bye = (boot = "b") => ({ v: 1, boot });

describe("lives and incarnations", () => {
  it.each([
    ["the same hello again", {}, "refreshed"],
    ["a higher incarnation", { incarnation: 6 }, "changed"],
    ["a lower incarnation, come late", { incarnation: 4 }, "stale"],
    ["another connection", { connId: "other" }, "changed"],
    ["another boot, whatever its incarnation", { boot: "b2", incarnation: 0 }, "changed"],
  ])("%s: %j is %s", (_, more, outcome) => {
    const table = new RoutingTable();
    expect(table.hello("a", helloOf({ incarnation: 5 }), 0)).toBe("added");
    expect(table.hello("a", helloOf({ incarnation: 5, ...more }), 1)).toBe(outcome);
    expect(table.size).toBe(1);
    expect(table.get("a")).toMatchObject(outcome === "changed" ? more : { incarnation: 5, boot: "b", connId: "c" });
  });

  it("a late hello does not bring back who said goodbye; a new incarnation or boot does", () => {
    const table = new RoutingTable();
    table.hello("a", helloOf(), 0);
    table.bye("a", bye());
    expect(table.hello("a", helloOf(), 1)).toBe("stale");
    expect(table.get("a")?.state).toBe("left");
    expect(table.hello("a", helloOf({ incarnation: 1 }), 2)).toBe("changed");
    table.bye("a", bye());
    expect(table.hello("a", helloOf({ boot: "b2" }), 3)).toBe("changed");
    expect([table.get("a")?.state, table.size]).toEqual(["alive", 1]);
  });

  it("a goodbye of a former life is none", () => {
    const table = new RoutingTable();
    table.hello("a", helloOf({ boot: "b2" }), 0);
    expect(table.bye("a", bye("b1"))).toBeUndefined();
    expect(table.bye("nobody", bye())).toBeUndefined();
    expect(table.get("a")?.state).toBe("alive");
  });

  it("a change moves the agent between groups", () => {
    const table = new RoutingTable();
    table.hello("a", helloOf({ groups: ["g", "h"] }), 0);
    table.hello("a", helloOf({ groups: ["h", "i"], incarnation: 1 }), 1);
    const members = (group: string) => table.select({ group }).agents.map(({ id }) => id);
    expect([members("g"), members("h"), members("i")]).toEqual([[], ["a"], ["a"]]);
  });
});

describe("T1: only hello lets an agent in", () => {
  it.each<[string, (table: RoutingTable) => void, string, boolean]>([
    ["nobody knows it", () => {}, "b", false],
    ["it is known", (table) => table.hello("a", helloOf(), 0), "b", true],
    ["it is another life", (table) => table.hello("a", helloOf(), 0), "b2", false],
    ["it has left and still drains", (table) => [table.hello("a", helloOf(), 0), table.bye("a", bye())], "b", true],
    [
      "it has left and came back as another life",
      (table) => [table.hello("a", helloOf(), 0), table.bye("a", bye())],
      "b2",
      false,
    ],
  ])("a heartbeat where %s", (_, before, boot, known) => {
    for (const together of [false, true]) {
      const table = new RoutingTable();
      before(table);
      const { state } = table.get("a") ?? {};
      const told = together
        ? table.connHeartbeat("c", connHeartbeat("a", boot), 5).length === 0
        : table.heartbeat("a", heartbeat(boot), 5);
      expect(told).toBe(known);
      expect(table.get("a")?.state).toBe(state);
    }
  });

  it("a connection speaks for its own agents alone", () => {
    const table = new RoutingTable();
    table.hello("a", helloOf({ connId: "c1" }), 0);
    expect(table.connHeartbeat("c2", connHeartbeat("a"), 1)).toEqual(["a"]);
    expect(table.get("a")?.lastSeenMs).toBe(0);
  });
});

describe("states by silence", () => {
  const timed = () => {
    const table = new RoutingTable();
    table.hello("a", helloOf(), 0);
    return table;
  };

  it("alive, suspect, dead, forgotten (T3), at the intervals that are announced", () => {
    const table = timed();
    const at = (nowMs: number) => {
      const died = table.expire(nowMs).map(({ id }) => id);
      return [table.get("a")?.state, died, table.size];
    };
    expect(at(2_500)).toEqual(["alive", [], 1]);
    expect(at(2_501)).toEqual(["suspect", [], 1]);
    expect(at(5_000)).toEqual(["suspect", [], 1]);
    expect(at(5_001)).toEqual(["dead", ["a"], 0]);
    expect(at(5_002)).toEqual(["dead", [], 0]);
    expect(at(tableDefaults.forgetAfterMs)).toEqual(["dead", [], 0]);
    expect(at(tableDefaults.forgetAfterMs + 1)).toEqual([undefined, [], 0]);
  });

  it.each<[string, (table: RoutingTable) => unknown]>([
    ["a heartbeat", (table) => table.heartbeat("a", heartbeat(), 6_000)],
    ["a connection's heartbeat", (table) => table.connHeartbeat("c", connHeartbeat("a"), 6_000)],
    ["a hello", (table) => table.hello("a", helloOf(), 6_000)],
    ["an answer", (table) => table.answered(table.get("a") ?? expect.fail(), 1, 0, 6_000)],
  ])("%s brings back who was taken for dead", (_, sign) => {
    const table = timed();
    table.expire(5_001);
    sign(table);
    table.expire(6_001);
    expect([table.get("a")?.state, table.size]).toEqual(["alive", 1]);
  });

  it("an answer of one that has left does not bring it back; it is not taken for dead either", () => {
    const table = timed();
    const left = table.bye("a", bye());
    expect(left?.id).toBe("a");
    table.answered(left ?? expect.fail(), 1, 0, 100);
    expect(table.expire(10_000)).toEqual([]);
    expect(table.get("a")?.state).toBe("left");
  });

  it("the interval grows with the fleet, within bounds", () => {
    const table = new RoutingTable();
    const intervals = [0, 1_000, 1_500, 40_000].map((count) => {
      for (let id = table.size; id < count; id++) table.hello(`a${id}`, helloOf(), 0);
      return table.heartbeatIntervalMs;
    });
    expect(intervals).toEqual([1_000, 1_000, 1_500, 30_000]);
  });

  it("T5: a fleet that shrinks at once leaves the rest time to hear of the shorter interval", () => {
    const table = new RoutingTable();
    for (let id = 0; id < 10_000; id++) table.hello(`a${id}`, helloOf(), 0);
    table.expire(1);
    for (let id = 1; id < 10_000; id++) table.bye(`a${id}`, bye());
    expect(table.heartbeatIntervalMs).toBe(1_000);
    expect(table.expire(9_000)).toEqual([]);
    table.heartbeat("a0", heartbeat(), 9_500);
    expect(table.expire(34_000)).toEqual([]);
    expect(table.expire(34_001).map(({ id }) => id)).toEqual(["a0"]);
  });
});

describe("T7: what observers say", () => {
  const silentFor = (ms: number) => {
    const table = new RoutingTable();
    table.hello("a", helloOf(), 0);
    return {
      table,
      nowMs: ms,
      judge: (verdict: "alive" | "suspect" | "dead", boot = "b") => table.judged("a", boot, verdict, ms),
    };
  };

  it("counts of a life that was silent for an interval, and is taken back", () => {
    const { table, judge, nowMs } = silentFor(1_001);
    expect([judge("suspect"), table.get("a")?.state]).toEqual([undefined, "suspect"]);
    expect([judge("dead"), table.get("a")?.state]).toEqual([table.get("a"), "dead"]);
    expect([judge("suspect"), table.get("a")?.state]).toEqual([undefined, "dead"]);
    judge("alive");
    expect(table.get("a")).toMatchObject({ state: "alive", lastSeenMs: nowMs });
    expect(judge("dead")).toBeUndefined(); // it was heard just now, by way of others
  });

  it("does not stand against what this router heard itself, nor of another life, nor of one that left", () => {
    const heard = silentFor(1_000);
    expect([heard.judge("dead"), heard.table.get("a")?.state]).toEqual([undefined, "alive"]);
    const other = silentFor(10_000);
    expect([other.judge("dead", "b0"), other.table.get("a")?.state]).toEqual([undefined, "alive"]);
    other.table.bye("a", bye());
    expect([other.judge("dead"), other.judge("alive"), other.table.get("a")?.state]).toEqual([undefined, undefined, "left"]);
    expect(other.table.judged("nobody", "b", "dead", 0)).toBeUndefined();
  });

  it("raises the version where a state changes, and only there (T2)", () => {
    const { table, judge } = silentFor(5_000);
    const before = table.version;
    judge("alive");
    expect(table.version).toBe(before);
    judge("dead");
    expect(table.version).toBe(before + 1);
  });
});

describe("select", () => {
  const table = new RoutingTable();
  table.hello("a", helloOf({ groups: ["g"], labels: { zone: "eu", host: "h1" } }), 0);
  table.hello("b", helloOf({ groups: ["g", "h"], labels: { zone: "us" } }), 0);
  table.hello("c", helloOf({ labels: { zone: "eu" } }), 0);
  table.hello("left", helloOf({ groups: ["g"], labels: { zone: "eu" } }), 0);
  table.bye("left", bye());

  it.each<[object, string[], string[]]>([
    [{ all: true }, ["a", "b", "c"], []],
    [{ group: "g" }, ["a", "b"], []],
    [{ group: "nobody" }, [], []],
    [{ labels: { zone: "eu" } }, ["a", "c"], []],
    [{ labels: { zone: "eu", host: "h1" } }, ["a"], []],
    [{ labels: { constructor: "x" } }, [], []],
    [{ ids: ["c", "a", "c"] }, ["c", "a"], []],
    [{ ids: ["left", "nobody", "a"] }, ["left", "a"], ["nobody"]],
  ])("%j", (selector, agents, unknown) => {
    const found = table.select(selector);
    expect({ agents: found.agents.map(({ id }) => id), unknown: found.unknown }).toEqual({ agents, unknown });
    expect(found.version).toBe(table.version);
  });
});
