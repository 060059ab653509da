import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { basename, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

/**
 * What a private engine leaves on a machine, and its removal: also after it was killed, when nobody has cleaned up.
 *
 * Invariants
 * T1. A process is ended by its id, and only where it is a part of Docker that was started with a folder of this engine, or
 *     its control group is the engine's.
 * T2. Nothing is deleted below a folder while something is mounted there.
 */

export interface EngineRemains {
  /** Sockets, logs, process ids. */
  readonly runDir: string;
  /** Images, volumes, containers. */
  readonly dataDir: string;
  /** Name of the control group of every container. */
  readonly cgroup: string;
}

/** Runs a command as root, whether or not it succeeds. @returns its stdout */
export type Run = (words: readonly string[]) => Promise<string>;

const DOCKER_PARTS = ["dockerd", "containerd", "containerd-shim-runc-v2", "containerd-shim", "sudo"];
const CGROUP_ROOT = "/sys/fs/cgroup";
const ENDING_MS_MAX = 10_000;
const POLL_MS = 50;
/** A mount may lie on another one of the same folder. */
const UNMOUNT_ROUNDS_MAX = 5;

/** @returns what could not be removed */
export async function removeRemains(remains: EngineRemains, run: Run): Promise<string[]> {
  const dirs = [remains.runDir, remains.dataDir];
  await endProcesses(remains, run); // T1
  const left = await removeBridges(remains, run);
  for (const dir of dirs) {
    for (let round = 0; round < UNMOUNT_ROUNDS_MAX && mountsBelow(dir).length > 0; round++) {
      for (const path of mountsBelow(dir)) await run(["umount", "-l", path]);
    }
    if (mountsBelow(dir).length === 0) await run(["rm", "-rf", "--one-file-system", dir]); // T2
    if (existsSync(dir)) left.push(dir);
  }
  for (const path of cgroupsOf(remains.cgroup)) await run(["rmdir", path]);
  return [...left, ...cgroupsOf(remains.cgroup)];
}

async function endProcesses(remains: EngineRemains, run: Run): Promise<void> {
  const endMs = performance.now() + ENDING_MS_MAX;
  for (let pids = processesOf(remains); pids.length > 0 && performance.now() < endMs; pids = processesOf(remains)) {
    await run(["kill", "-KILL", ...pids]);
    await delay(POLL_MS);
  }
}

/** An engine that was killed leaves the bridges of its networks; its data base names them. @returns those that remain */
async function removeBridges({ dataDir }: EngineRemains, run: Run): Promise<string[]> {
  const names = await run(["grep", "-aoE", "br-[0-9a-f]{12}", join(dataDir, "network", "files", "local-kv.db")]);
  const isThere = (name: string) => existsSync(join("/sys/class/net", name));
  const bridges = [...new Set(names.split("\n"))].filter((name) => name !== "" && isThere(name));
  for (const name of bridges) await run(["ip", "link", "delete", name]);
  return bridges.filter(isThere);
}

function processesOf({ runDir, dataDir, cgroup }: EngineRemains): string[] {
  const named = numericEntries("/proc").filter((pid) => {
    const words = readOr(`/proc/${pid}/cmdline`).split("\0");
    const isPart = DOCKER_PARTS.includes(basename(words[0] ?? ""));
    return isPart && words.some((word) => [runDir, dataDir].some((dir) => word === dir || word.includes(`${dir}/`)));
  });
  const contained = cgroupsOf(cgroup).flatMap((path) => readOr(join(path, "cgroup.procs")).split("\n"));
  const own = String(process.pid);
  return [...new Set([...named, ...contained])].filter((pid) => pid !== "" && pid !== own);
}

/** The mounts at or below a folder, innermost first. */
export function mountsBelow(dir: string, table = readOr("/proc/self/mountinfo")): string[] {
  const real = existsSync(dir) ? realpathSync(dir) : dir;
  return table
    .split("\n")
    .map((line) => unescaped(line.split(" ")[4] ?? ""))
    .filter((path) => path === real || path.startsWith(`${real}/`))
    .reverse();
}

/** The kernel writes a space as \040. */
const unescaped = (path: string) =>
  path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));

/** The folders of a control group and of those below it, innermost first, in every hierarchy (v1 has many, v2 one). */
export function cgroupsOf(name: string, root = CGROUP_ROOT): string[] {
  const hierarchies = [root, ...folders(root)];
  return [...new Set(hierarchies.map((hierarchy) => join(hierarchy, name)))].filter(existsSync).flatMap(withinFirst);
}

function withinFirst(dir: string): string[] {
  return [...folders(dir).flatMap(withinFirst), dir];
}

function folders(dir: string): string[] {
  try {
    const entries = readdirSync(dir, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map((entry) => join(dir, entry.name));
  } catch {
    return []; // gone meanwhile, or no such folder on this kernel
  }
}

const numericEntries = (dir: string) => readdirSync(dir).filter((name) => /^\d+$/.test(name));

function readOr(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // gone meanwhile
  }
}
