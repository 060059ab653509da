import { startUnbuiltService, type UnbuiltDeps } from "@nexus/runtime";

export interface ConsensusOptions {
  readonly prefix: string;
  readonly version: string;
}

/** Starts the consensus service: registered and reachable; its API answers `not-implemented` until it is built. */
export function startConsensus(
  options: ConsensusOptions,
  deps: UnbuiltDeps,
): Promise<{ readonly id: string; stop(): Promise<void> }> {
  return startUnbuiltService(
    { ...options, service: "consensus", description: "a Raft node: decisions, linearizable reads, leases" },
    deps,
  );
}
