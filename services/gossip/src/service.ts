import { startUnbuiltService, type UnbuiltDeps } from "@nexus/runtime";

export interface GossipOptions {
  readonly prefix: string;
  readonly version: string;
}

/** Starts the gossip service: registered and reachable; its API answers `not-implemented` until it is built. */
export function startGossip(options: GossipOptions, deps: UnbuiltDeps): Promise<{ readonly id: string; stop(): Promise<void> }> {
  return startUnbuiltService({ ...options, service: "gossip", description: "membership and shared state by gossip" }, deps);
}
