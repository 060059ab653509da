import { type ContainerState, serviceOf } from "../docker.ts";
import { CheckError } from "../errors.ts";
import { mustRun } from "../run-tool.ts";

const TOP_MS_MAX = 20_000;

/** What the engine really gives a container, and not only what the file asks for. Pure. @returns what it lacks */
export function lacks({ HostConfig, NetworkSettings }: ContainerState): string[] {
  const published = Object.values(NetworkSettings.Ports).flatMap((bindings) => bindings ?? []);
  const demands: Readonly<Record<string, boolean>> = {
    "a read-only root": HostConfig.ReadonlyRootfs,
    "dropped capabilities": HostConfig.CapDrop?.includes("ALL") === true,
    "no-new-privileges": HostConfig.SecurityOpt?.some((option) => option.startsWith("no-new-privileges")) === true,
    "a memory limit": HostConfig.Memory > 0,
    "a CPU limit": HostConfig.NanoCpus > 0,
    "a limit of processes": (HostConfig.PidsLimit ?? 0) > 0,
    "a restart policy": HostConfig.RestartPolicy.Name !== "" && HostConfig.RestartPolicy.Name !== "no",
    "a bound of its log": HostConfig.LogConfig.Config?.["max-size"] !== undefined,
    "ports on the loopback interface alone": published.every(({ HostIp }) => HostIp === "127.0.0.1"),
  };
  return Object.entries(demands).flatMap(([demand, isMet]) => (isMet ? [] : [demand]));
}

/** The users of `docker top -eo uid,pid,args`. Pure. */
export function usersIn(top: string): { uid: string; pid: string }[] {
  const rows = top.trim().split("\n").slice(1);
  return rows.map((row) => {
    const [uid = "", pid = ""] = row.trim().split(/\s+/);
    return { uid, pid };
  });
}

/** @returns how many processes were looked at @throws CheckError naming every container and what is wrong with it */
export async function everyoneIsConfined(
  containers: readonly ContainerState[],
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<number> {
  const faults: string[] = [];
  let processes = 0;
  for (const container of containers) {
    for (const demand of lacks(container)) faults.push(`${serviceOf(container)} has not ${demand}`);
    const words = ["docker", "top", container.Id, "-eo", "uid,pid,args"];
    const users = usersIn(await mustRun(words, { deadlineMs: TOP_MS_MAX, env, signal }));
    processes += users.length;
    if (users.length === 0) faults.push(`${serviceOf(container)} has no process`);
    for (const { uid, pid } of users) {
      if (!(Number(uid) > 0)) faults.push(`${serviceOf(container)} has a process of user ${uid} (${pid})`);
    }
  }
  if (faults.length > 0) throw new CheckError(faults.join("; "));
  return processes;
}
