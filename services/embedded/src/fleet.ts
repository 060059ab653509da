import { type ChildProcess, spawn } from "node:child_process";
import { join, resolve } from "node:path";
import type { Logger } from "@nexus/ports";
import type { Environment } from "@nexus/runtime";

/** The example fleet as child processes: three connections, eight agents each. */

const repository = resolve(import.meta.dirname, "../../..");

export const FLEET_AGENTS = 24;
const PROCESSES = 3;

/** A process that ends is started again after this time, */
const RESTART_AFTER_MS = 1_000;
/** unless it has ended so often. */
const RESTARTS_MAX = 10;

export interface Fleet {
  /** Whether a process has ended too often to be started again. */
  failed(): boolean;
  /** Ends the processes gracefully, by force after a while. */
  stop(withinMs: number): Promise<void>;
}

export function startFleet(environment: Environment, logger: Logger): Fleet {
  const perProcess = FLEET_AGENTS / PROCESSES;
  const children = new Set<ChildProcess>();
  let stopping = false;
  let restarts = 0;
  const start = (first: number): void => {
    const child = spawnAgents(environment, first, perProcess);
    children.add(child);
    child.once("exit", (code, signal) => {
      children.delete(child);
      if (stopping) return;
      const again = restarts++ < RESTARTS_MAX;
      logger.error({ code, signal, first, again }, "a process of the fleet ended");
      if (again) setTimeout(() => stopping || start(first), RESTART_AFTER_MS).unref();
    });
  };
  for (let index = 0; index < PROCESSES; index++) start(index * perProcess);
  return {
    failed: () => restarts > RESTARTS_MAX,
    async stop(withinMs) {
      stopping = true;
      await Promise.all([...children].map((child) => end(child, withinMs)));
    },
  };
}

function spawnAgents(environment: Environment, first: number, count: number): ChildProcess {
  return spawn(process.execPath, [join(repository, "examples/code-search/src/main.ts")], {
    // stdout is for results; the channel lets a child notice that its parent is gone. Its own group: Ctrl-C reaches
    // the parent alone, which ends the fleet in order.
    stdio: ["ignore", "ignore", "inherit", "ipc"],
    detached: true,
    env: {
      ...environment,
      CODE_SEARCH_ROOT: join(repository, "node_modules"),
      CODE_SEARCH_SHARDS: String(FLEET_AGENTS),
      CODE_SEARCH_FIRST: String(first),
      CODE_SEARCH_COUNT: String(count),
      // Three processes cannot share one port; their parent watches them.
      NEXUS_HEALTH_PORT: "0",
    },
  });
}

function end(child: ChildProcess, withinMs: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    const force = setTimeout(() => child.kill("SIGKILL"), withinMs);
    child.once("exit", () => {
      clearTimeout(force);
      resolve();
    });
    child.kill("SIGTERM");
  });
}
