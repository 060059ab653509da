import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Role } from "../suite.ts";
import type { FromRole, Told } from "./parent.ts";

/**
 * A role's process, seen from the bench.
 *
 * Invariants
 * P1. It ends with the bench: by `stop`, by force after a while, or by itself where the bench is killed.
 * P2. One order at a time; the end of the process fails the order that is under way.
 */
export interface RoleProcess extends Role {
  /** What it said when it was ready. */
  readonly told: Told;
  /** @param onMark told when the order reaches a mark @throws Error where the role failed or ended */
  order<Order extends object, Answer>(order: Order, onMark?: (mark: "begin" | "end") => void): Promise<Answer>;
  /** How it ended, where it did though nobody asked it to. */
  died(): string | undefined;
  stop(): Promise<void>;
}

export interface RoleOptions {
  readonly name: string;
  /** Path of the program, TypeScript or JavaScript. */
  readonly program: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Where its processor profile goes; absent, none is made. */
  readonly profileDir?: string | undefined;
  /** Output that says that it is ready; absent, it says so by a message. */
  readonly readyText?: string;
}

const READY_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 8_000;
const LOG_CHARS_MAX = 8_192;

/** Ends the process when its parent is gone. */
const endWithParent = new URL("../../../infra/setup/exit-with-parent.mjs", import.meta.url).href;

export async function startRole(options: RoleOptions): Promise<RoleProcess> {
  const { name, profileDir } = options;
  const child = fork(options.program, [], {
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    execArgv: [
      "--import",
      endWithParent,
      ...(profileDir === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profileDir}`, `--cpu-prof-name=${name}.cpuprofile`]),
    ],
    env: { PATH: process.env["PATH"] ?? "", ...options.env, NEXUS_SETUP_PID: String(process.pid) },
  });
  const log = tailOf(child);
  let stopping = false;
  let ended: string | undefined;
  const gone = new Promise<void>((resolve) => {
    const end = (how: string): void => {
      ended ??= how;
      resolve();
    };
    child.once("error", (error) => end(error.message));
    child.once("exit", (code, signal) => end(signal === null ? `exited with code ${code}` : `was ended by ${signal}`));
  });
  const stop = async (): Promise<void> => {
    stopping = true;
    if (ended !== undefined) return;
    child.kill("SIGTERM");
    const force = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
    await gone;
    clearTimeout(force);
  };
  const endedBadly = (): Error => new Error(`${name} ${ended ?? "does not answer"}\n${log()}`);
  let told: Told;
  try {
    told = await untilReady(child, options.readyText, log, gone, endedBadly);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    name,
    told,
    pid: child.pid ?? -1,
    order: (order, onMark) => carryOut(child, order, onMark, gone, endedBadly),
    died: () => (stopping || ended === undefined ? undefined : `${name} ${ended}`),
    stop,
  };
}

/** The program of a role of this package. */
export function roleProgram(name: string): string {
  return fileURLToPath(new URL(`../roles/${name}.ts`, import.meta.url));
}

function tailOf(child: ChildProcess): () => string {
  let tail = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      tail = (tail + text).slice(-LOG_CHARS_MAX);
    });
  }
  return () => tail;
}

function untilReady(
  child: ChildProcess,
  readyText: string | undefined,
  log: () => string,
  gone: Promise<void>,
  endedBadly: () => Error,
): Promise<Told> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(endedBadly()), READY_TIMEOUT_MS);
    const done = (told: Told): void => {
      clearTimeout(late);
      resolve(told);
    };
    void gone.then(() => {
      clearTimeout(late);
      reject(endedBadly());
    });
    if (readyText === undefined)
      child.once("message", (message: FromRole<never>) => done(message.kind === "ready" ? message.told : {}));
    else
      child.stdout?.on("data", () => {
        if (log().includes(readyText)) done({});
      });
  });
}

/** P2 */
function carryOut<Answer>(
  child: ChildProcess,
  order: object,
  onMark: ((mark: "begin" | "end") => void) | undefined,
  gone: Promise<void>,
  endedBadly: () => Error,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const take = (message: FromRole<Answer>): void => {
      if (message.kind === "mark") return onMark?.(message.mark);
      child.removeListener("message", take);
      if (message.kind === "done") resolve(message.answer);
      else reject(new Error(message.kind === "failed" ? message.message : "the role began anew"));
    };
    child.on("message", take);
    void gone.then(() => reject(endedBadly()));
    child.send(order, (error) => {
      if (error !== null) reject(error);
    });
  });
}
