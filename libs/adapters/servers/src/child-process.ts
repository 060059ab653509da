import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { rm } from "node:fs/promises";
import { delimiter, join } from "node:path";

/** Why a server did not start. The message says what to do. */
export class ServerStartError extends Error {
  override readonly name = "ServerStartError";
  readonly reason: "not-found" | "port-taken" | "exited" | "timeout";

  constructor(reason: ServerStartError["reason"], message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.reason = reason;
  }
}

export interface Child {
  readonly pid: number;
  /** The last output, at most `LOG_CHARS_MAX` characters. */
  logTail(): string;
  /** The error that kept it from starting, or how it ended; undefined while it runs. */
  ended(): string | undefined;
  spawnError(): NodeJS.ErrnoException | undefined;
  /** Resolves when it has ended, whoever ended it, with how. */
  readonly exited: Promise<string>;
  kill(signal: NodeJS.Signals): void;
  /** Asks it to end, forces it after `STOP_TIMEOUT_MS`, resolves when it and its directory are gone. */
  stop(): Promise<void>;
}

const LOG_CHARS_MAX = 16_384;
const STOP_TIMEOUT_MS = 5_000;

/** Where packages put servers, though not every user's path names it. */
const USUAL_FOLDERS = ["/usr/sbin", "/usr/local/sbin", "/usr/local/bin", "/opt/homebrew/bin"];

/** @param named wins, where it is set; the bare name where nothing is found, so that starting it tells what is missing */
export function findBinary(name: string, named: string | undefined): string {
  if (named !== undefined && named !== "") return named;
  const folders = [...(process.env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== ""), ...USUAL_FOLDERS];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path)) ?? name;
}

/**
 * Starts a process that ends with this one: by `stop`, or killed when this process exits. Its directory goes with it.
 * Only a signal that this process does not handle leaves both behind.
 */
export function startChild(binary: string, args: readonly string[], directory: string): Child {
  const child = spawn(binary, args, { stdio: ["ignore", "pipe", "pipe"] });
  let log = "";
  let ended: string | undefined;
  let spawnError: NodeJS.ErrnoException | undefined;
  const onOutput = (chunk: Buffer): void => {
    log = (log + chunk.toString()).slice(-LOG_CHARS_MAX);
  };
  child.stdout.on("data", onOutput);
  child.stderr.on("data", onOutput);
  const endNow = (): void => {
    child.kill("SIGKILL");
    rmSync(directory, { recursive: true, force: true });
  };
  process.once("exit", endNow);
  const gone = new Promise<string>((resolve) => {
    const end = (how: string): void => {
      ended ??= how;
      resolve(ended);
    };
    child.once("error", (error) => {
      spawnError = error;
      if (child.pid === undefined) end(error.message);
    });
    child.once("close", (code, signal) => end(signal === null ? `exited with code ${code}` : `ended by ${signal}`));
  });
  return {
    pid: child.pid ?? -1,
    logTail: () => log,
    ended: () => ended,
    exited: gone,
    spawnError: () => spawnError,
    kill: (signal) => void child.kill(signal),
    async stop() {
      await stop(child, gone);
      process.removeListener("exit", endNow);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function stop(child: ChildProcess, gone: Promise<unknown>): Promise<void> {
  child.kill("SIGTERM");
  child.kill("SIGCONT"); // a stopped process would not see the first
  const force = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
  await gone;
  clearTimeout(force);
}

/** Polls until the check yields a value. @throws ServerStartError when the child ends first or the time is over */
export async function untilReady<T>(
  child: Child,
  what: { readonly binary: string; readonly install: string; readonly timeoutMs: number },
  check: () => Promise<T | undefined>,
): Promise<T> {
  const untilMs = performance.now() + what.timeoutMs;
  for (;;) {
    const spawnError = child.spawnError();
    if (spawnError?.code === "ENOENT") {
      throw new ServerStartError("not-found", `${what.binary} is not installed; ${what.install}`, spawnError);
    }
    const ended = child.ended();
    if (ended !== undefined) {
      const taken = /address already in use/i.test(child.logTail());
      const hint = taken ? "its port is taken; choose another or leave it out for a free one" : "its last output follows";
      throw new ServerStartError(taken ? "port-taken" : "exited", `${what.binary} ${ended}: ${hint}\n${child.logTail()}`);
    }
    const value = await check();
    if (value !== undefined) return value;
    if (performance.now() > untilMs) {
      throw new ServerStartError("timeout", `${what.binary} was not ready within ${what.timeoutMs} ms\n${child.logTail()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
