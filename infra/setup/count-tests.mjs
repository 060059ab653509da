// @ts-check
/**
 * Turns what the suites report into counts. Pure.
 *
 * Invariants
 *  N1 A suite that ended badly counts at least one failure, whatever its report says.
 *  N2 A test suite in which no test was executed counts as a failure: nothing was proved.
 *  N3 No skipped test is lost: each is in the count and in the list.
 *
 * @typedef {object} SuiteResult
 * @property {string} name
 * @property {number} passed
 * @property {number} failed
 * @property {number} skipped
 * @property {number} durationMs
 * @property {string[]} reasons       of failures that are not a failed test of their own
 * @property {string[]} skippedTests  "file > test (reason)"
 *
 * @typedef {object} VitestEvidence   what vitest's JSON report leaves out; see vitest-evidence-reporter.mjs
 * @property {string[]} unhandledErrors
 * @property {{file: string, name: string, note: string}[]} skipNotes
 */

/**
 * A tool that either accepts the whole tree or does not is one test.
 *
 * @param {string} name
 * @param {number} exitCode
 * @param {number} durationMs
 * @returns {SuiteResult}
 */
export function countTool(name, exitCode, durationMs) {
  const passed = exitCode === 0 ? 1 : 0;
  return { name, passed, failed: 1 - passed, skipped: 0, durationMs, reasons: [], skippedTests: [] };
}

/**
 * @param {any} report                      vitest's JSON report, undefined when it wrote none
 * @param {VitestEvidence | undefined} evidence
 * @param {number} exitCode                 of vitest
 * @param {number} durationMs
 * @param {string} root                     cut off the file names
 * @returns {SuiteResult}
 */
export function countVitest(report, evidence, exitCode, durationMs, root) {
  /** @type {SuiteResult} */
  const result = { name: "vitest", passed: 0, failed: 0, skipped: 0, durationMs, reasons: [], skippedTests: [] };
  const notes = new Map((evidence?.skipNotes ?? []).map(({ file, name, note }) => [`${file}\n${name}`, note]));
  for (const file of report?.testResults ?? []) {
    const path = file.name.startsWith(`${root}/`) ? file.name.slice(root.length + 1) : file.name;
    let failedHere = 0;
    for (const test of file.assertionResults) {
      if (test.status === "passed") result.passed += 1;
      else if (test.status === "failed") failedHere += 1;
      else {
        const note = notes.get(`${file.name}\n${test.fullName.replaceAll(" > ", " ")}`) ?? (test.status === "todo" ? "todo" : "");
        result.skipped += 1;
        result.skippedTests.push(`${path} > ${test.fullName}${note === "" ? "" : ` (${note})`}`); // N3
      }
    }
    if (file.status === "failed" && failedHere === 0) {
      failedHere = 1; // it could not be loaded, or a hook failed
      result.reasons.push(`${path}: ${firstLine(file.message) || "failed outside of its tests"}`);
    }
    result.failed += failedHere;
  }
  for (const error of evidence?.unhandledErrors ?? []) {
    result.failed += 1;
    result.reasons.push(`unhandled error: ${error}`);
  }
  if (report === undefined) fail(result, `vitest wrote no report (exit code ${exitCode})`);
  else if (exitCode !== 0 && result.failed === 0) fail(result, `vitest ended with exit code ${exitCode}`); // N1
  if (result.passed + result.failed === 0) fail(result, "no test was executed"); // N2
  return result;
}

/** @param {SuiteResult} result @param {string} reason */
function fail(result, reason) {
  result.failed += 1;
  result.reasons.push(reason);
}

/** @param {unknown} text */
const firstLine = (text) => String(text ?? "").split("\n")[0] ?? "";

/**
 * @param {SuiteResult[]} suites
 * @returns {{passed: number, failed: number, skipped: number}}
 */
export function sumCounts(suites) {
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const suite of suites) {
    total.passed += suite.passed;
    total.failed += suite.failed;
    total.skipped += suite.skipped;
  }
  return total;
}

/** @param {{passed: number, failed: number, skipped: number}} total  @returns {string} without a line end */
export function closingLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/** @param {{passed: number, failed: number}} total  @returns {number} 0 only when something passed and nothing failed */
export const exitCodeOfTotal = ({ passed, failed }) => (failed === 0 && passed > 0 ? 0 : 1);
