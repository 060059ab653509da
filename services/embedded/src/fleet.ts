import { type ChildProcess, spawn } from "node:child_process";
import { join, resolve } from "node:path";

/** The example fleet as child processes: three connections, eight agents each. */

const repository = resolve(import.meta.dirname, "../../..");

export const FLEET_AGENTS = 24;
const PROCESSES = 3;

export interface Fleet {
  readonly pids: readonly number[];
  /** Ends the processes gracefully, by force after a while. */
  stop(withinMs: number): Promise<void>;
}

export function startFleet(
  environment: Readonly<Record<string, string | undefined>>,
  onExit: (code: number | null) => void,
): Fleet {
  const perProcess = FLEET_AGENTS / PROCESSES;
  let stopping = false;
  const children = Array.from({ length: PROCESSES }, (_, index) => {
    const child = spawn(process.execPath, [join(repository, "examples/code-search/src/main.ts")], {
      // stdout is for results; the channel lets a child notice that its parent is gone. Its own group: Ctrl-C reaches
      // the parent alone, which ends the fleet in order.
      stdio: ["ignore", "ignore", "inherit", "ipc"],
      detached: true,
      env: {
        ...environment,
        CODE_SEARCH_ROOT: join(repository, "node_modules"),
        CODE_SEARCH_SHARDS: String(FLEET_AGENTS),
        CODE_SEARCH_FIRST: String(index * perProcess),
        CODE_SEARCH_COUNT: String(perProcess),
      },
    });
    child.once("exit", (code) => {
      if (!stopping) onExit(code);
    });
    return child;
  });
  return {
    pids: children.map((child) => child.pid ?? 0),
    async stop(withinMs) {
      stopping = true;
      await Promise.all(children.map((child) => end(child, withinMs)));
    },
  };
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
