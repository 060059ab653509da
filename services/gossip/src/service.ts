import { type RunningService, type ServiceDeps, type ServiceOptions, startUnbuiltService } from "@nexus/runtime";

/** Starts the gossip service: registered and healthy; the verbs of its API answer `not-implemented` until they are built. */
export function startGossip(options: ServiceOptions, deps: ServiceDeps): Promise<RunningService> {
  return startUnbuiltService("gossip", "membership and shared state by gossip", options, deps);
}
