import { agents } from "./agents-check.ts";
import { type Check, failed, isAtLeast, type Outcome, ok } from "./check.ts";
import { clocks } from "./clock-check.ts";
import { connection, inbox, monitoring, natsServer } from "./nats-checks.ts";
import { permissions } from "./permissions-check.ts";
import { health, router, services } from "./services-checks.ts";
import { redis, sharedMemory } from "./store-checks.ts";

const NODE_MIN = "24.12.0";

/** In the order in which one stands on another. */
export const checks: readonly Check[] = [
  { name: "node", needs: [], run: async ({ io }) => nodeOutcome(io.nodeVersion) },
  { name: "nats-server", needs: [], run: natsServer },
  { name: "nats connection", needs: ["nats-server"], run: connection },
  { name: "nats monitoring", needs: [], run: monitoring },
  { name: "inbox", needs: ["nats connection"], run: inbox },
  { name: "permissions", needs: ["nats connection"], run: permissions },
  { name: "router", needs: ["inbox"], run: router },
  { name: "services", needs: ["inbox"], run: services },
  { name: "health", needs: ["inbox"], run: health },
  { name: "clocks", needs: ["inbox"], run: clocks },
  { name: "shared memory", needs: ["inbox"], run: sharedMemory },
  { name: "redis", needs: [], run: redis },
  { name: "agents", needs: ["router"], run: agents },
];

export function nodeOutcome(version: string): Outcome {
  if (isAtLeast(version, NODE_MIN)) return ok(version);
  return failed(`${version}; ${NODE_MIN} or newer is needed`, "install Node 24, or run through npm, which brings its own");
}
