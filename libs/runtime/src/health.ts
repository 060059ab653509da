import { messageOf } from "@nexus/contracts";
import type { Bus, StateStore } from "@nexus/ports";

/**
 * Whether a service can do its work now. Checks read local state only, so a report never waits for anybody.
 *
 * Invariants
 * H1. What only degrades (the shared memory is away) does not take a service out of rotation.
 * H2. A check that throws counts as failed and never breaks the report.
 */
export interface CheckResult {
  readonly ok: boolean;
  readonly detail: string;
}

export interface HealthReport {
  /** `unready`: a required check fails or the service stops; `degraded`: only others fail. */
  readonly status: "ready" | "degraded" | "unready";
  readonly checks: Readonly<Record<string, CheckResult>>;
}

export interface Health {
  /** @param required whether the service is unready without it */
  add(name: string, required: boolean, check: () => CheckResult): void;
  /** From now on the service is unready: it stops. */
  stopping(): void;
  report(): HealthReport;
}

export function createHealth(): Health {
  const checks = new Map<string, { readonly required: boolean; readonly check: () => CheckResult }>();
  let stops = false;
  return {
    add: (name, required, check) => void checks.set(name, { required, check }),
    stopping() {
      stops = true;
    },
    report() {
      const results: Record<string, CheckResult> = {};
      let status: HealthReport["status"] = "ready";
      for (const [name, { required, check }] of checks) {
        const result = run(check);
        results[name] = result;
        if (result.ok) continue;
        if (required) status = "unready";
        else if (status === "ready") status = "degraded";
      }
      if (!stops) return { status, checks: results };
      return { status: "unready", checks: { ...results, lifecycle: { ok: false, detail: "stopping" } } };
    },
  };
}

/** What every service depends on: the bus is required, the store degrades. */
export function healthOf(deps: { readonly bus: Bus; readonly store: StateStore }): Health {
  const { bus, store } = deps;
  const health = createHealth();
  health.add("nats", true, () => (bus.connected ? { ok: true, detail: bus.server } : { ok: false, detail: "disconnected" }));
  health.add("store", false, () => {
    if (!store.available) return { ok: false, detail: "away; nothing is shared until it is back" };
    return { ok: true, detail: store.shared ? "shared" : "memory of this process" };
  });
  return health;
}

function run(check: () => CheckResult): CheckResult {
  try {
    return check();
  } catch (error) {
    return { ok: false, detail: messageOf(error) };
  }
}
