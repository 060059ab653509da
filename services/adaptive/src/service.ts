import { startUnbuiltService, type UnbuiltDeps } from "@nexus/runtime";

export interface AdaptiveOptions {
  readonly prefix: string;
  readonly version: string;
}

/** Starts the adaptive service: registered and reachable; its API answers `not-implemented` until it is built. */
export function startAdaptive(
  options: AdaptiveOptions,
  deps: UnbuiltDeps,
): Promise<{ readonly id: string; stop(): Promise<void> }> {
  return startUnbuiltService(
    { ...options, service: "adaptive", description: "chooses strategies by environment, rules and the graduation ledger" },
    deps,
  );
}
