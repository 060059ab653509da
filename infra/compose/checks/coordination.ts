import { readFileSync } from "node:fs";
import { join } from "node:path";
import { CheckError } from "../errors.ts";
import { type Client, connectClient, type ResultOf, silentLogger, startOtel } from "../nexus.ts";
import type { Stack } from "../stack.ts";
import { waitFor } from "../waiting.ts";

export const AGENTS = 24;
const AGENTS_MS_MAX = 120_000;

export type GatherRequest = Parameters<Client["coordinate"]>[0] & { goal: { type: "gather" } };
export type GatherResult = ResultOf<"gather">;

export function gatherRequest(root: string): GatherRequest {
  return JSON.parse(readFileSync(join(root, "examples", "requests", "stats.json"), "utf8")) as GatherRequest;
}

/** What a result lacks of being the answer of every agent; `undefined`: nothing. Pure. */
export function shortfall(result: GatherResult): string | undefined {
  const { status, outcome, agents, error } = result;
  if (status === "completed" && outcome?.contributors === AGENTS) return undefined;
  const missing = agents.missing.map(({ agent, reason }) => `${agent} ${reason}`).join(", ");
  return `${status} with ${outcome?.contributors ?? 0} of ${AGENTS} answers; ${error?.message ?? ""} ${missing}`.trim();
}

/**
 * One gather over all agents, sent from outside of the stack's networks through the port that NATS publishes, in a trace
 * that begins here.
 */
export async function gatherFromOutside(stack: Stack, root: string, signal: AbortSignal): Promise<GatherResult> {
  const otel = startOtel({
    serviceName: "compose-test",
    serviceVersion: "0.1.0",
    instanceId: `compose-test-${process.pid}`,
    endpoint: stack.otlpUrl,
    sampleRatio: 1,
  });
  try {
    const client = await connectClient({ servers: stack.natsUrl, telemetry: otel.telemetry, logger: silentLogger });
    try {
      await everyAgentIsKnown(client, signal);
      const result = await client.coordinate<"gather">(gatherRequest(root), { signal });
      const lack = shortfall(result);
      if (lack !== undefined) throw new CheckError(lack);
      return result;
    } finally {
      await client.close();
    }
  } finally {
    await otel.shutdown(); // sends the client's span
  }
}

async function everyAgentIsKnown(client: Client, signal: AbortSignal): Promise<void> {
  let known = 0;
  await waitFor(
    async () => {
      known = 0;
      for await (const _agent of client.agents({}, { signal })) known += 1;
      return known === AGENTS ? true : undefined;
    },
    { deadlineMs: AGENTS_MS_MAX, signal, describe: () => `${known} of ${AGENTS} agents are known` },
  );
}
