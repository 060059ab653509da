/** From reports to counts: nothing that went wrong or was skipped may be missing from the closing line. */
import { describe, expect, test } from "vitest";
import { closingLine, countTool, countVitest, exitCodeOfTotal, sumCounts } from "../count-tests.mjs";

const assertion = (status: string, fullName: string = status) => ({ status, fullName });
const file = (status: string, ...assertionResults: object[]) => ({ name: "/p/a.test.ts", status, message: "", assertionResults });
const passing = { testResults: [file("passed", assertion("passed", "a"), assertion("passed", "b"))] };
const count = (report: unknown, exitCode = 0, evidence?: Parameters<typeof countVitest>[1]) =>
  countVitest(report, evidence, exitCode, 10, "/p");

describe("vitest", () => {
  test("counts each test by its status", () => {
    const tests = ["passed", "failed", "skipped", "pending", "todo"].map((status) => assertion(status));
    expect(count({ testResults: [file("failed", ...tests)] }, 1)).toMatchObject({ passed: 1, failed: 1, skipped: 3 });
  });

  test("lists every skipped test with its reason", () => {
    const report = {
      testResults: [file("passed", assertion("passed"), assertion("skipped", "group needs make"), assertion("todo", "later"))],
    };
    const evidence = { unhandledErrors: [], skipNotes: [{ file: "/p/a.test.ts", name: "group needs make", note: "no make" }] };
    expect(count(report, 0, evidence).skippedTests).toEqual([
      "a.test.ts > group needs make (no make)",
      "a.test.ts > later (todo)",
    ]);
  });

  test("a file that could not be loaded is one failure", () => {
    const broken = { ...file("failed"), message: "Cannot find module 'x'\n    at …" };
    expect(count({ testResults: [...passing.testResults, broken] }, 1)).toMatchObject({
      passed: 2,
      failed: 1,
      reasons: ["a.test.ts: Cannot find module 'x'"],
    });
  });

  test("each unhandled error is a failure, beside failed tests too", () => {
    const evidence = { unhandledErrors: ["Error: late", "Error: later"], skipNotes: [] };
    expect(count(passing, 1, evidence)).toMatchObject({ passed: 2, failed: 2 });
  });

  test("a bad exit code without another failure is one", () => {
    expect(count(passing, 1)).toMatchObject({ passed: 2, failed: 1, reasons: ["vitest ended with exit code 1"] });
  });

  test("a crash before the report is one failure", () => {
    expect(count(undefined, 139)).toMatchObject({ passed: 0, failed: 1, reasons: [expect.stringContaining("139")] });
    expect(count(undefined, 0)).toMatchObject({ failed: 1 });
  });

  test("no executed test is a failure, though vitest is content", () => {
    expect(count({ testResults: [] }, 0)).toMatchObject({ failed: 1, reasons: ["no test was executed"] });
    expect(count({ testResults: [file("passed", assertion("skipped"))] }, 0)).toMatchObject({ failed: 1, skipped: 1 });
  });
});

test("a tool is one test", () => {
  expect(countTool("lint", 0, 5)).toMatchObject({ name: "lint", passed: 1, failed: 0, skipped: 0, durationMs: 5 });
  expect(countTool("lint", 2, 5)).toMatchObject({ passed: 0, failed: 1 });
});

test("the closing line is the sum of the suites", () => {
  const suites = [countTool("typecheck", 0, 1), countTool("lint", 1, 1), count(passing)];
  expect(closingLine(sumCounts(suites))).toBe("3 passed, 1 failed, 0 skipped");
});

test.each([
  [{ passed: 1, failed: 0 }, 0],
  [{ passed: 9, failed: 1 }, 1],
  [{ passed: 0, failed: 0 }, 1],
])("%j ends with exit code %i", (total, expected) => expect(exitCodeOfTotal(total)).toBe(expected));
