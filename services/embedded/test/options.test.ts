import { NexusError } from "@nexus/contracts";
import { describe, expect, it } from "vitest";
import { parseOptions, usage } from "../src/options.ts";

/** Proves what `npm start` understands, that nothing else passes, and that the text for people names every option. */

const defaults = { port: undefined, once: undefined, fleet: true, traces: true, help: false };

describe("options", () => {
  it.each<[string[], object]>([
    [[], {}],
    [["--once", "request.json"], { once: "request.json", traces: false }],
    [["--once=-"], { once: "-", traces: false }],
    [["--port", "0"], { port: 0 }],
    [["--port=65535"], { port: 65_535 }],
    [["--no-fleet"], { fleet: false }],
    [["--no-traces"], { traces: false }],
    [["--help"], { help: true }],
    [["--json"], {}],
    [["--port", "4300", "--no-fleet", "--once", "a"], { port: 4_300, fleet: false, once: "a", traces: false }],
    [["--port", "1", "--port", "2"], { port: 2 }],
  ])("%j", (args, expected) => {
    expect(parseOptions(args)).toEqual({ ...defaults, ...expected });
  });

  it.each([
    [["--port", "65536"], "port"],
    [["--port", "-1"], undefined],
    [["--port=-1"], "port"],
    [["--port="], "port"],
    [["--port", " 1"], "port"],
    [["--port", "1e3"], "port"],
    [["--port", "0x10"], "port"],
    [["--port", "1.5"], "port"],
    [["--port", "nats"], "port"],
    [["--port"], undefined],
    [["--once"], undefined],
    [["--once="], "once"],
    [["--no-port"], undefined],
    [["--prot", "1"], undefined],
    [["request.json"], undefined],
    [["--fleet=yes"], undefined],
  ])("%j is refused, with where to look", (args, field) => {
    const refused = () => parseOptions(args);
    expect(refused).toThrow(NexusError);
    expect(refused).toThrow(expect.objectContaining({ code: "invalid-field", field }));
    if (field === undefined) expect(refused).toThrow("npm start -- --help");
  });

  it("the text for people names every option, and no other", () => {
    const told = [...usage.matchAll(/^ {2}(--[a-z-]+)/gm)].map(([, option]) => option);
    expect(told).toEqual(["--once", "--port", "--no-fleet", "--no-traces", "--help"]);
    for (const option of told) {
      const value = option === "--once" ? ["a"] : option === "--port" ? ["1"] : [];
      expect(() => parseOptions([`${option}`, ...value])).not.toThrow();
    }
  });
});
