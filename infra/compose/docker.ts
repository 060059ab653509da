import { mustRun, runTool } from "./run-tool.ts";

/** The Docker command line, as far as the test needs it. */

const ANSWER_MS_MAX = 10_000;
const QUERY_MS_MAX = 30_000;

/** The engine's version; `undefined` while it does not answer. */
export async function versionOf(env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<string | undefined> {
  const words = ["docker", "version", "--format", "{{.Server.Version}}"];
  const { ok, stdout } = await runTool(words, { deadlineMs: ANSWER_MS_MAX, env, signal });
  return ok && stdout.trim() !== "" ? stdout.trim() : undefined;
}

/** What `docker inspect` says of a container, as far as it is looked at. */
export interface ContainerState {
  readonly Id: string;
  readonly RestartCount: number;
  readonly Config: { readonly Image: string; readonly Labels: Readonly<Record<string, string>> };
  readonly State: {
    readonly Status: string;
    readonly Pid: number;
    readonly Health?: { readonly Status: string; readonly Log: readonly { readonly Output: string }[] | null };
  };
  readonly HostConfig: {
    readonly ReadonlyRootfs: boolean;
    readonly CapDrop: readonly string[] | null;
    readonly SecurityOpt: readonly string[] | null;
    readonly Memory: number;
    readonly NanoCpus: number;
    readonly PidsLimit: number | null;
    readonly RestartPolicy: { readonly Name: string };
    readonly LogConfig: { readonly Config: Readonly<Record<string, string>> | null };
  };
  readonly NetworkSettings: { readonly Ports: Readonly<Record<string, readonly { readonly HostIp: string }[] | null>> };
}

export const serviceOf = (container: ContainerState): string => container.Config.Labels["com.docker.compose.service"] ?? "?";

/** @param project of Compose */
export async function containersOf(project: string, env: NodeJS.ProcessEnv, signal?: AbortSignal): Promise<ContainerState[]> {
  const options = { deadlineMs: QUERY_MS_MAX, env, ...(signal === undefined ? {} : { signal }) };
  const filter = `label=com.docker.compose.project=${project}`;
  const ids = (await mustRun(["docker", "ps", "--all", "--quiet", "--no-trunc", "--filter", filter], options))
    .split("\n")
    .filter(Boolean);
  if (ids.length === 0) return [];
  return JSON.parse(await mustRun(["docker", "inspect", "--type", "container", ...ids], options)) as ContainerState[];
}
