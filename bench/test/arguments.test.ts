import { describe, expect, it } from "vitest";
import { parseArguments } from "../src/arguments.ts";

/** Proves: what the command line takes, and that whatever else is given is refused with a reason. */

const defaults = {
  quick: false,
  json: undefined,
  page: undefined,
  profile: undefined,
  rounds: undefined,
  loads: undefined,
  seed: undefined,
};

describe("the command line", () => {
  it.each([
    [["router"], {}],
    [["router", "--quick", "--json", "-"], { quick: true, json: "-" }],
    [["--json=a.json", "--page", "a.html", "router"], { json: "a.json", page: "a.html" }],
    [
      ["router", "--rounds", "3", "--seed", "0", "--loads", "1 in flight, 1000/s"],
      { rounds: 3, seed: 0, loads: ["1 in flight", "1000/s"] },
    ],
    [["router", "--profile", "folder"], { profile: "folder" }],
  ])("%j", (argv, expected) => {
    expect(parseArguments(argv)).toEqual({ kind: "run", options: { suite: "router", ...defaults, ...expected } });
  });

  it.each([[["--help"]], [["-h"]], [["router", "--help"]]])("explains itself on %j", (argv) => {
    expect(parseArguments(argv)).toEqual({ kind: "help" });
  });

  it("lists", () => {
    expect(parseArguments(["--list"])).toEqual({ kind: "list" });
  });

  it.each([
    [[], /name a suite/],
    [["router", "raft"], /"raft" is one too many/],
    [["router", "--rouns", "3"], /--rouns/],
    [["router", "--rounds", "0"], /--rounds must be an integer in \[1, 100\]/],
    [["router", "--rounds", "2.5"], /--rounds/],
    [["router", "--rounds", "1e1"], /--rounds/],
    [["router", "--seed=-1"], /--seed/],
    [["router", "--seed", "4294967296"], /--seed/],
    [["router", "--json"], /--json/],
    [["router", "--json="], /--json needs a value/],
    [["router", "--page", "-"], /--page needs a file/],
  ])("refuses %j", (argv, message) => {
    expect(parseArguments(argv)).toEqual({ kind: "refused", message: expect.stringMatching(message) });
  });
});
