import { type RunningService, type ServiceDeps, type ServiceOptions, startUnbuiltService } from "@nexus/runtime";

/** Starts the consensus service: registered and healthy; the verbs of its API answer `not-implemented` until they are built. */
export function startConsensus(options: ServiceOptions, deps: ServiceDeps): Promise<RunningService> {
  return startUnbuiltService("consensus", "a Raft node: decisions, linearizable reads, leases", options, deps);
}
