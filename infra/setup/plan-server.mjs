// @ts-check
/**
 * Decides how a missing server is to be had, as an ordered list of methods. Pure: what the machine can
 * do comes in as facts, the methods are data that install-server.mjs carries out until one succeeds.
 *
 * Invariants
 *  P1 A server that was found is used, and nothing is installed.
 *  P2 The list ends with a sentence for the person, so there is always an answer.
 *  P3 Nothing is downloaded without a pinned checksum.
 *
 * @typedef {object} MachineFacts
 * @property {string} platform      as process.platform
 * @property {string} arch          as process.arch
 * @property {number | null} uid    null where the platform has none
 * @property {boolean} hasAptGet
 * @property {boolean} hasSudo
 * @property {boolean} hasBrew
 * @property {boolean} hasTar
 * @property {boolean} hasCompiler  both make and a C compiler
 * @property {boolean} hasSystemd   systemd is running (not merely installed)
 *
 * @typedef {{kind: "use", path: string} | {kind: "apt", viaSudo: boolean} | {kind: "brew"}
 *   | {kind: "release", pin: import("./release-pins.mjs").ReleasePin} | {kind: "ask", sentence: string}} Method
 *
 * @typedef {object} Step
 * @property {string} command
 * @property {string[]} args
 * @property {boolean} mayFail   a failure is reported and the next step runs all the same
 * @property {boolean} always    runs even after a failure: it puts something back
 * @property {boolean} finish    an interrupt waits for it: half an installation needs repair by hand
 */
import { SERVERS } from "./find-servers.mjs";
import { releasePin } from "./release-pins.mjs";

/**
 * @param {import("./verbs.mjs").ServerName} server
 * @param {string | null} found  path of the server if there is one
 * @param {MachineFacts} facts
 * @returns {Method[]}
 */
export function planServer(server, found, facts) {
  if (found !== null) return [{ kind: "use", path: found }]; // P1
  /** @type {Method[]} */
  const methods = [];
  const isRoot = facts.uid === 0;
  if (facts.hasAptGet && isRoot) methods.push({ kind: "apt", viaSudo: false });
  else if (facts.hasAptGet && facts.hasSudo) methods.push({ kind: "apt", viaSudo: true });
  if (facts.hasBrew && !isRoot) methods.push({ kind: "brew" }); // Homebrew refuses to run as root
  const pin = releasePin(server, facts.platform, facts.arch); // P3
  if (pin !== null && facts.hasTar && (pin.form === "binary" || facts.hasCompiler)) {
    methods.push({ kind: "release", pin });
  }
  methods.push({ kind: "ask", sentence: askSentence(server) }); // P2
  return methods;
}

/** @param {import("./verbs.mjs").ServerName} server */
function askSentence(server) {
  const { aptPackage, brewFormula, variable } = SERVERS[server];
  return (
    `${server} is missing and could not be installed: install it ` +
    `(Debian, Ubuntu: sudo apt-get install ${aptPackage}; macOS: brew install ${brewFormula}) ` +
    `or set ${variable} to its path, then run the same command again.`
  );
}

/**
 * @param {import("./verbs.mjs").ServerName} server
 * @param {{viaSudo: boolean, hasSystemd: boolean, skipUpdate: boolean}} options
 * @returns {Step[]}
 */
export function aptSteps(server, options) {
  const { aptPackage, unit } = SERVERS[server];
  return aptPackageSteps([aptPackage], [unit], options);
}

/**
 * The commands that install Debian packages without starting their services: the project starts private
 * servers on ports of its own. RUNLEVEL=1 keeps sysv scripts from starting them; under systemd the units are
 * masked while the packages are configured and disabled afterwards, so that the next boot does not start them
 * either. A policy-rc.d file would do both, but it belongs to the administrator.
 *
 * @param {string[]} aptPackages
 * @param {string[]} units
 * @param {{viaSudo: boolean, hasSystemd: boolean, skipUpdate: boolean}} options
 * @returns {Step[]}
 */
export function aptPackageSteps(aptPackages, units, { viaSudo, hasSystemd, skipUpdate }) {
  // sudo drops the environment, so the variables travel as arguments of env.
  const prefix = [...(viaSudo ? ["sudo", "-n"] : []), "env", "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1"];
  /** @type {(words: string[], traits?: Partial<Step>) => Step} */
  const step = (words, traits = {}) => {
    const [command = "env", ...args] = [...prefix, ...words];
    return { command, args, mayFail: false, always: false, finish: false, ...traits };
  };
  const aptGet = ["apt-get", "-q", "-o", "DPkg::Lock::Timeout=120"];
  const putBack = { mayFail: true, always: true, finish: true };
  /** @type {Step[]} */
  const steps = [];
  // Old lists may still be good enough, so a failing update is no reason to stop.
  if (!skipUpdate) steps.push(step([...aptGet, "update"], { mayFail: true }));
  const masked = hasSystemd && units.length > 0;
  if (masked) steps.push(step(["systemctl", "mask", "--runtime", ...units], { mayFail: true }));
  steps.push(step([...aptGet, "install", "-y", "--no-install-recommends", ...aptPackages], { finish: true }));
  if (masked) {
    steps.push(step(["systemctl", "unmask", "--runtime", ...units], putBack));
    steps.push(step(["systemctl", "disable", ...units], putBack));
  }
  return steps;
}
