import { spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findCommand } from "../setup/find-servers.mjs";
import { readJson } from "../setup/install-stamp.mjs";
import type { Context } from "./context.ts";
import { versionOf } from "./docker.ts";
import { type EngineRemains, removeRemains } from "./engine-remains.ts";
import { CheckError, SkipError } from "./errors.ts";
import type { Privileges } from "./privileges.ts";
import { lastLines, mustRun, runTool } from "./run-tool.ts";
import { waitFor } from "./waiting.ts";

/**
 * A Docker engine for this run alone, beside whatever else the machine has.
 *
 * Invariants
 * E1. It has its own data, socket, process id file and control groups, reads no configuration of the machine, and changes
 *     neither firewall rules nor kernel settings: containers of one network reach each other without, and published ports
 *     are carried by Docker's own proxy.
 * E2. It is ended by its process id, and nothing of it is left: processes, mounts, bridges, control groups, files.
 * E3. What to remove is written down before there is anything, so that the next run removes what a killed one left.
 * E4. Where its parent dies without a word, it stops by itself (under sudo it does not: there sudo is the parent).
 */

const START_MS_MAX = 60_000;
const STOP_MS_MAX = 60_000;
const REMOVE_MS_MAX = 300_000;
const TOOL_MS_MAX = 10_000;

export interface PrivateEngine {
  readonly version: string;
  readonly env: NodeJS.ProcessEnv;
  readonly diskMib: () => Promise<number | undefined>;
}

const remainsFile = (root: string) => join(root, ".nexus", "compose", "engine.json");

/** @throws SkipError when it does not start: what it needs of the kernel is not there */
export async function startPrivateEngine(context: Context, privileges: Privileges): Promise<PrivateEngine> {
  const { root, progress, undo, interruption } = context;
  await removeLeftovers(context, privileges);
  const step = progress.step("starting a private Docker engine");
  const remains = planRemains(root);
  mkdirSync(remains.dataDir, { recursive: true });
  writeFileSync(remainsFile(root), JSON.stringify(remains)); // E3
  undo.onStop("private Docker engine", () => stop(context, privileges, remains));
  const env = engineEnv(context.env, remains);
  const logFile = join(remains.runDir, "dockerd.log");
  const daemon = launch(dockerdWords(remains, privileges, context.env), logFile, context.env);
  try {
    const version = await waitFor(
      () => {
        if (daemon.ended()) throw new CheckError("it ended at once");
        return versionOf(env, interruption);
      },
      { deadlineMs: START_MS_MAX, signal: interruption, describe: () => "it does not answer" },
    );
    step.done(`private Docker engine ${version} runs`);
    const diskMib = () => diskOf(remains.dataDir, context, privileges);
    return { version, env, diskMib };
  } catch (error) {
    step.fail("it does not start");
    if (!(error instanceof CheckError)) throw error;
    throw new SkipError(`a Docker engine cannot be started here: ${error.message}`, lastLines(readFileSync(logFile, "utf8"), 15));
  }
}

function planRemains(root: string): EngineRemains {
  // Sockets lie here, and the path of a socket may have 107 characters.
  const base = tmpdir().length > 40 ? "/var/tmp" : tmpdir();
  const runDir = mkdtempSync(join(base, "nexus-engine-"));
  const name = runDir.slice(base.length + 1).toLowerCase();
  return { runDir, dataDir: join(root, ".nexus", "compose", name), cgroup: name };
}

function dockerdWords(
  { runDir, dataDir, cgroup }: EngineRemains,
  { asRoot }: Privileges,
  env: NodeJS.ProcessEnv,
): readonly string[] {
  const configuration = join(runDir, "daemon.json");
  writeFileSync(configuration, "{}");
  return asRoot([
    ...(findCommand("setpriv", env) === null ? [] : ["setpriv", "--pdeathsig", "TERM"]), // E4
    "dockerd",
    ...["--config-file", configuration, "--data-root", dataDir, "--exec-root", join(runDir, "exec")],
    ...["--pidfile", join(runDir, "dockerd.pid"), "--host", `unix://${join(runDir, "docker.sock")}`],
    ...[
      "--group",
      String(process.getgid?.() ?? 0),
      "--containerd-namespace",
      cgroup,
      "--containerd-plugins-namespace",
      `${cgroup}-plugins`,
    ],
    ...["--exec-opt", "native.cgroupdriver=cgroupfs", "--cgroup-parent", `/${cgroup}`],
    ...["--bridge", "none", "--iptables=false", "--ip6tables=false", "--ip-masq=false", "--ip-forward=false"], // E1
    ...["--shutdown-timeout", "10"],
  ]);
}

function engineEnv(env: NodeJS.ProcessEnv, { runDir }: EngineRemains): NodeJS.ProcessEnv {
  const { DOCKER_CONTEXT: _context, DOCKER_TLS_VERIFY: _verify, DOCKER_CERT_PATH: _path, ...rest } = env;
  return { ...rest, DOCKER_HOST: `unix://${join(runDir, "docker.sock")}` };
}

function launch(words: readonly string[], logFile: string, env: NodeJS.ProcessEnv): { ended: () => boolean } {
  const log = openSync(logFile, "a");
  const [command = "", ...args] = words;
  const child = spawn(command, args, { env, stdio: ["ignore", log, log], detached: true });
  closeSync(log);
  let ended = false;
  for (const event of ["error", "exit"] as const) child.once(event, () => (ended = true));
  child.unref();
  return { ended: () => ended };
}

/** E2 */
async function stop(context: Context, { asRoot }: Privileges, remains: EngineRemains): Promise<void> {
  const step = context.progress.step("stopping the private Docker engine");
  const pidFile = join(remains.runDir, "dockerd.pid");
  const pid = existsSync(pidFile) ? Number(readFileSync(pidFile, "utf8")) : Number.NaN;
  if (pid > 1) {
    await runTool(asRoot(["kill", "-TERM", String(pid)]), { deadlineMs: TOOL_MS_MAX, env: context.env });
    // Not interrupted any more: this is what an interruption leads to.
    const ended = waitFor(() => (existsSync(`/proc/${pid}`) ? undefined : true), {
      deadlineMs: STOP_MS_MAX,
      signal: new AbortController().signal,
      describe: () => "it still runs",
    });
    await ended.catch(() => context.progress.line("the private Docker engine does not stop, and is ended by force"));
  }
  await remove(context, asRoot, remains);
  step.done("the private Docker engine is gone");
}

async function remove(context: Context, asRoot: Privileges["asRoot"], remains: EngineRemains): Promise<void> {
  const left = await removeRemains(remains, async (words) => {
    const { stdout } = await runTool(asRoot(words), { deadlineMs: REMOVE_MS_MAX, env: context.env });
    return stdout;
  });
  if (left.length > 0) throw new CheckError(`of the private engine this could not be removed: ${left.join(", ")}`);
  await mustRun(asRoot(["rm", "-f", remainsFile(context.root)]), { deadlineMs: TOOL_MS_MAX, env: context.env });
}

async function removeLeftovers(context: Context, { asRoot }: Privileges): Promise<void> {
  const remains = readJson(remainsFile(context.root)) as EngineRemains | undefined;
  if (remains === undefined) return;
  const step = context.progress.step("removing what an earlier run left");
  await remove(context, asRoot, remains);
  step.done("removed what an earlier run left");
}

async function diskOf(dir: string, { env, interruption }: Context, { asRoot }: Privileges): Promise<number | undefined> {
  const words = asRoot(["du", "-smx", dir]);
  const { stdout } = await runTool(words, { deadlineMs: REMOVE_MS_MAX, env, signal: interruption });
  const mib = Number.parseInt(stdout, 10);
  return Number.isNaN(mib) ? undefined : mib;
}
