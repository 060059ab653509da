import { readFileSync } from "node:fs";

/** Processor time of processes and of the machine, from Linux's /proc; undefined elsewhere. In seconds. */

/** `sysconf(_SC_CLK_TCK)`: a constant of Linux's interface to programs, whatever the kernel's own. */
const TICKS_PER_SECOND = 100;

/** User and system time of a process since its start, all its threads together. */
function processSeconds(pid: number): number | undefined {
  const text = read(`/proc/${pid}/stat`);
  // The second field, the program's name in brackets, may hold anything.
  const fields = text?.slice(text.lastIndexOf(")") + 2).split(" ");
  const [user, system] = [Number(fields?.[11]), Number(fields?.[12])];
  return Number.isFinite(user + system) ? (user + system) / TICKS_PER_SECOND : undefined;
}

/** Busy time of all cores since the machine's start, and what a hypervisor kept from it. */
function machineSeconds(): { readonly busy: number; readonly stolen: number } | undefined {
  const line = read("/proc/stat")?.split("\n", 1)[0];
  const [user, nice, system, , , irq, softirq, steal] = line?.trim().split(/\s+/).slice(1).map(Number) ?? [];
  const busy = (user ?? Number.NaN) + (nice ?? 0) + (system ?? 0) + (irq ?? 0) + (softirq ?? 0);
  return Number.isFinite(busy) ? { busy: busy / TICKS_PER_SECOND, stolen: (steal ?? 0) / TICKS_PER_SECOND } : undefined;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/** What was spent between two readings. */
export interface Spent {
  /** By role. */
  readonly seconds: Readonly<Record<string, number>>;
  /** Cores that processes outside the bench kept busy on average, the hypervisor's share included. */
  readonly othersCores: number | undefined;
}

/** @returns a function that reads again and says what was spent since */
export function startSpending(roles: readonly { readonly name: string; readonly pid: number }[]): () => Spent {
  const processes = [...roles, { name: "bench", pid: process.pid }];
  const readAll = () => ({
    atMs: performance.now(),
    machine: machineSeconds(),
    each: processes.map(({ pid }) => processSeconds(pid)),
  });
  const before = readAll();
  return () => {
    const after = readAll();
    const seconds: Record<string, number> = {};
    let own = 0;
    for (const [index, { name }] of processes.entries()) {
      const spent = (after.each[index] ?? Number.NaN) - (before.each[index] ?? Number.NaN);
      if (!Number.isFinite(spent)) continue;
      seconds[name] = Math.round(((seconds[name] ?? 0) + spent) * 1_000) / 1_000;
      own += spent;
    }
    const elapsedS = (after.atMs - before.atMs) / 1_000;
    if (before.machine === undefined || after.machine === undefined) return { seconds, othersCores: undefined };
    const all = after.machine.busy - before.machine.busy + after.machine.stolen - before.machine.stolen;
    return { seconds, othersCores: Math.max(0, Math.round(((all - own) / elapsedS) * 100) / 100) };
  };
}
