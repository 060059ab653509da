import { spawn } from "node:child_process";
import { CheckError } from "./errors.ts";

/**
 * Runs command-line tools: each in a process group of its own, with a deadline, and with its output kept back.
 *
 * Invariants
 * R1. A tool that is over its deadline, or whose caller is interrupted, is ended, by force after a while; it is waited for.
 * R2. Output is bounded: of each stream the last part is kept.
 */

export interface ToolOptions {
  readonly deadlineMs: number;
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Aborted: the tool is ended, and the reason is thrown. */
  readonly signal?: AbortSignal;
}

export interface ToolResult {
  readonly ok: boolean;
  /** "exit code 1", "ended by SIGTERM", "not done within 5 s", or why it could not be started. */
  readonly reason: string;
  readonly stdout: string;
  readonly stderr: string;
}

const OUTPUT_CHARS_MAX = 4 * 1_048_576;
const FORCE_AFTER_MS = 10_000;
/** How long the pipes of a tool that has ended may stay open. */
const PIPE_GRACE_MS = 500;

export async function runTool(words: readonly string[], options: ToolOptions): Promise<ToolResult> {
  options.signal?.throwIfAborted();
  const [command = "", ...args] = words;
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: options.env,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const streams = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      streams[name] = (streams[name] + text).slice(-OUTPUT_CHARS_MAX); // R2
    });
  }
  let late = false;
  let force: NodeJS.Timeout | undefined;
  const end = () => {
    sendToGroup(child.pid, "SIGTERM");
    force ??= setTimeout(() => sendToGroup(child.pid, "SIGKILL"), FORCE_AFTER_MS);
  };
  const deadline = setTimeout(() => {
    late = true;
    end();
  }, options.deadlineMs);
  options.signal?.addEventListener("abort", end, { once: true });
  const reason = await new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    const ended = (code: number | null, signal: string | null) =>
      resolve(signal === null ? `exit code ${code}` : `ended by ${signal}`);
    child.once("close", ended);
    child.once("exit", (code, signal) => setTimeout(ended, PIPE_GRACE_MS, code, signal).unref());
  });
  clearTimeout(deadline);
  clearTimeout(force);
  options.signal?.removeEventListener("abort", end);
  child.stdout.destroy();
  child.stderr.destroy();
  options.signal?.throwIfAborted(); // R1
  if (late) return { ok: false, reason: `not done within ${options.deadlineMs / 1_000} s`, ...streams };
  return { ok: reason === "exit code 0", reason, ...streams };
}

/** @returns stdout @throws CheckError with the last lines of what the tool said */
export async function mustRun(words: readonly string[], options: ToolOptions): Promise<string> {
  const result = await runTool(words, options);
  if (result.ok) return result.stdout;
  throw new CheckError(`${words.join(" ")}: ${result.reason}`, lastLines(`${result.stdout}\n${result.stderr}`));
}

export function lastLines(text: string, linesMax = 40): string {
  return text.trim().split("\n").slice(-linesMax).join("\n");
}

function sendToGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended, or it runs as another user (sudo) and ends by itself.
  }
}
