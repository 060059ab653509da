// @ts-check
/**
 * Carries out the plan of plan-server.mjs: tries one method after the other until the server is there,
 * and says why each one that failed did.
 */
import { existsSync } from "node:fs";
import { arch, platform } from "node:process";
import { InterruptedError, runQuiet } from "./child-process.mjs";
import { findCommand, findServer, SERVERS } from "./find-servers.mjs";
import { SetupError } from "./install-packages.mjs";
import { installRelease } from "./install-release.mjs";
import { aptSteps, planServer } from "./plan-server.mjs";

/** @typedef {import("./install-packages.mjs").Context} Context */
/** @typedef {import("./verbs.mjs").ServerName} ServerName */

/** @param {NodeJS.ProcessEnv} env  @returns {import("./plan-server.mjs").MachineFacts} */
export function readMachineFacts(env) {
  /** @param {string[]} names */
  const any = (...names) => names.some((name) => findCommand(name, env) !== null);
  return {
    platform,
    arch,
    uid: process.getuid?.() ?? null,
    hasAptGet: any("apt-get"),
    hasSudo: any("sudo"),
    hasBrew: any("brew"),
    hasTar: any("tar"),
    hasCompiler: any("make") && any("cc", "gcc", "clang"),
    hasSystemd: existsSync("/run/systemd/system"),
  };
}

/**
 * @param {ServerName} server
 * @param {Context} context
 * @param {{listsUpdated: boolean}} apt  whether this run has updated the package lists already
 * @param {boolean} viaSudo
 * @param {boolean} hasSystemd
 */
async function installWithApt(server, { env, relay, progress }, apt, viaSudo, hasSystemd) {
  const steps = aptSteps(server, { viaSudo, hasSystemd, skipUpdate: apt.listsUpdated });
  /** @type {Error | null} */
  let failure = null;
  for (const { command, args, mayFail, always, finish } of steps) {
    if (failure !== null && !always) continue;
    const run = await runQuiet({ command, args, env, relay, finish });
    if (run.ok) continue;
    const words = [command, ...args].join(" ");
    const cause = run.output.split("\n").findLast((line) => line.trim() !== "") ?? "";
    if (mayFail) progress.line(`${words}: ${run.reason}; going on. ${cause}`);
    else failure = new Error(`${words}: ${run.reason}. ${cause}`);
  }
  if (failure !== null) throw failure;
  apt.listsUpdated = true;
}

/**
 * @param {ServerName} server
 * @param {Context} context
 */
async function installWithBrew(server, { env, relay }) {
  const brewEnv = { ...env, HOMEBREW_NO_AUTO_UPDATE: "1", HOMEBREW_NO_INSTALL_CLEANUP: "1" };
  const args = ["install", SERVERS[server].brewFormula];
  const run = await runQuiet({ command: "brew", args, env: brewEnv, relay });
  if (!run.ok) throw new Error(`brew ${args.join(" ")}: ${run.reason}\n${run.output}`);
}

/** @type {Record<import("./plan-server.mjs").Method["kind"], string>} */
const LABELS = { use: "", apt: "apt-get", brew: "brew", release: "the official release", ask: "" };

/**
 * @param {ServerName[]} servers
 * @param {Context} context
 * @param {import("./plan-server.mjs").MachineFacts} [facts]
 * @returns {Promise<Map<ServerName, string>>} path of every server asked for
 * @throws {SetupError} with the sentence for the person when one cannot be had
 */
export async function ensureServers(servers, context, facts = readMachineFacts(context.env)) {
  const apt = { listsUpdated: false };
  /** @type {Map<ServerName, string>} */
  const paths = new Map();
  for (const server of servers) paths.set(server, await ensureServer(server, context, facts, apt));
  return paths;
}

/**
 * @param {ServerName} server
 * @param {Context} context
 * @param {import("./plan-server.mjs").MachineFacts} facts
 * @param {{listsUpdated: boolean}} apt
 * @returns {Promise<string>}
 */
async function ensureServer(server, context, facts, apt) {
  const found = findServer(server, context);
  if (found !== null && "error" in found) throw new SetupError(found.error);
  for (const method of planServer(server, found?.path ?? null, facts)) {
    if (method.kind === "use") return method.path;
    if (method.kind === "ask") throw new SetupError(method.sentence);
    const step = context.progress.step(`installing ${server} with ${LABELS[method.kind]}`);
    try {
      if (method.kind === "apt") await installWithApt(server, context, apt, method.viaSudo, facts.hasSystemd);
      else if (method.kind === "brew") await installWithBrew(server, context);
      else await installRelease(server, method.pin, context);
      const now = findServer(server, context);
      if (now === null || "error" in now) throw new Error("it is still not found where servers are looked for");
      step.done(`${server} installed with ${LABELS[method.kind]}: ${now.path}`);
      return now.path;
    } catch (error) {
      if (error instanceof InterruptedError) throw error;
      step.fail(error instanceof Error ? error.message : String(error));
    }
  }
  throw new SetupError(`there is no way to install ${server}`); // P2: not reached
}
