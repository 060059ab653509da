import { type ContainerState, serviceOf } from "../docker.ts";
import { CheckError } from "../errors.ts";
import { CONTAINERS, type Stack } from "../stack.ts";
import { waitFor } from "../waiting.ts";

const HEALTHY_MS_MAX = 300_000;

const stateOf = ({ State }: ContainerState) =>
  State.Status === "running" ? (State.Health?.Status ?? "no healthcheck") : State.Status;

/** Every container runs and says that it is well. @returns them */
export async function everyoneIsHealthy(stack: Stack, signal: AbortSignal): Promise<ContainerState[]> {
  let containers: ContainerState[] = [];
  const unwell = () => containers.filter((container) => stateOf(container) !== "healthy");
  try {
    await waitFor(
      async () => {
        containers = await stack.containers();
        return containers.length === CONTAINERS && unwell().length === 0 ? true : undefined;
      },
      {
        deadlineMs: HEALTHY_MS_MAX,
        signal,
        pollMs: 1_000,
        describe: () =>
          `${containers.length} of ${CONTAINERS} containers; ${unwell()
            .map((one) => `${serviceOf(one)} is ${stateOf(one)}`)
            .join(", ")}`,
      },
    );
  } catch (error) {
    if (!(error instanceof CheckError)) throw error;
    throw new CheckError(error.message, await whatTheySay(unwell(), stack));
  }
  return containers;
}

export async function whatTheySay(containers: readonly ContainerState[], stack: Stack): Promise<string> {
  const parts = containers.map(async (container) => {
    const health = container.State.Health?.Log?.at(-1)?.Output.trim() ?? "";
    return [`--- ${serviceOf(container)}`, await stack.logs(container.Id), health].filter((text) => text !== "").join("\n");
  });
  return (await Promise.all(parts)).join("\n");
}
