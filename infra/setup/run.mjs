// @ts-check
/**
 * The one entry of `npm start`, `npm test`, `npm run nexus`, `npm run bench`, `npm run check` and
 * `npm run docs`: installs what is missing, then runs the verb's program under the project's own Node.
 *
 * Runs on any Node ≥ 18 without a dependency, because it is what brings them.
 *
 * Invariants
 *  S1 stdout is the program's alone; the set-up speaks on stderr.
 *  S2 When nothing is missing nothing is said, nothing is written, and no process but the program starts.
 *  S3 The exit code is the program's (128 + n for a signal); 1 when the set-up fails, 2 for a wrong verb.
 */
import { existsSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { InterruptedError, openSignalRelay, runForeground } from "./child-process.mjs";
import { findServer, SERVERS } from "./find-servers.mjs";
import { ensurePackages, SetupError } from "./install-packages.mjs";
import { nodeBinary } from "./install-stamp.mjs";
import { endWithParent } from "./parent-watch.mjs";
import { createProgress } from "./progress.mjs";
import { helpText, parseCommand } from "./verbs.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");
const preload = new URL("./exit-with-parent.mjs", import.meta.url).href;

/**
 * @param {string[]} names
 * @param {import("./install-packages.mjs").Context} context
 * @returns {Promise<Record<string, string>>} the servers' variables for the program
 */
async function serverVariables(names, context) {
  /** @type {Record<string, string>} */
  const variables = {};
  const needed = /** @type {import("./verbs.mjs").ServerName[]} */ (names);
  const known = needed.map((name) => findServer(name, context));
  if (known.some((found) => found === null || "error" in found)) {
    const { ensureServers } = await import("./install-server.mjs"); // not loaded when nothing is missing
    await ensureServers(needed, context);
  }
  for (const [name, { variable }] of Object.entries(SERVERS)) {
    const found = findServer(/** @type {import("./verbs.mjs").ServerName} */ (name), context);
    if (found !== null && "path" in found) variables[variable] = found.path;
  }
  return variables;
}

/**
 * @param {NodeJS.ProcessEnv} env
 * @param {"caller" | "root"} wish
 * @returns {string} npm changes to the root; the caller's own directory is where arguments point from
 */
function workingDirectory(env, wish) {
  if (wish === "root") return root;
  const here = process.cwd();
  const calledFrom = env.npm_lifecycle_event !== undefined && here === root ? env.INIT_CWD : here;
  return calledFrom !== undefined && existsSync(calledFrom) ? calledFrom : here;
}

/** @param {string[]} argv  @returns {Promise<number>} the exit code */
async function main(argv) {
  const command = parseCommand(argv);
  if (command.kind === "help") {
    process.stdout.write(helpText());
    return 0;
  }
  if (command.kind === "refused") {
    process.stderr.write(`setup: ${command.message}\n`);
    return 2;
  }
  const { verb, args, helpOnly } = command;
  const env = process.env;
  const context = { root, env, progress: createProgress(), relay: openSignalRelay() };
  if (env.npm_lifecycle_event !== undefined) endWithParent(process.ppid); // npm may be killed, too
  await ensurePackages(context);
  const servers = await serverVariables(helpOnly ? [] : verb.needs, context);
  const node = nodeBinary(root);
  const ownDirs = [dirname(node), join(root, "node_modules", ".bin")];
  return runForeground({
    command: node,
    args: ["--import", preload, join(root, verb.program), ...verb.args, ...args],
    cwd: workingDirectory(env, verb.cwd),
    env: {
      ...env,
      ...servers,
      PATH: [...ownDirs, ...(env.PATH ? [env.PATH] : [])].join(delimiter),
      NEXUS_SETUP_PID: String(process.pid),
    },
    relay: context.relay,
  });
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (error instanceof InterruptedError) process.exitCode = error.exitCode;
  else if (error instanceof SetupError) {
    if (error.output !== "") process.stderr.write(`${error.output}\n`);
    process.stderr.write(`setup: ${error.message}\n`);
    process.exitCode = 1;
  } else throw error;
}
