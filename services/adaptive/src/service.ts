import { type RunningService, type ServiceDeps, type ServiceOptions, startUnbuiltService } from "@nexus/runtime";

/** Starts the adaptive service: registered and healthy; the verbs of its API answer `not-implemented` until they are built. */
export function startAdaptive(options: ServiceOptions, deps: ServiceDeps): Promise<RunningService> {
  return startUnbuiltService("adaptive", "chooses strategies by environment, rules and the graduation ledger", options, deps);
}
