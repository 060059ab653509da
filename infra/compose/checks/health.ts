import { type ContainerState, serviceOf } from "../docker.ts";
import { CheckError } from "../errors.ts";
import { CONTAINERS, type Stack } from "../stack.ts";
import { waitFor } from "../waiting.ts";

const HEALTHY_MS_MAX = 300_000;
/** Whoever has been restarted as often will not become well by waiting. */
const RESTARTS_MAX = 3;

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
        const hopeless = containers.filter(({ RestartCount }) => RestartCount >= RESTARTS_MAX);
        if (hopeless.length > 0) throw new CheckError(`restarted ${RESTARTS_MAX} times: ${hopeless.map(serviceOf).join(", ")}`);
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

/** Starts the stack; when it does not start, the containers that are to blame are heard. */
export async function start(stack: Stack): Promise<void> {
  try {
    await stack.up();
  } catch (error) {
    if (!(error instanceof CheckError)) throw error;
    const unwell = (await stack.containers()).filter((container) => stateOf(container) !== "healthy");
    throw new CheckError(error.message, `${error.output}\n${await whatTheySay(unwell, stack)}`);
  }
}

async function whatTheySay(containers: readonly ContainerState[], stack: Stack): Promise<string> {
  const parts = containers.map(async (container) => {
    const health = container.State.Health?.Log?.at(-1)?.Output.trim() ?? "";
    return [`--- ${serviceOf(container)}`, await stack.logs(container.Id), health].filter((text) => text !== "").join("\n");
  });
  return (await Promise.all(parts)).join("\n");
}
