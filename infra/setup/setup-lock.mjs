// @ts-check
/**
 * One set-up at a time in a working copy: a lock directory that names its owner.
 *
 * Invariants
 *  L1 mkdir decides who owns the lock; nothing else does.
 *  L2 A lock is taken over only when its owner is provably gone, and by one taker: the takeover has a
 *     lock directory of its own, under which the owner is read again.
 */
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { readJson } from "./install-stamp.mjs";

const POLL_MS = 200;
/** A directory without an owner this old was left by a process that died before it signed. */
const UNSIGNED_AGE_MS_MAX = 10_000;
const WAIT_MS_MAX = 30 * 60_000;

/** @typedef {{pid: number, startedAt: string | null}} LockOwner */

/**
 * When a process started, so that a reused process id is not taken for the old owner.
 *
 * @param {number} pid
 * @returns {string | null} the kernel's value on Linux, null elsewhere
 */
export function processStart(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field may hold blanks and brackets; the start time is the 20th after it.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? null;
  } catch {
    return null; // no /proc, or no such process: the process id alone decides
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === "EPERM";
  }
}

/**
 * @param {any} owner             what the owner file holds, unchecked
 * @param {number} ageMs          of the lock directory
 * @param {(pid: number) => boolean} alive
 * @param {(pid: number) => string | null} startOf
 * @returns {boolean} whether the lock was left behind
 */
export function lockIsStale(owner, ageMs, alive = isAlive, startOf = processStart) {
  if (typeof owner?.pid !== "number") return ageMs > UNSIGNED_AGE_MS_MAX;
  if (!alive(owner.pid)) return true;
  const start = startOf(owner.pid);
  return start !== null && owner.startedAt !== null && start !== owner.startedAt;
}

/** @param {string} dir  @returns {boolean} false when it is there already */
function makeDir(dir) {
  try {
    mkdirSync(dir);
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === "EEXIST") return false;
    throw error;
  }
}

/** @param {string} dir  @returns {{owner: any, stale: boolean}} */
function inspectLock(dir) {
  const stats = statSync(dir, { throwIfNoEntry: false });
  if (stats === undefined) return { owner: undefined, stale: false };
  const owner = readJson(join(dir, "owner.json"));
  return { owner, stale: lockIsStale(owner, Date.now() - stats.mtimeMs) };
}

/** @param {string} dir  L2 */
function removeStale(dir) {
  const takeover = `${dir}.takeover`;
  if (!makeDir(takeover)) {
    const stats = statSync(takeover, { throwIfNoEntry: false });
    if (stats !== undefined && Date.now() - stats.mtimeMs > UNSIGNED_AGE_MS_MAX)
      rmSync(takeover, { recursive: true, force: true });
    return;
  }
  try {
    if (inspectLock(dir).stale) rmSync(dir, { recursive: true, force: true });
  } finally {
    rmSync(takeover, { recursive: true, force: true });
  }
}

/**
 * Runs `work` while holding the lock; waits for another owner first. The lock is also released when the
 * process exits in between.
 *
 * @template T
 * @param {string} dir  of the lock; its parent is made
 * @param {(text: string) => void} say  told once when there is a wait
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 * @throws {Error} when another owner holds it for 30 minutes
 */
export async function withLock(dir, say, work) {
  mkdirSync(dirname(dir), { recursive: true });
  const deadlineMs = performance.now() + WAIT_MS_MAX;
  let told = false;
  while (!makeDir(dir)) {
    const { owner, stale } = inspectLock(dir);
    if (stale) {
      removeStale(dir);
      continue;
    }
    if (!told) say(`waiting for the set-up that runs already (process ${owner?.pid ?? "unknown"})`);
    told = true;
    if (performance.now() > deadlineMs) throw new Error(`another set-up still holds ${dir}; if none runs, remove it`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  const release = () => rmSync(dir, { recursive: true, force: true });
  process.once("exit", release);
  try {
    /** @type {LockOwner} */
    const owner = { pid: process.pid, startedAt: processStart(process.pid) };
    writeFileSync(join(dir, "owner.json"), JSON.stringify(owner));
    return await work();
  } finally {
    process.off("exit", release);
    release();
  }
}
