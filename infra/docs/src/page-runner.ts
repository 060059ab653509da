import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { jsonFaults, textFaults } from "./output-shape.ts";
import type { PageStep, RunStep } from "./page-steps.ts";

/**
 * Does what a page says, in a shell, and compares what comes of it with what the page shows.
 *
 * Invariants
 * R1. A command is run, or stands already, or is on the list of those that are not, with a reason; there is no fourth way.
 * R2. What a page starts in the background has ended when the page has.
 */

export interface Surroundings {
  /** Where files are saved and commands run. */
  readonly directory: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Programs of their own that stand for commands that may not be installed: name, and command line. */
  readonly shims: Readonly<Record<string, readonly string[]>>;
  /** Scripts that run already, with what they said. */
  readonly standing: Readonly<Record<string, string>>;
  /** Scripts that are not run, and why. */
  readonly notRun: readonly { readonly script: RegExp; readonly why: string }[];
}

export interface PageReport {
  readonly faults: readonly string[];
  readonly ran: readonly string[];
  readonly notRun: readonly string[];
}

const STEP_TIMEOUT_MS = 30_000;
const END_TIMEOUT_MS = 8_000;

export async function runPage(steps: readonly PageStep[], around: Surroundings): Promise<PageReport> {
  const faults: string[] = [];
  const ran: string[] = [];
  const notRun: string[] = [];
  const background: Running[] = [];
  const environment = shimmed(around);
  try {
    for (const step of steps) {
      if (step.kind === "file") writeFileSync(join(around.directory, step.name), step.text);
      else if (around.notRun.some(({ script }) => script.test(step.script))) notRun.push(step.script);
      else {
        ran.push(step.script);
        faults.push(...(await runStep(step, around, environment, background)).map((fault) => `line ${step.line}: ${fault}`));
      }
    }
  } finally {
    await Promise.all(background.map(end)); // R2
  }
  return { faults, ran, notRun };
}

async function runStep(
  step: RunStep,
  around: Surroundings,
  environment: NodeJS.ProcessEnv,
  background: Running[],
): Promise<string[]> {
  const standing = around.standing[step.script];
  if (standing !== undefined) return outputFaults(step, standing, standing);
  const running = start(step.script, around.directory, environment);
  if (step.background) {
    background.push(running);
    if (step.output === undefined) return ["what stays in the background must show what it says when it is there"];
    const shown = step.output.text;
    return (await within(running, () => textFaults(shown, running.all()).length === 0)) ? [] : textFaults(shown, running.all());
  }
  if (!(await within(running, () => running.exitCode() !== undefined))) {
    await end(running);
    return [`it has not ended within ${STEP_TIMEOUT_MS} ms: ${step.script}\n${running.all()}`];
  }
  if (running.exitCode() !== step.exitCode) return [`exit code ${running.exitCode()}: ${step.script}\n${running.all()}`];
  return outputFaults(step, running.out(), running.all());
}

function outputFaults({ output }: RunStep, out: string, all: string): string[] {
  if (output === undefined) return [];
  if (output.language === "text") return textFaults(output.text, all);
  try {
    return jsonFaults(JSON.parse(output.text), JSON.parse(out));
  } catch (error) {
    return [`${(error as Error).message}: ${out.slice(0, 500)}`];
  }
}

interface Running {
  readonly child: ChildProcess;
  readonly out: () => string;
  readonly all: () => string;
  readonly exitCode: () => number | undefined;
}

function start(script: string, cwd: string, env: NodeJS.ProcessEnv): Running {
  // A group of its own, so that all that the shell starts can be ended together.
  const child = spawn("bash", ["-euo", "pipefail", "-c", script], {
    cwd,
    env,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let out = "";
  let all = "";
  let exitCode: number | undefined;
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      all += text;
      if (stream === child.stdout) out += text;
    });
  }
  child.once("error", () => {
    exitCode = 127;
  });
  child.once("close", (code) => {
    exitCode = code ?? 1;
  });
  return { child, out: () => out, all: () => all, exitCode: () => exitCode };
}

async function within(running: Running, condition: () => boolean): Promise<boolean> {
  const endMs = performance.now() + STEP_TIMEOUT_MS;
  while (!condition()) {
    if (performance.now() > endMs || running.exitCode() !== undefined) return condition();
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  return true;
}

/** As Ctrl-C does, then by force. */
async function end(running: Running): Promise<void> {
  const { child } = running;
  if (child.pid === undefined || running.exitCode() !== undefined) return;
  signalGroup(child.pid, "SIGINT");
  const endMs = performance.now() + END_TIMEOUT_MS;
  while (running.exitCode() === undefined && performance.now() < endMs) await new Promise((resolve) => setTimeout(resolve, 25));
  if (running.exitCode() === undefined) signalGroup(child.pid, "SIGKILL");
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // it ended meanwhile
  }
}

function shimmed({ directory, environment, shims }: Surroundings): NodeJS.ProcessEnv {
  const folder = join(directory, ".shims");
  mkdirSync(folder, { recursive: true });
  for (const [name, command] of Object.entries(shims)) {
    const words = command.map((word) => `'${word.replaceAll("'", "'\\''")}'`);
    writeFileSync(join(folder, name), `#!/bin/sh\nexec ${words.join(" ")} "$@"\n`, { mode: 0o755 });
  }
  return { ...environment, PATH: [folder, environment["PATH"] ?? ""].join(delimiter) };
}
