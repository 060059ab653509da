import { findCommand } from "../setup/find-servers.mjs";
import type { Context } from "./context.ts";
import { versionOf } from "./docker.ts";
import { CheckError } from "./errors.ts";
import { ensureTools } from "./install-tools.ts";
import { startPrivateEngine } from "./private-engine.ts";
import { findPrivileges, type Privileges } from "./privileges.ts";

/** The Docker engine that everything runs in. */
export interface Engine {
  /** For people: "the one that runs here", "a private one". */
  readonly kind: "running" | "private";
  readonly version: string;
  /** For the Docker command line and Compose: which engine they speak to. */
  readonly env: NodeJS.ProcessEnv;
  /** Network of a build's RUN steps that reaches the world; a private engine has no bridge of its own. */
  readonly buildNetwork: "default" | "host";
  /** @param purpose for the reason of a skip, where they cannot be had */
  readonly privileges: (purpose: string) => Promise<Privileges>;
  /** MiB on disk; `undefined` where the engine is not ours to look into. */
  readonly diskMib: () => Promise<number | undefined>;
}

/** @throws SkipError where there is none and none can be started, CheckError where one is named and does not answer */
export async function findEngine(context: Context): Promise<Engine> {
  const running = findCommand("docker", context.env) === null ? undefined : await versionOf(context.env, context.interruption);
  if (running !== undefined) {
    const privileges = (purpose: string) => findPrivileges(context, purpose);
    return {
      kind: "running",
      version: running,
      env: context.env,
      buildNetwork: "default",
      privileges,
      diskMib: async () => undefined,
    };
  }
  const wished = ["DOCKER_HOST", "DOCKER_CONTEXT"].find((variable) => context.env[variable]);
  // A wish is not silently overridden.
  if (wished !== undefined) throw new CheckError(`the engine that ${wished} names does not answer; correct it or unset it`);
  const privileges = await findPrivileges(context, "no Docker engine runs here, and starting one");
  await ensureTools(["dockerd"], context, privileges);
  await ensureTools(["docker"], context, privileges);
  const engine = await startPrivateEngine(context, privileges);
  return { kind: "private", buildNetwork: "host", privileges: async () => privileges, ...engine };
}
