// @ts-check
/**
 * Brings node_modules to what package-lock.json says, when it is not there yet: `npm ci`, which also
 * brings the Node that the project runs on.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { runQuiet } from "./child-process.mjs";
import { findCommand } from "./find-servers.mjs";
import { inspectInstall, NODE_VERSION_MIN, nodeBinary, versionAtLeast, writeStamp } from "./install-stamp.mjs";
import { withLock } from "./setup-lock.mjs";

/** A step of the set-up failed; the message is for the person, `output` is what the tool said. */
export class SetupError extends Error {
  /**
   * @param {string} message
   * @param {string} [output]
   */
  constructor(message, output = "") {
    super(message);
    this.output = output;
  }
}

/**
 * The npm that started this process, else the one on PATH.
 *
 * @param {NodeJS.ProcessEnv} env
 * @returns {{command: string, args: string[]}}
 */
export function npmCommand(env) {
  const path = env.npm_execpath;
  // Another package manager puts its own path there.
  if (path !== undefined && /npm-cli\.c?js$/.test(path)) return { command: process.execPath, args: [path] };
  const npm = findCommand("npm", env);
  if (npm === null) throw new SetupError("npm is not on PATH; install Node.js with npm (https://nodejs.org) first");
  return { command: npm, args: [] };
}

/**
 * Every option that a person's own configuration could set against the set-up is given here: development
 * packages are left out under NODE_ENV=production, and a silent npm would fail without a reason.
 */
const NPM_CI = [
  "ci",
  "--include=dev",
  "--include=optional",
  "--loglevel=error",
  "--no-progress",
  "--no-audit",
  "--no-fund",
  "--no-update-notifier",
];

/** @param {string} root  @returns {{version: string, usable: boolean}} of the project's own Node */
function probeNode(root) {
  const run = spawnSync(nodeBinary(root), ["--version"], { encoding: "utf8" });
  const version = run.stdout?.trim() || run.error?.message || "nothing";
  return { version, usable: run.status === 0 && versionAtLeast(version, NODE_VERSION_MIN) };
}

/**
 * @typedef {object} Context
 * @property {string} root            of the repository, absolute
 * @property {NodeJS.ProcessEnv} env
 * @property {import("./progress.mjs").Progress} progress
 * @property {import("./child-process.mjs").SignalRelay} relay
 */

/**
 * @param {Context} context
 * @returns {Promise<void>}
 * @throws {SetupError} when npm fails or brings no usable Node
 */
export async function ensurePackages({ root, env, progress, relay }) {
  if (inspectInstall(root).state === "current") return;
  await withLock(join(root, ".nexus", "setup.lock"), progress.line, async () => {
    const found = inspectInstall(root); // again: another set-up may have just done it
    if (found.state === "current") return;
    if (found.state === "missing") await installAll(found.reason, { root, env, progress, relay });
    else if (!probeNode(root).usable) {
      await installAll("the project's own Node does not run", { root, env, progress, relay });
    }
    const node = probeNode(root);
    if (!node.usable) {
      throw new SetupError(
        `${nodeBinary(root)} does not run as Node ${NODE_VERSION_MIN} or newer (it says: ${node.version}); ` +
          "npm must be allowed to run install scripts (npm config get ignore-scripts), and the C library must be glibc",
      );
    }
    writeStamp(root, found.hash, node.version);
  });
}

/**
 * @param {string} why
 * @param {Context} context
 */
async function installAll(why, { root, env, progress, relay }) {
  const { command, args } = npmCommand(env);
  const step = progress.step(`installing packages with npm ci (${why})`);
  const run = await runQuiet({ command, args: [...args, ...NPM_CI], cwd: root, env, relay });
  if (!run.ok) {
    step.fail(run.reason);
    throw new SetupError("npm ci failed; what it said is above", run.output);
  }
  step.done("packages installed");
}
