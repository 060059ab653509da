import { renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { NexusError } from "@nexus/contracts";

/** One writer at a time among processes: whoever makes the file holds the lock, and what dies holding it is cleared away. */

const WAIT_MS = 2_000;
const RETRY_MS = 25;
/** Holders need a few milliseconds. */
const ABANDONED_MS = 10_000;

/** @throws NexusError `timeout` where another holds it all the while */
export async function whileLocked<T>(lock: string, action: () => T): Promise<T> {
  const untilMs = performance.now() + WAIT_MS;
  while (!take(lock)) {
    clearAbandoned(lock);
    if (performance.now() >= untilMs) {
      throw new NexusError("timeout", `another nexus writes (${lock}); try again, or remove that file if none runs`);
    }
    await pause(RETRY_MS);
  }
  try {
    return action();
  } finally {
    rmSync(lock, { force: true });
  }
}

/** Whether it is ours now. */
function take(lock: string): boolean {
  try {
    writeFileSync(lock, "", { flag: "wx", mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

function clearAbandoned(lock: string): void {
  const since = statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
  if (Date.now() - since < ABANDONED_MS) return;
  // Of several that see it, one moves it away.
  const away = `${lock}.${process.pid}`;
  try {
    renameSync(lock, away);
  } catch {
    return; // another was first
  }
  rmSync(away, { force: true });
}
