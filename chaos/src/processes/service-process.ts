import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/**
 * A service's own program as a child process, and the JSON lines that it logs.
 *
 * Invariants
 * P1. It ends with this process: by `end`, by force when this one exits, or by itself where this one is killed.
 * P2. It is signalled by its own process id alone.
 */
export interface ServiceProcess {
  readonly pid: number;
  signal(signal: NodeJS.Signals): void;
  /** How it ended, where it did though nobody asked it to. */
  died(): string | undefined;
  /** Its last output. */
  logTail(): string;
  /** Resolves when it has ended, whoever ended it. */
  readonly gone: Promise<void>;
  /** Asks it to end, forces it after a while. */
  end(signal: "SIGTERM" | "SIGKILL"): Promise<void>;
}

export interface ServiceProcessOptions {
  /** Path of the program, from the repository root. */
  readonly program: string;
  readonly env: Readonly<Record<string, string>>;
  readonly onLine: (line: Readonly<Record<string, unknown>>) => void;
}

const END_TIMEOUT_MS = 8_000;
const LOG_CHARS_MAX = 4_096;
const root = new URL("../../../", import.meta.url);
/** Ends the process when its parent is gone. */
const endWithParent = new URL("infra/setup/exit-with-parent.mjs", root).href;

/** P1: those that run. One listener for all of them. */
const running = new Set<() => void>();
process.once("exit", () => {
  for (const force of running) force();
});

export function startServiceProcess({ program, env, onLine }: ServiceProcessOptions): ServiceProcess {
  const child = spawn(process.execPath, ["--import", endWithParent, fileURLToPath(new URL(program, root))], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env["PATH"] ?? "", ...env, NEXUS_SETUP_PID: String(process.pid) },
  });
  let log = "";
  let rest = "";
  const keep = (text: string): void => {
    log = (log + text).slice(-LOG_CHARS_MAX);
  };
  child.stderr.setEncoding("utf8").on("data", keep);
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    keep(text);
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const read = readLine(line);
      if (read !== undefined) onLine(read);
    }
  });
  let asked = false;
  let ended: string | undefined;
  const force = (): void => void child.kill("SIGKILL");
  running.add(force);
  const gone = new Promise<void>((resolve) => {
    const end = (how: string): void => {
      ended ??= how;
      running.delete(force);
      resolve();
    };
    child.once("error", (error) => end(error.message));
    child.once("close", (code, signal) => end(signal === null ? `exited with code ${code}` : `was ended by ${signal}`));
  });
  return {
    pid: child.pid ?? -1,
    signal: (signal) => void child.kill(signal), // P2
    died: () => (asked ? undefined : ended),
    logTail: () => log,
    gone,
    async end(signal) {
      asked = true;
      child.kill(signal);
      if (signal !== "SIGKILL") child.kill("SIGCONT"); // a stopped process would not see the first
      const late = setTimeout(force, END_TIMEOUT_MS);
      await gone;
      clearTimeout(late);
    },
  };
}

/** Undefined for what is no JSON object. */
function readLine(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
