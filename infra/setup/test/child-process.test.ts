/** Signals, exit codes and kept-back output; what needs whole processes is in run.test.ts. */
import { describe, expect, test } from "vitest";
import { bothEnds, createSignalGate, exitCodeOf, openSignalRelay, runQuiet } from "../child-process.mjs";
import { createProgress, formatElapsed } from "../progress.mjs";
import { parseCommand, VERBS } from "../verbs.mjs";

describe("the signal gate", () => {
  /** Feeds [time in ms, signal] and gives the verdicts. */
  const verdicts = (...events: [number, string][]) => {
    let now = 0;
    const gate = createSignalGate(() => now);
    return events.map(([at, signal]) => {
      now = at;
      return gate(signal);
    });
  };

  test("one press that arrives from the terminal and from npm is one signal", () => {
    expect(verdicts([0, "SIGINT"], [3, "SIGINT"], [390, "SIGINT"])).toEqual(["relay", "duplicate", "duplicate"]);
  });

  test("a second press is relayed, a third kills", () => {
    expect(verdicts([0, "SIGINT"], [5, "SIGINT"], [1_000, "SIGINT"], [1_005, "SIGINT"], [2_000, "SIGINT"])).toEqual([
      "relay",
      "duplicate",
      "relay",
      "duplicate",
      "kill",
    ]);
  });

  test("another signal is not a copy", () => {
    expect(verdicts([0, "SIGINT"], [1, "SIGTERM"])).toEqual(["relay", "relay"]);
  });
});

test.each([
  [0, null, 0],
  [7, null, 7],
  [null, "SIGINT", 130],
  [null, "SIGTERM", 143],
  [null, "SIGKILL", 137],
] as const)("code %s and signal %s leave with %i", (code, signal, expected) => {
  expect(exitCodeOf(code, signal)).toBe(expected);
});

describe("a quiet tool", () => {
  const relay = openSignalRelay();
  const run = (script: string) => runQuiet({ command: process.execPath, args: ["-e", script], relay });

  test("keeps both outputs back and tells whether it went well", async () => {
    expect(await run("console.log('out'); console.error('err')")).toMatchObject({ ok: true, output: "out\nerr" });
    expect(await run("console.error('no'); process.exit(3)")).toEqual({ ok: false, reason: "exit code 3", output: "no" });
    expect(await run("process.kill(process.pid, 'SIGKILL')")).toMatchObject({ ok: false, reason: "ended by SIGKILL" });
  });

  test("that cannot be started is a failure and no crash", async () => {
    const result = await runQuiet({ command: "/absent/tool", args: [], relay });
    expect(result).toMatchObject({ ok: false, reason: expect.stringContaining("ENOENT") });
  });

  test("with endless output is kept to both of its ends", async () => {
    const { output } = await run("for (let i = 0; i < 100000; i++) console.log('line', i)");
    expect(output.split("\n")).toHaveLength(41);
    expect(output.startsWith("line 0\n")).toBe(true);
    expect(output.endsWith("line 99999")).toBe(true);
  });
});

test("a short output is shown whole", () => {
  const text = Array.from({ length: 40 }, (_, index) => `line ${index}`).join("\n");
  expect(bothEnds(`${text}\n`)).toBe(text);
  expect(bothEnds(`${text}\none more`).split("\n")[15]).toBe("… 1 lines …");
});

describe("the command line", () => {
  test("knows its verbs, and --help before -- only", () => {
    expect(parseCommand(["start", "--once", "f.json"])).toMatchObject({ kind: "run", verb: VERBS.start, helpOnly: false });
    expect(parseCommand(["test", "--help"])).toMatchObject({ kind: "run", helpOnly: true, args: ["--help"] });
    expect(parseCommand(["nexus", "--", "--help"])).toMatchObject({ kind: "run", helpOnly: false });
    expect(parseCommand(["--help"])).toEqual({ kind: "help" });
    expect(parseCommand([])).toEqual({ kind: "help" });
  });

  test("every verb says which servers it needs", () => {
    expect(Object.fromEntries(Object.entries(VERBS).map(([name, verb]) => [name, verb.needs]))).toEqual({
      start: ["nats-server"],
      nexus: ["nats-server"],
      bench: ["nats-server"],
      sim: [],
      chaos: ["nats-server"],
      test: ["nats-server", "redis-server"],
      check: [],
      docs: [],
      "compose:test": [],
    });
  });

  test.each(["stop", "constructor", "__proto__"])("refuses %s", (name) => {
    expect(parseCommand([name])).toMatchObject({ kind: "refused", message: expect.stringContaining(name) });
  });
});

describe("progress", () => {
  const record = (isTTY: boolean) => {
    const written: string[] = [];
    return { written, progress: createProgress({ isTTY, write: (text: string) => written.push(text) }) };
  };

  test("is plain lines in a log and one redrawn line on a terminal", () => {
    const log = record(false);
    log.progress.step("working").done("worked");
    expect(log.written.map((text) => text.replace(/[\d.]+ s/, "N s"))).toEqual(["setup: working …\n", "setup: worked (N s)\n"]);
    const terminal = record(true);
    terminal.progress.step("working").fail("no");
    expect(terminal.written[0]).toMatch(/^\r.*setup: working … 0\.0 s$/);
    expect(terminal.written[1]).toMatch(/working: no \(after .*\)\n$/);
  });

  test.each([
    [80, "0.1 s"],
    [59_900, "59.9 s"],
    [60_000, "1 min 0 s"],
    [125_000, "2 min 5 s"],
  ])("%i ms are %s", (ms, expected) => expect(formatElapsed(ms)).toBe(expected));
});
