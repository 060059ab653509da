import { type ContainerState, serviceOf } from "../docker.ts";
import { CheckError, messageOf } from "../errors.ts";
import { type Client, connectClient, silentLogger } from "../nexus.ts";
import { mustRun } from "../run-tool.ts";
import type { Stack } from "../stack.ts";
import { waitFor } from "../waiting.ts";
import { gatherRequest, shortfall } from "./coordination.ts";

/**
 * One of two routers is killed while clients go on asking: whoever asks again when no answer comes gets all of them, and
 * the router that is left answers alone.
 */

const CLIENTS = 4;
const BOTH_ANSWER_MS_MAX = 60_000;
const AFTERWARDS_MS_MAX = 120_000;
const ANSWERS_AFTERWARDS_MIN = 40;
const KILL_MS_MAX = 20_000;
const ATTEMPT_MS_MAX = 1_000;

interface Answer {
  readonly beganMs: number;
  readonly router: string;
}

/** @returns for the report: how many requests there were before and after */
export async function surviveRouterLoss(
  stack: Stack,
  containers: readonly ContainerState[],
  root: string,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<{ before: number; after: number }> {
  const routers = containers.filter((container) => serviceOf(container) === "router");
  const victim = routers[0];
  if (routers.length !== 2 || victim === undefined) throw new CheckError(`${routers.length} routers run, not 2`);
  const client = await connectClient({ servers: stack.natsUrl, retries: 10, logger: silentLogger });
  const load = startLoad(client, root, signal);
  try {
    const both = {
      deadlineMs: BOTH_ANSWER_MS_MAX,
      signal,
      describe: () => `answers come from ${load.routersSince(0).join(", ")} alone`,
    };
    await waitFor(() => load.failed() || load.routersSince(0).length === 2 || undefined, both);
    const before = load.answersSince(0);
    await mustRun(["docker", "kill", victim.Id], { deadlineMs: KILL_MS_MAX, env, signal });
    const killedMs = performance.now();
    const enough = () => load.answersSince(killedMs) >= ANSWERS_AFTERWARDS_MIN || undefined;
    const afterwards = { deadlineMs: AFTERWARDS_MS_MAX, signal, describe: () => `${load.answersSince(killedMs)} answers since` };
    await waitFor(() => load.failed() || enough(), afterwards);
    await load.stop();
    if (load.failures.length > 0) throw new CheckError(`requests failed: ${load.failures.slice(0, 3).join("; ")}`);
    const left = load.routersSince(killedMs);
    if (left.length !== 1) throw new CheckError(`after the loss ${left.length} routers answer`);
    return { before, after: load.answersSince(killedMs) };
  } finally {
    await load.stop();
    await client.close();
  }
}

/** Clients that ask one request after the other, each of which may be executed anew when a router dies with it. */
function startLoad(client: Client, root: string, signal: AbortSignal) {
  const answers: Answer[] = [];
  const failures: string[] = [];
  let stopped = false;
  const request = { ...gatherRequest(root), idempotent: true };
  const askOnce = async () => {
    const beganMs = performance.now();
    try {
      const result = await client.coordinate<"gather">(request, { attemptTimeoutMs: ATTEMPT_MS_MAX, signal });
      const lack = shortfall(result);
      if (lack === undefined) answers.push({ beganMs, router: result.router });
      else failures.push(lack);
    } catch (error) {
      failures.push(messageOf(error));
    }
  };
  const ask = async () => {
    while (!stopped && !signal.aborted && failures.length === 0) await askOnce();
  };
  const running = Promise.all(Array.from({ length: CLIENTS }, ask));
  const since = (fromMs: number) => answers.filter(({ beganMs }) => beganMs >= fromMs);
  return {
    failures,
    failed: () => failures.length > 0 || undefined,
    answersSince: (fromMs: number) => since(fromMs).length,
    routersSince: (fromMs: number) => [...new Set(since(fromMs).map(({ router }) => router))],
    async stop() {
      stopped = true;
      await running;
    },
  };
}
