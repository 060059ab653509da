import { expect } from "vitest";
import { type Fleet, startFleet } from "./fleet.ts";
import { runNexus } from "./run-nexus.ts";

/** What doctor says of one check. */
export interface Finding {
  readonly check: string;
  readonly state: string;
  readonly detail: string;
  readonly remedy?: string;
}

/** What a test started, to be ended after it. */
export const endings: (() => Promise<unknown>)[] = [];

export async function endAll(): Promise<void> {
  for (const end of endings.splice(0).reverse()) await end();
}

export async function fleet(...options: Parameters<typeof startFleet>): Promise<Fleet> {
  const started = await startFleet(...options);
  endings.push(() => started.stop());
  return started;
}

export async function doctor(url: string, environment: Record<string, string> = {}, args: string[] = []) {
  const { code, out, err } = await runNexus(["doctor", "--json", ...args], {
    environment: { NEXUS_NATS_URL: url, ...environment },
  });
  expect(err).toBe("");
  const findings = new Map((JSON.parse(out) as Finding[]).map((finding) => [finding.check, finding]));
  const stateOf = (check: string) => findings.get(check)?.state;
  return { code, findings, stateOf };
}
