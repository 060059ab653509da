/**
 * What people read: each kind of outcome, missing agents, decisions, agents, findings, errors; that colours change nothing
 * of it; and that nothing a peer wrote moves the cursor or forges a line.
 */
import { stripVTControlCharacters } from "node:util";
import { NexusError, type Outcome, type RequestEvent } from "@nexus/contracts";
import { describe, expect, test } from "vitest";
import { agentsTable } from "../src/output/agents-table.ts";
import { decisionText } from "../src/output/decision-text.ts";
import { errorLine } from "../src/output/error-line.ts";
import { eventLine } from "../src/output/event-line.ts";
import { findingsText } from "../src/output/findings-text.ts";
import { outcomeText } from "../src/output/outcome-text.ts";
import { printable } from "../src/output/printable.ts";
import { resultText } from "../src/output/result-text.ts";
import { createStyle, milliseconds } from "../src/output/style.ts";
import { agent, decision, ID, result } from "./samples.ts";

const plain = createStyle(false);
const ESC = "\u001b";

/** Cells of a table's rows, borders and padding left out. */
function cells(text: string): string[][] {
  return text
    .split("\n")
    .filter((line) => line.startsWith("│"))
    .map((line) =>
      line
        .slice(1, -1)
        .split("│")
        .map((cell) => cell.trim()),
    );
}

describe("outcomes", () => {
  const ok = { agent: "a1", status: "ok", value: { n: 1 }, serviceTimeMs: 2 } as const;
  const bad = {
    agent: "a2",
    status: "error",
    error: { code: "handler-failed", message: "no", retryable: false, executed: "all" },
  } as const;
  const rows = { rows: [ok, bad], rowsTotal: 2 };
  const table: [Outcome, string][] = [
    [
      { type: "broadcast", ack: "each", acknowledged: 1, wanted: 2, ended: "deadline", ...rows },
      "1 of 2 wanted acknowledgements (each), ended by deadline",
    ],
    [
      { type: "broadcast", ack: "none", acknowledged: 0, wanted: 0, ended: "condition", ...rows },
      "sent, no acknowledgement asked for",
    ],
    [
      {
        type: "gather",
        until: "all",
        wanted: 2,
        ended: "everyone",
        reduce: "sum",
        value: 42,
        contributors: 1,
        unusable: 1,
        ...rows,
      },
      "1 of 2 wanted answers, 1 unusable, ended by everyone\nsum: 42",
    ],
    [
      {
        type: "gather",
        until: "all",
        wanted: 2,
        ended: "everyone",
        reduce: "list",
        value: null,
        contributors: 2,
        unusable: 0,
        ...rows,
      },
      "2 of 2 wanted answers, ended by everyone",
    ],
    [{ type: "balance", pieces: 5, done: 4, ended: "hopeless", ...rows }, "4 of 5 pieces done, ended by hopeless"],
    [
      {
        type: "consensus",
        decision: "accepted",
        for: 3,
        against: 1,
        abstained: 0,
        needed: 3,
        electorate: 5,
        ended: "condition",
        ...rows,
      },
      "accepted: 3 for, 1 against, 0 abstained; 3 of 5 needed, ended by condition",
    ],
    [
      {
        type: "causal",
        operations: [{ index: 1, operation: "stats", after: [0], status: "completed", targeted: 2, responded: 2 }],
        ended: "condition",
        ...rows,
      },
      "ended by condition",
    ],
  ];
  test.each(table)("%j", (outcome, headline) => {
    const text = outcomeText(outcome, plain);
    expect(text.startsWith(`${headline}\n`)).toBe(true);
    const printed = cells(text);
    expect(printed).toContainEqual(["a1", "ok", '{"n":1}', "2.0 ms"]);
    expect(printed).toContainEqual(["a2", "error", "handler-failed: no", "–"]);
    if (outcome.type === "causal") expect(printed).toContainEqual(["1", "stats", "0", "completed", "2/2", "–", "–"]);
  });

  test("many rows are cut, and said to be", () => {
    const many = Array.from({ length: 30 }, (_, index) => ({ ...ok, index }));
    const text = outcomeText({ type: "balance", pieces: 90, done: 90, ended: "everyone", rows: many, rowsTotal: 90 }, plain);
    expect(cells(text)).toHaveLength(21);
    expect(text).toContain("… and 70 more");
  });

  test("no answer column where answers were reduced", () => {
    const text = outcomeText(
      {
        type: "gather",
        until: "all",
        wanted: 1,
        ended: "everyone",
        reduce: "sum",
        value: 1,
        contributors: 1,
        unusable: 0,
        rows: [{ agent: "a1", status: "ok", serviceTimeMs: 2 }],
        rowsTotal: 1,
      },
      plain,
    );
    expect(cells(text)[0]).toEqual(["agent", "status", "took"]);
  });
});

describe("a causal outcome", () => {
  const operations = [
    { index: 0, operation: "one", after: [], status: "completed" as const, targeted: 2, responded: 2, concurrent: [1], gaps: 0 },
    { index: 1, operation: "two", after: [], status: "failed" as const, targeted: 1, responded: 0, concurrent: [0], gaps: 1 },
    { index: 2, operation: "three", after: [0, 1], status: "not-run" as const, targeted: 1, responded: 0 },
  ];
  const causal = (token?: string) =>
    outcomeText(
      {
        ...{ type: "causal", operations, ended: "hopeless", rows: [], rowsTotal: 0 },
        ...(token === undefined ? {} : { token }),
      },
      plain,
    );

  test("a row for each step: what it is after, what was concurrent, who answered, gaps; and its token", () => {
    const text = causal("c1|r1:2||.");
    expect(cells(text).slice(0, 4)).toEqual([
      ["step", "operation", "after", "status", "answered", "concurrent", "gaps"],
      ["0", "one", "–", "completed", "2/2", "1", "0"],
      ["1", "two", "–", "failed", "0/1", "0", "1"],
      ["2", "three", "0, 1", "not-run", "0/1", "–", "–"],
    ]);
    expect(text).toContain("token for what comes after: c1|r1:2||.");
  });

  test("a token is shown whole or not at all", () => {
    expect(causal("t".repeat(1_001))).toContain("1001 characters, shown with --json");
    expect(causal()).not.toContain("token");
  });
});

describe("results", () => {
  test("status, error, missing agents with reasons, router and trace", () => {
    const text = resultText(
      result({
        status: "partial",
        executed: "some",
        repeated: true,
        error: { code: "incomplete", message: "1 of 2 answered", retryable: true, executed: "some" },
        agents: {
          targeted: 2,
          responded: 1,
          extra: 1,
          missingTotal: 3,
          missing: [{ agent: "a2", reason: "slow", message: "late" }],
        },
        traceId: "0af7651916cd43dd8448eb211c80319c",
      }),
      plain,
    );
    expect(text).toContain(`partial  gather ${ID}  12.3 ms  executed: some  id claimed  stored result of an earlier request\n`);
    expect(text).toContain("incomplete: 1 of 2 answered\n");
    expect(text).toContain("1 of 2 answered, 1 not asked, 3 missing\n");
    expect(cells(text)).toContainEqual(["a2", "slow", "late"]);
    expect(text).toContain("… and 2 more\n");
    expect(text).toContain("r1  trace 0af7651916cd43dd8448eb211c80319c\n");
  });

  test("the decision: layer, why, balancer, prediction, attempts, costs", () => {
    const text = decisionText(decision, plain);
    expect(text).toContain("performance/direct: highest rung that is allowed\n");
    expect(text).toContain("balancer resource-aware, asked for adaptive: no model answers\n");
    expect(text).toContain("predicted 20.0 ms, success 0.90; was 31.5 ms\n");
    expect(cells(text)).toContainEqual(["performance/direct", "0.4 ms", "30.0 ms", "3", "2", "disconnected: gone"]);
    expect(cells(text)).toContainEqual(["performance", "812", "3"]);
  });

  test("colours only where they are wanted", () => {
    expect(resultText(result({ decision }), plain)).not.toContain(ESC);
    const coloured = resultText(result({ decision }), createStyle(true));
    expect(coloured).toContain(`${ESC}[32mcompleted`);
    expect(stripVTControlCharacters(coloured)).toBe(resultText(result({ decision }), plain));
  });
});

describe("agents, findings, events, errors", () => {
  test("a row for each agent", () => {
    const text = agentsTable([agent, { ...agent, agent: "b", state: "dead", process: undefined }], plain);
    expect(cells(text)[1]).toEqual(["shard-0", "alive", "c1", "shards, eu", "8", "3", "1", "12.5 ms", "26 %", "250 ms ago"]);
    expect(cells(text)[2]?.[8]).toBe("–");
    expect(text).toMatch(/\n2 agents\n$/);
    expect(agentsTable([], plain)).toBe("no agents\n");
  });

  test("findings with their remedies, and the verdict", () => {
    const text = findingsText(
      [
        { check: "node", state: "ok", detail: "24.21.0" },
        { check: "redis", state: "failed", detail: "away", remedy: "start it" },
      ],
      plain,
    );
    expect(text).toBe("✓ node   24.21.0\n✗ redis  away\n         → start it\n1 of 2 checks failed\n");
  });

  const event: RequestEvent = {
    v: 1,
    id: ID,
    seq: 3,
    atMs: 40.25,
    event: "progress",
    agent: "a1",
    index: 2,
    fraction: 0.5,
    message: "half\nway",
  };
  test("an event is one line", () => expect(eventLine(event)).toBe("  40.3 ms  progress  a1  #2  50 %  half way\n"));

  test.each([
    [
      new NexusError("unknown-field", "goal.x is no field", { field: "goal.x" }),
      "error unknown-field: goal.x is no field (field: goal.x)\n",
    ],
    [new NexusError("disconnected", "two\nlines"), "error disconnected: two lines\n"],
    [new Error("oops"), "error internal: oops\n"],
    ["text", "error internal: text\n"],
  ])("an error is one line", (error, line) => expect(errorLine(error)).toBe(line));

  test("a peer's escape sequences reach no terminal", () => {
    const hostile = `${ESC}[2J${ESC}]0;title\u0007x`;
    const rows = [{ agent: "a1", status: "ok" as const, value: hostile }];
    const text = resultText(
      result({
        outcome: { type: "balance", pieces: 1, done: 1, ended: "everyone", rows, rowsTotal: 1 },
        error: { code: "internal", message: hostile, retryable: false, executed: "all" },
        decision: { ...decision, why: hostile },
      }),
      plain,
    );
    expect(text).not.toContain(ESC);
    expect(errorLine(new Error(hostile))).not.toContain(ESC);
    expect(printable("a\tb\nc")).toBe("a�b\nc");
  });

  test("what turns the direction of text, or breaks its lines, reaches no terminal either", () => {
    expect(printable("a\u202eb\u2066c\u2069d\u200fe\u061cf\u2028g")).toBe("a�b�c�d�e�f�g");
  });

  test("what a service says of itself stays in its line, and no finding of doctor's is forged", () => {
    const forged = "down\n✓ agents  24 alive\nnothing is wrong";
    const text = findingsText([{ check: "health", state: "failed", detail: forged, remedy: forged }], plain);
    expect(text.trimEnd().split("\n")).toHaveLength(3);
  });

  test("nor does what a router says become a line of its own in a result", () => {
    const forged = "x\nagents    24 of 24 answered, 0 missing";
    const error = { code: "internal", message: forged, retryable: false, executed: "all" } as const;
    const told = result({ status: "failed", error, decision: { ...decision, why: forged } });
    expect(resultText(told, plain).match(/^agents/gm)).toHaveLength(1);
  });

  test.each([
    [0.04, "0.0 ms"],
    [99.94, "99.9 ms"],
    [250.4, "250 ms"],
    [12_345, "12.3 s"],
  ])("%d ms", (ms, text) => expect(milliseconds(ms)).toBe(text));
});
