import type { Hello } from "@nexus/contracts";
import { describe, expect, it } from "vitest";
import { RoutingTable } from "../src/index.ts";

/** Proves the bounds of the table (T3, T4): a flood of strangers neither fills memory nor keeps others out for long. */

const hello = (boot = "b", incarnation = 0): Hello => ({
  v: 1,
  wire: { min: 1, max: 1 },
  connId: "c",
  boot,
  incarnation,
  groups: ["g"],
  labels: {},
  capacity: 1,
  operations: ["work"],
});

describe("a full table", () => {
  it("refuses another agent and counts it, and still takes changes of those it has", () => {
    const table = new RoutingTable({ agentsMax: 2 });
    expect(["a", "b", "c"].map((id) => table.hello(id, hello(), 0))).toEqual(["added", "added", "full"]);
    expect(table.hello("a", hello("b2"), 0)).toBe("changed");
    expect([table.size, table.refused]).toEqual([2, 1]);
  });

  it("gives the room of the longest absent to newcomers", () => {
    const table = new RoutingTable({ agentsMax: 3 });
    for (const id of ["a", "b", "c"]) table.hello(id, hello(), 0);
    for (const id of ["b", "a"]) table.bye(id, { v: 1, boot: "b" });
    expect(table.hello("d", hello(), 1)).toBe("added");
    expect([...table.entries()].map(({ id }) => id).sort()).toEqual(["a", "c", "d"]);
    expect(table.hello("a", hello("b2"), 1)).toBe("changed"); // it came back: absent no longer
    expect(table.hello("e", hello(), 1)).toBe("full");
    expect(
      table
        .select({ group: "g" })
        .agents.map(({ id }) => id)
        .sort(),
    ).toEqual(["a", "c", "d"]);
  });

  it("gives the room of the dead too", () => {
    const table = new RoutingTable({ agentsMax: 1 });
    table.hello("a", hello(), 0);
    expect(table.hello("b", hello(), 10)).toBe("full");
    table.expire(60_000);
    expect(table.hello("b", hello(), 60_000)).toBe("added");
    expect(table.size).toBe(1);
  });

  it("counts the bytes of the hellos: a larger one in the place of a smaller one may not fit", () => {
    const table = new RoutingTable({ bytesMax: 100 });
    expect(table.hello("a", hello(), 0, 60)).toBe("added");
    expect(table.hello("b", hello(), 0, 41)).toBe("full");
    expect(table.hello("b", hello(), 0, 40)).toBe("added");
    expect(table.hello("a", hello("b2"), 0, 61)).toBe("full");
    expect(table.get("a")?.boot).toBe("b");
    expect(table.hello("a", hello("b2"), 0, 20)).toBe("changed");
    expect(table.hello("c", hello(), 0, 40)).toBe("added");
    table.bye("c", { v: 1, boot: "b" });
    expect(table.hello("d", hello(), 0, 40)).toBe("added");
    expect(table.get("c")).toBeUndefined();
  });
});
