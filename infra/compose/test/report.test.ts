/** What is said at the end: every check is counted once, and the exit code is 0 only where it may be. */
import { describe, expect, test } from "vitest";
import { type CheckReport, createCheckList } from "../check-list.ts";
import { outcomeOf } from "../compose-test.ts";
import { CheckError, SkipError } from "../errors.ts";
import { closingLines, countsOf, exitCodeOf, jsonOf, type Report } from "../report.ts";

const silent = { line: () => {}, step: () => ({ done: () => {}, fail: () => {} }) };
const failing = (error: Error) => () => Promise.reject(error);

describe("the list of checks", () => {
  test("begins with each of them not reached", () => {
    const all = createCheckList(silent).report();
    expect(new Set(all.map(({ name }) => name)).size).toBe(9);
    expect(all.every(({ status, detail }) => status === "skipped" && detail === "not reached")).toBe(true);
  });

  test("tells of each what came of it, and leaves the others as they are", async () => {
    const list = createCheckList(silent);
    expect(await list.check("the file is valid", async () => 2, String)).toBe(2);
    const broken = list.check("the image is built", failing(new CheckError("no space")), () => "");
    await expect(broken).rejects.toThrow("no space");
    list.record("nothing is left", "passed", "all", performance.now());
    expect(list.report().flatMap(({ name, status, detail }) => (status === "skipped" ? [] : [[name, status, detail]]))).toEqual([
      ["the file is valid", "passed", "2"],
      ["the image is built", "failed", "no space"],
      ["nothing is left", "passed", "all"],
    ]);
    expect(list.report()).toHaveLength(9);
  });

  test("takes no defect for a check that failed", async () => {
    const list = createCheckList(silent);
    await expect(list.check("the file is valid", failing(new TypeError("oops")), () => "")).rejects.toThrow("oops");
    expect(list.report()[0]?.status).toBe("skipped");
  });
});

describe("the outcome", () => {
  const check = (status: CheckReport["status"]): CheckReport => ({ name: "nothing is left", status, detail: "x", durationMs: 1 });
  const unmade = [check("skipped")];

  test.each([
    ["everything holds", [check("passed")], undefined, { status: "passed" }],
    ["the machine lacks something", unmade, new SkipError("no root"), { status: "skipped", reason: "no root" }],
    ["it failed before its first check", unmade, new CheckError("no answer"), { status: "failed", reason: "no answer" }],
    ["a check failed", [check("failed")], new CheckError("x"), { status: "failed", reason: "nothing is left: x" }],
    ["what was begun could not be undone", [check("failed")], undefined, { status: "failed", reason: "nothing is left: x" }],
    ["a skip left something", [check("failed")], new SkipError("y"), { status: "failed", reason: "nothing is left: x" }],
  ])("when %s", (_when, checks, end, outcome) => {
    expect(outcomeOf(checks, end)).toEqual(outcome);
  });
});

describe("the report", () => {
  const check = (status: CheckReport["status"]): CheckReport => ({
    name: "the file is valid",
    status,
    detail: "",
    durationMs: 1,
  });
  const report = (status: Report["status"], checks: CheckReport[], reason?: string): Report => ({
    status,
    ...(reason === undefined ? {} : { reason }),
    engine: { kind: "private", version: "20.10.24" },
    composes: ["docker-compose 1.29.2"],
    images: [{ variable: "NATS_IMAGE", reference: "nats:1", source: "stand-in" }],
    checks,
    durationMs: 61_000,
  });
  const where = "Docker 20.10.24 (private), docker-compose 1.29.2, 1 of 1 images are stand-ins, 1 min 1 s";

  test.each([
    [report("passed", [check("passed")]), [where, "1 passed, 0 failed, 0 skipped"], 0, 0],
    [
      report("failed", [check("passed"), check("failed"), check("skipped")], "no trace"),
      ["failed: no trace", where, "1 passed, 1 failed, 1 skipped"],
      1,
      1,
    ],
    // Before its first check.
    [report("failed", [check("skipped")], "no answer"), ["failed: no answer", where, "0 passed, 1 failed, 1 skipped"], 1, 1],
    [report("skipped", [check("skipped")], "no root"), ["skipped: no root", where, "0 passed, 0 failed, 1 skipped"], 0, 1],
  ])("ends with the counts, and with an exit code (%#)", (given, lines, code, strictCode) => {
    expect(closingLines(given)).toEqual(lines);
    expect(exitCodeOf(given, false)).toBe(code);
    expect(exitCodeOf(given, true)).toBe(strictCode);
    expect(JSON.parse(jsonOf(given))).toMatchObject({ ...given, ...countsOf(given) });
  });

  test("of a machine without an engine says so", () => {
    const { engine: _, ...rest } = { ...report("skipped", [], "no root"), composes: [], images: [] };
    expect(closingLines(rest)[1]).toBe("no engine, 1 min 1 s");
  });
});
