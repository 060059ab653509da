// @ts-check
/**
 * Finds nats-server and redis-server on this machine. Reads the file system, changes nothing.
 *
 * Order: the environment variable, PATH, the directories where packages put them (Debian's /usr/sbin is
 * not on every user's PATH), then the project's own `.nexus/bin`.
 */
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";

/**
 * @typedef {object} ServerFacts
 * @property {string} variable     environment variable with the path, read here and given to the child
 * @property {string} aptPackage
 * @property {string} unit         the systemd unit that the Debian package would start
 * @property {string} brewFormula
 */

/** @type {Record<import("./verbs.mjs").ServerName, ServerFacts>} */
export const SERVERS = {
  "nats-server": {
    variable: "NEXUS_NATS_SERVER",
    aptPackage: "nats-server",
    unit: "nats-server.service",
    brewFormula: "nats-server",
  },
  "redis-server": {
    variable: "NEXUS_REDIS_SERVER",
    aptPackage: "redis-server",
    unit: "redis-server.service",
    brewFormula: "redis",
  },
};

const PACKAGE_DIRS = [
  "/usr/sbin",
  "/usr/local/sbin",
  "/usr/local/bin",
  "/usr/bin",
  "/opt/homebrew/bin",
  "/home/linuxbrew/.linuxbrew/bin",
];

/** @param {string} root  of the repository */
export const ownBinDir = (root) => join(root, ".nexus", "bin");

/** @param {string} path */
export function isExecutableFile(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false; // absent, or not ours to run: either way it is not the server
  }
}

/**
 * @param {import("./verbs.mjs").ServerName} server
 * @param {{env: Record<string, string | undefined>, root: string, isExecutable?: (path: string) => boolean,
 *   packageDirs?: string[]}} context
 * @returns {{path: string} | {error: string} | null}
 *   `error` when the variable names something that cannot be run: a wish is not silently overridden
 */
export function findServer(server, context) {
  const { env, root, isExecutable = isExecutableFile, packageDirs = PACKAGE_DIRS } = context;
  const variable = SERVERS[server].variable;
  const wished = env[variable];
  if (wished) {
    if (isExecutable(wished)) return { path: wished };
    return { error: `${variable}=${wished} is not an executable file; correct it or unset it` };
  }
  // A relative PATH entry means another file in another directory; the child gets an absolute path.
  const onPath = (env.PATH ?? "").split(delimiter).filter((dir) => isAbsolute(dir));
  for (const dir of [...onPath, ...packageDirs, ownBinDir(root)]) {
    const path = join(dir, server);
    if (isExecutable(path)) return { path };
  }
  return null;
}

/**
 * @param {string} command
 * @param {Record<string, string | undefined>} env
 * @returns {string | null} absolute path of a command on PATH
 */
export function findCommand(command, env) {
  for (const dir of (env.PATH ?? "").split(delimiter).filter((entry) => isAbsolute(entry))) {
    const path = join(dir, command);
    if (isExecutableFile(path)) return path;
  }
  return null;
}
