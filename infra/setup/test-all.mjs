// @ts-check
/**
 * `npm test`: runs every suite, one after the other, and counts. `npm run check`: the quick ones.
 *
 * Invariants
 *  T1 The last line of stdout is the count and nothing else; with --json, stdout is one JSON object.
 *  T2 The exit code is 0 only when something passed and nothing failed.
 *  T3 A signal ends the suite that runs before this process ends, and no count is printed: it would be
 *     the count of something else.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { exitCodeOf, InterruptedError, openSignalRelay } from "./child-process.mjs";
import { closingLine, countTool, countVitest, exitCodeOfTotal, sumCounts } from "./count-tests.mjs";
import { readJson } from "./install-stamp.mjs";
import { formatElapsed } from "./progress.mjs";

const HELP = `npm test                     type check, lint and every test suite
npm test -- <path filter>…   only vitest, and of it only files whose path contains a filter
npm test -- --json           one JSON object on stdout, everything else on stderr
npm run check                type check and lint only

The last line is "N passed, N failed, N skipped"; type check and lint count as one test each.
The exit code is 0 only when something passed and nothing failed.
`;

const root = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");
/** @param {string} name */
const tool = (name) => join(root, "node_modules", ".bin", name);

/** @typedef {{json: boolean, check: boolean, help: boolean, filters: string[], unknown: string[]}} Options */

/** @param {string[]} argv  @returns {Options} */
function parseOptions(argv) {
  const options = argv.filter((word) => word.startsWith("-"));
  const known = ["--json", "--check", "--help", "-h"];
  return {
    json: options.includes("--json"),
    check: options.includes("--check"),
    help: options.includes("--help") || options.includes("-h"),
    filters: argv.filter((word) => !word.startsWith("-")),
    unknown: options.filter((word) => !known.includes(word)),
  };
}

const relay = openSignalRelay();

/**
 * @param {string[]} words     a tool of the project and its arguments
 * @param {boolean} json       keeps stdout for the JSON object
 * @param {NodeJS.ProcessEnv} [extraEnv]
 * @returns {Promise<{exitCode: number, durationMs: number}>}
 * @throws {InterruptedError} T3
 */
async function runTool(words, json, extraEnv = {}) {
  const startedAt = performance.now();
  const aloneHere = { NX_DAEMON: "false", NX_NO_CLOUD: "true" }; // nothing outlives the run or leaves the machine
  const env = { ...process.env, ...aloneHere, ...(process.env.CI ? { NO_COLOR: "1" } : {}), ...extraEnv };
  const child = spawn(process.execPath, words, { cwd: root, env, stdio: ["ignore", json ? 2 : 1, 2] });
  const detach = relay.attach({ relay: (signal) => child.kill(signal), kill: () => child.kill("SIGKILL") });
  const exitCode = await new Promise((resolve) => {
    child.once("error", () => resolve(1));
    child.once("close", (code, signal) => resolve(exitCodeOf(code, signal)));
  });
  detach();
  const interrupt = relay.interruptedBy();
  if (interrupt !== null) throw new InterruptedError(interrupt);
  return { exitCode, durationMs: Math.round(performance.now() - startedAt) };
}

/**
 * @param {string} name
 * @param {string[]} words
 * @param {boolean} json
 */
async function runOneTestTool(name, words, json) {
  const { exitCode, durationMs } = await runTool(words, json);
  return countTool(name, exitCode, durationMs);
}

/**
 * @param {string[]} filters
 * @param {boolean} json
 */
async function runVitest(filters, json) {
  const dir = mkdtempSync(join(tmpdir(), "nexus-test-"));
  try {
    const report = join(dir, "report.json");
    const evidence = join(dir, "evidence.json");
    const reporters = ["default", "json", join(root, "infra/setup/vitest-evidence-reporter.mjs")];
    const words = [
      tool("vitest"),
      "run",
      ...filters,
      ...reporters.map((reporter) => `--reporter=${reporter}`),
      `--outputFile.json=${report}`,
    ];
    const { exitCode, durationMs } = await runTool(words, json, { NEXUS_VITEST_EVIDENCE: evidence });
    return countVitest(readJson(report), readJson(evidence), exitCode, durationMs, root);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** @param {Options} options */
async function runSuites({ json, check, filters }) {
  const suites = [];
  if (filters.length === 0) {
    suites.push(await runOneTestTool("typecheck", [tool("tsc"), "--noEmit", "-p", "tsconfig.json"], json));
    suites.push(await runOneTestTool("lint", [tool("biome"), "check", "--error-on-warnings", "."], json));
  }
  if (!check) suites.push(await runVitest(filters, json));
  return suites;
}

/**
 * @param {import("./count-tests.mjs").SuiteResult[]} suites
 * @returns {string} everything that is worth reading above the closing line
 */
function summary(suites) {
  const lines = [""];
  for (const suite of suites) {
    lines.push(`${suite.name.padEnd(10)} ${closingLine(suite)} in ${formatElapsed(suite.durationMs)}`);
    for (const reason of suite.reasons) lines.push(`  failed: ${reason}`);
  }
  const skipped = suites.flatMap((suite) => suite.skippedTests);
  if (skipped.length > 0) lines.push("", "skipped:", ...skipped.map((name) => `  ${name}`));
  return `${lines.join("\n")}\n\n`;
}

/** @param {string[]} argv  @returns {Promise<number>} the exit code */
async function main(argv) {
  const options = parseOptions(argv);
  if (options.help) {
    process.stdout.write(HELP);
    return 0;
  }
  if (options.unknown.length > 0) {
    process.stderr.write(`unknown option ${options.unknown.join(", ")}\n${HELP}`);
    return 2;
  }
  if (options.check && options.filters.length > 0) {
    process.stderr.write(`npm run check takes no path filter: it always covers the whole tree\n${HELP}`);
    return 2;
  }
  if (options.filters.length > 0) {
    process.stderr.write(`only vitest, and only files that match: ${options.filters.join(", ")}\n`);
  }
  const suites = await runSuites(options);
  const total = sumCounts(suites);
  const text = summary(suites);
  if (options.json) {
    process.stderr.write(text);
    process.stdout.write(`${JSON.stringify({ suites, ...total })}\n`);
  } else {
    process.stdout.write(`${text}${closingLine(total)}\n`); // T1
  }
  return exitCodeOfTotal(total); // T2
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof InterruptedError)) throw error;
  process.exitCode = error.exitCode; // T3
}
