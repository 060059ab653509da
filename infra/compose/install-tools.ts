import { findCommand } from "../setup/find-servers.mjs";
import { readMachineFacts } from "../setup/install-server.mjs";
import { aptPackageSteps } from "../setup/plan-server.mjs";
import type { Context } from "./context.ts";
import { SkipError } from "./errors.ts";
import type { Privileges } from "./privileges.ts";
import { lastLines, runTool } from "./run-tool.ts";

/** Tools that Debian has packages for, and the services that a package would start, by the command they run. */
const TOOLS = {
  dockerd: {
    packages: ["docker.io"],
    units: { dockerd: ["docker.service", "docker.socket"], containerd: ["containerd.service"] },
  },
  // Part of docker.io until Debian 12, and a package of its own since: asked for once docker.io is there.
  docker: { packages: ["docker-cli"], units: {} },
  "docker-compose": { packages: ["docker-compose"], units: {} },
  debootstrap: { packages: ["debootstrap", "debian-archive-keyring"], units: {} },
} as const;
export type ToolName = keyof typeof TOOLS;

const APT_MS_MAX = 600_000;
/** Debian keeps them off the PATH of ordinary users. */
const SYSTEM_DIRS = ["/usr/sbin", "/sbin", "/usr/local/sbin"];

/** The environment with every folder that Debian puts tools into. */
export function withSystemDirs(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const path = (env["PATH"] ?? "").split(":");
  return { ...env, PATH: [...path, ...SYSTEM_DIRS.filter((dir) => !path.includes(dir))].join(":") };
}

export interface Installation {
  readonly packages: readonly string[];
  readonly units: readonly string[];
}

/**
 * What is to be installed for the tools that are missing. A service that another package already brought stays as it is.
 * Pure.
 */
export function planInstallation(tools: readonly ToolName[], isThere: (command: string) => boolean): Installation {
  const missing = tools.filter((tool) => !isThere(tool)).map((tool) => TOOLS[tool]);
  const units = missing.flatMap((tool) =>
    Object.entries<readonly string[]>(tool.units).flatMap(([command, names]) => (isThere(command) ? [] : names)),
  );
  return { packages: [...new Set(missing.flatMap((tool) => tool.packages))], units };
}

/** @throws SkipError when a tool is missing and cannot be installed */
export async function ensureTools(tools: readonly ToolName[], context: Context, privileges: Privileges): Promise<void> {
  const { env, progress, interruption } = context;
  const { packages, units } = planInstallation(tools, (command) => findCommand(command, env) !== null);
  if (packages.length === 0) return;
  const facts = readMachineFacts(env);
  const wanted = packages.join(", ");
  if (!facts.hasAptGet) throw new SkipError(`${wanted} would have to be installed, and this machine has no apt-get`);
  const step = progress.step(`installing ${wanted} with apt-get`);
  const { viaSudo } = privileges;
  const steps = aptPackageSteps([...packages], [...units], { viaSudo, hasSystemd: facts.hasSystemd, skipUpdate: false });
  let failure: SkipError | undefined;
  for (const { command, args, mayFail, always, finish } of steps) {
    if (failure !== undefined && !always) continue;
    // What must not be left half done is not interrupted.
    const signal = finish ? {} : { signal: interruption };
    const result = await runTool([command, ...args], { deadlineMs: APT_MS_MAX, env, ...signal });
    if (result.ok || mayFail) continue;
    failure = new SkipError(`${wanted} could not be installed: ${result.reason}`, lastLines(result.stdout + result.stderr));
  }
  if (failure !== undefined) {
    step.fail(failure.message);
    throw failure;
  }
  step.done(`installed ${wanted}`);
  interruption.throwIfAborted();
}
