// @ts-check
/**
 * Decides whether the installed packages are those that the lock file asks for.
 *
 * The quick answer is a stamp in node_modules: a hash of package-lock.json and every package.json, and
 * the identity of the Node binary. Without a fitting stamp (a hand-made `npm install`, an edited script)
 * npm's own record of what it installed is compared with the lock file, so that nothing is installed
 * twice. Reads only; install-packages.mjs acts on the answer.
 */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export const NODE_VERSION_MIN = "24.12.0";
const STAMP = join("node_modules", ".nexus-setup.json");
/** npm's record of what it put into node_modules. */
const INSTALLED_LOCK = join("node_modules", ".package-lock.json");

/**
 * @typedef {object} Stamp
 * @property {string} hash          of the inputs, hex
 * @property {string} nodeVersion
 * @property {number} nodeBytes
 * @property {number} nodeMtimeMs
 *
 * @typedef {{bytes: number, mtimeMs: number}} FileIdentity
 * @typedef {{packages?: Record<string, any>}} LockFile
 */

/** @param {string} root */
export const nodeBinary = (root) => join(root, "node_modules", "node", "bin", "node");

/** @param {string} path  @returns {any} undefined when the file is absent or not JSON */
export function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined; // the same as absent: it is made anew
  }
}

/** @param {string} path  @returns {FileIdentity | null} */
export function fileIdentity(path) {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats === undefined ? null : { bytes: stats.size, mtimeMs: stats.mtimeMs };
}

/**
 * @param {string} root
 * @returns {string[]} directories that hold a package.json of the project, "" for the root, sorted
 */
export function packageDirs(root) {
  const patterns = /** @type {string[]} */ (readJson(join(root, "package.json"))?.workspaces ?? []);
  const dirs = patterns.flatMap((pattern) => {
    if (!pattern.endsWith("/*")) return [pattern];
    const parent = pattern.slice(0, -2);
    if (!existsSync(join(root, parent))) return [];
    return readdirSync(join(root, parent)).map((name) => `${parent}/${name}`);
  });
  return ["", ...dirs.filter((dir) => existsSync(join(root, dir, "package.json"))).sort()];
}

/** @param {string} root  @returns {string} SHA-256 of everything that decides what is installed, hex */
export function hashInputs(root) {
  const hash = createHash("sha256").update(`${process.platform}-${process.arch}\n`);
  for (const file of ["package-lock.json", ...packageDirs(root).map((dir) => join(dir, "package.json"))]) {
    const content = readFileSync(join(root, file));
    hash.update(`${file} ${content.length}\n`).update(content);
  }
  return hash.digest("hex");
}

/**
 * @param {string} version  as `node --version` prints it
 * @param {string} minimum
 */
export function versionAtLeast(version, minimum) {
  /** @param {string} text */
  const parts = (text) => text.trim().replace(/^v/, "").split(".").map(Number);
  const [actual, wanted] = [parts(version), parts(minimum)];
  for (const [index, bound] of wanted.entries()) {
    const part = actual[index] ?? Number.NaN;
    if (part !== bound) return part > bound;
  }
  return true;
}

/**
 * @param {any} stamp                what the stamp file holds, unchecked
 * @param {string} hash              of the inputs now
 * @param {FileIdentity | null} node the Node binary now
 * @returns {boolean}
 */
export function stampFits(stamp, hash, node) {
  return (
    node !== null &&
    stamp?.hash === hash &&
    stamp.nodeBytes === node.bytes &&
    stamp.nodeMtimeMs === node.mtimeMs &&
    typeof stamp.nodeVersion === "string" &&
    versionAtLeast(stamp.nodeVersion, NODE_VERSION_MIN)
  );
}

/**
 * Compares npm's record of node_modules with the lock file.
 *
 * @param {LockFile | undefined} lock
 * @param {LockFile | undefined} installed
 * @returns {string | null} why they differ, null when everything is installed
 */
export function installedDiffers(lock, installed) {
  if (lock?.packages === undefined) return "package-lock.json cannot be read";
  if (installed?.packages === undefined) return "nothing is installed yet";
  for (const [path, wanted] of Object.entries(lock.packages)) {
    if (path === "") continue;
    const actual = installed.packages[path];
    // npm leaves out what is for another platform.
    if (actual === undefined && (wanted.optional || wanted.devOptional)) continue;
    if (actual === undefined) return `${path} is not installed`;
    if (["version", "integrity", "link"].some((field) => actual[field] !== wanted[field])) {
      return `${path} is another one than in package-lock.json`;
    }
  }
  const extra = Object.keys(installed.packages).find((path) => lock.packages?.[path] === undefined);
  return extra === undefined ? null : `${extra} is no longer in package-lock.json`;
}

const DEPENDENCY_FIELDS = ["dependencies", "devDependencies", "optionalDependencies"];

/**
 * A dependency that the lock file does not record for its package, but has all the same (a package of the
 * project itself, a version that another package asks for), needs no installation.
 *
 * @param {LockFile | undefined} lock
 * @param {{dir: string, manifest: any}[]} manifests  the package.json files of the project
 * @returns {string | null} the first thing that a manifest asks for and the lock file does not have
 */
export function lockLacks(lock, manifests) {
  const packages = lock?.packages ?? {};
  for (const { dir, manifest } of manifests) {
    const file = join(dir, "package.json");
    const locked = packages[dir];
    if (locked === undefined) return `${file} is not in package-lock.json`;
    for (const field of DEPENDENCY_FIELDS) {
      for (const [name, range] of Object.entries(manifest?.[field] ?? {})) {
        const entry = packages[`${dir}/node_modules/${name}`] ?? packages[`node_modules/${name}`];
        const had = locked[field]?.[name] === range || entry?.link === true || entry?.version === range;
        if (!had) return `${file} asks for ${name} ${range}, which package-lock.json does not have`;
      }
    }
  }
  return null;
}

/**
 * @param {string} root
 * @returns {{state: "current"} | {state: "unstamped", hash: string} | {state: "missing", hash: string, reason: string}}
 *   "unstamped": everything is there and only the stamp is to be written
 */
export function inspectInstall(root) {
  const hash = hashInputs(root);
  const node = fileIdentity(nodeBinary(root));
  if (stampFits(readJson(join(root, STAMP)), hash, node)) return { state: "current" };
  const lock = /** @type {LockFile | undefined} */ (readJson(join(root, "package-lock.json")));
  const installed = /** @type {LockFile | undefined} */ (readJson(join(root, INSTALLED_LOCK)));
  const manifests = packageDirs(root).map((dir) => ({ dir, manifest: readJson(join(root, dir, "package.json")) }));
  const absent = Object.keys(installed?.packages ?? {}).find((path) => !existsSync(join(root, path)));
  const reason =
    installedDiffers(lock, installed) ??
    lockLacks(lock, manifests) ??
    (absent === undefined ? null : `${absent} is gone`) ??
    (node === null ? "the project's own Node is not installed" : null);
  return reason === null ? { state: "unstamped", hash } : { state: "missing", hash, reason };
}

/**
 * Writes the stamp, whole or not at all.
 *
 * @param {string} root
 * @param {string} hash
 * @param {string} nodeVersion
 */
export function writeStamp(root, hash, nodeVersion) {
  const node = fileIdentity(nodeBinary(root));
  /** @type {Stamp} */
  const stamp = { hash, nodeVersion, nodeBytes: node?.bytes ?? 0, nodeMtimeMs: node?.mtimeMs ?? 0 };
  const path = join(root, STAMP);
  writeFileSync(`${path}.${process.pid}`, `${JSON.stringify(stamp)}\n`);
  renameSync(`${path}.${process.pid}`, path);
}
