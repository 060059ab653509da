// @ts-check
/**
 * Child processes and the signals that pass through to them.
 *
 * Every child runs in a session of its own, so the only signals it gets are the ones relayed here. A
 * Ctrl-C reaches this process twice (from the terminal, and again from npm, which relays what it gets),
 * and would reach the child's own children too: a server would be gone before the drain that needs it.
 *
 * Invariants
 *  C1 One press of Ctrl-C is one signal for the child; a second press is a second one; the third kills.
 *  C2 When the program ends, nothing of its process group is left, however it ended.
 *  C3 The exit code is the child's, or 128 + the signal's number.
 *
 * The scripts in package.json start with `exec`: npm signals only the shell that it started, and a shell
 * that waits for its command dies of SIGTERM without passing it on.
 *
 * That a SIGKILL of this process leaves no orphan either is exit-with-parent.mjs's part.
 */
import { spawn } from "node:child_process";
import { constants } from "node:os";

/** Copies of one signal arrive within a few milliseconds; a person's second press does not. */
const DUPLICATE_WINDOW_MS = 400;
const PRESSES_UNTIL_KILL = 3;
/** How long what the program left behind may take to stop after SIGTERM, before SIGKILL. */
const LEFTOVER_GRACE_MS = 3_000;
const LEFTOVER_POLL_MS = 25;
/** How long the pipes of a tool that has ended may stay open. */
const PIPE_GRACE_MS = 500;
/** Of a failed tool's output both ends are shown: npm names the cause first, a compiler last. */
const HEAD_LINES_MAX = 15;
const TAIL_LINES_MAX = 25;
const OUTPUT_CHARS_MAX = 64 * 1024;
/** @type {NodeJS.Signals[]} */
const ENDING_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"];

/** The work was ended by a signal; `exitCode` is what the process should leave with. */
export class InterruptedError extends Error {
  /** @param {NodeJS.Signals} signal */
  constructor(signal) {
    super(`interrupted by ${signal}`);
    this.exitCode = exitCodeOf(null, signal);
  }
}

/**
 * @param {number | null} code
 * @param {NodeJS.Signals | null} signal
 * @returns {number} C3
 */
export function exitCodeOf(code, signal) {
  if (code !== null) return code;
  return 128 + (signal === null ? 0 : (constants.signals[signal] ?? 0));
}

/**
 * Tells a repeated delivery of one event from a new wish (C1).
 *
 * @param {() => number} nowMs  a monotonic clock
 * @returns {(signal: string) => "relay" | "duplicate" | "kill"}
 */
export function createSignalGate(nowMs) {
  /** @type {Map<string, number>} */
  const lastSeenMs = new Map();
  let relayed = 0;
  return (signal) => {
    const last = lastSeenMs.get(signal);
    const now = nowMs();
    if (last !== undefined && now - last < DUPLICATE_WINDOW_MS) return "duplicate";
    lastSeenMs.set(signal, now);
    relayed += 1;
    return relayed >= PRESSES_UNTIL_KILL ? "kill" : "relay";
  };
}

/**
 * @typedef {object} SignalTarget
 * @property {(signal: NodeJS.Signals) => void} relay
 * @property {() => void} kill
 *
 * @typedef {object} SignalRelay
 * @property {(target: SignalTarget) => () => void} attach  gives signals to the target until detached
 * @property {() => NodeJS.Signals | null} interruptedBy    the first ending signal, if there was one
 * @property {() => void} close
 */

/**
 * Takes over SIGINT, SIGTERM and SIGHUP of this process. Without a target a signal ends the process.
 *
 * @returns {SignalRelay}
 */
export function openSignalRelay() {
  const gate = createSignalGate(() => performance.now());
  /** @type {SignalTarget | null} */
  let target = null;
  /** @type {NodeJS.Signals | null} */
  let first = null;
  /** @param {NodeJS.Signals} signal */
  const onSignal = (signal) => {
    const verdict = gate(signal);
    if (verdict === "duplicate") return;
    first ??= signal;
    if (target === null) process.exit(exitCodeOf(null, signal));
    else if (verdict === "kill") target.kill();
    else target.relay(signal);
  };
  for (const signal of ENDING_SIGNALS) process.on(signal, onSignal);
  return {
    attach(next) {
      target = next;
      return () => {
        target = null;
      };
    },
    interruptedBy: () => first,
    close() {
      for (const signal of ENDING_SIGNALS) process.off(signal, onSignal);
    },
  };
}

/**
 * Signals a process, or its whole group with a negative id.
 *
 * @param {number} pid
 * @param {NodeJS.Signals | 0} signal
 * @returns {boolean} false when there is nothing (left) to signal
 */
function sendSignal(pid, signal) {
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    const code = /** @type {NodeJS.ErrnoException} */ (error).code;
    if (code === "ESRCH") return false;
    if (code === "EPERM") return false; // it runs as another user (sudo): it ends by itself
    throw error;
  }
}

/**
 * @param {import("node:child_process").ChildProcess} child
 * @returns {Promise<{code: number | null, signal: NodeJS.Signals | null}>}
 *   rejects when the program cannot be started at all
 */
function ended(child) {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ code, signal }));
    // A service that a tool started may hold the pipes open for ever; its own output is read by then.
    child.once("exit", (code, signal) => setTimeout(resolve, PIPE_GRACE_MS, { code, signal }).unref());
  });
}

/**
 * C2: ends what is left of a process group whose leader is gone (servers that it had started).
 *
 * @param {number} groupId
 */
async function stopLeftovers(groupId) {
  if (!sendSignal(-groupId, "SIGTERM")) return;
  const deadlineMs = performance.now() + LEFTOVER_GRACE_MS;
  while (performance.now() < deadlineMs) {
    if (!sendSignal(-groupId, 0)) return;
    await new Promise((resolve) => setTimeout(resolve, LEFTOVER_POLL_MS));
  }
  sendSignal(-groupId, "SIGKILL");
}

/**
 * Signals of the terminal that a program in another session would miss.
 *
 * @param {number} pid
 * @returns {() => void} stops it
 */
function relayTerminalSignals(pid) {
  const onResize = () => sendSignal(pid, "SIGWINCH");
  const onStop = () => {
    sendSignal(-pid, "SIGSTOP");
    process.kill(process.pid, "SIGSTOP");
  };
  const onContinue = () => sendSignal(-pid, "SIGCONT");
  process.on("SIGWINCH", onResize);
  process.on("SIGTSTP", onStop);
  process.on("SIGCONT", onContinue);
  return () => {
    process.off("SIGWINCH", onResize);
    process.off("SIGTSTP", onStop);
    process.off("SIGCONT", onContinue);
  };
}

/**
 * Runs a program in place of this one: its input and output are this process's own.
 *
 * @param {{command: string, args: string[], cwd: string, env: NodeJS.ProcessEnv, relay: SignalRelay}} options
 * @returns {Promise<number>} the exit code to leave with (C3)
 */
export async function runForeground({ command, args, cwd, env, relay }) {
  const child = spawn(command, args, { cwd, env, stdio: "inherit", detached: true });
  const end = ended(child);
  const pid = child.pid;
  if (pid === undefined) return exitCodeOf((await end).code, null); // rejects with the reason
  const detach = relay.attach({
    relay: (signal) => sendSignal(pid, signal),
    kill: () => sendSignal(-pid, "SIGKILL"),
  });
  const stopRelaying = relayTerminalSignals(pid);
  try {
    const { code, signal } = await end;
    return exitCodeOf(code, signal);
  } finally {
    await stopLeftovers(pid);
    stopRelaying();
    detach();
  }
}

/**
 * Runs a tool of the set-up with its output kept back.
 *
 * @param {{command: string, args: string[], cwd?: string, env?: NodeJS.ProcessEnv, relay: SignalRelay,
 *   finish?: boolean}} options  `finish`: the first interrupt waits for the tool to end by itself
 * @returns {Promise<{ok: boolean, reason: string, output: string}>} `output`: both streams, shortened
 * @throws {InterruptedError} after the tool has ended, when a signal came meanwhile
 */
export async function runQuiet({ command, args, cwd, env, relay, finish = false }) {
  const child = spawn(command, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"], detached: true });
  let head = "";
  let rest = "";
  /** @param {string} chunk */
  const keep = (chunk) => {
    const room = OUTPUT_CHARS_MAX - head.length;
    head += chunk.slice(0, room);
    rest = (rest + chunk.slice(room)).slice(-OUTPUT_CHARS_MAX);
  };
  child.stdout.setEncoding("utf8").on("data", keep);
  child.stderr.setEncoding("utf8").on("data", keep);
  const pid = child.pid;
  let asked = false;
  const detach = relay.attach({
    relay: (signal) => {
      const wait = finish && !asked;
      asked = true;
      if (!wait && pid !== undefined) sendSignal(-pid, signal);
    },
    kill: () => pid !== undefined && sendSignal(-pid, "SIGKILL"),
  });
  const outcome = await ended(child).catch((/** @type {Error} */ error) => error);
  detach();
  child.stdout.destroy();
  child.stderr.destroy();
  const interrupt = relay.interruptedBy();
  if (interrupt !== null) throw new InterruptedError(interrupt);
  const output = bothEnds(head + rest);
  if (outcome instanceof Error) return { ok: false, reason: outcome.message, output };
  const { code, signal } = outcome;
  return { ok: code === 0, reason: signal === null ? `exit code ${code}` : `ended by ${signal}`, output };
}

/**
 * @param {string} text
 * @returns {string} its first and its last lines
 */
export function bothEnds(text) {
  const lines = text.trim().split("\n");
  const left = lines.length - HEAD_LINES_MAX - TAIL_LINES_MAX;
  if (left <= 0) return lines.join("\n");
  return [...lines.slice(0, HEAD_LINES_MAX), `… ${left} lines …`, ...lines.slice(-TAIL_LINES_MAX)].join("\n");
}
