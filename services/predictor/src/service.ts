import { startUnbuiltService, type UnbuiltDeps } from "@nexus/runtime";

export interface PredictorOptions {
  readonly prefix: string;
  readonly version: string;
}

/** Starts the predictor service: registered and reachable; its API answers `not-implemented` until it is built. */
export function startPredictor(
  options: PredictorOptions,
  deps: UnbuiltDeps,
): Promise<{ readonly id: string; stop(): Promise<void> }> {
  return startUnbuiltService({ ...options, service: "predictor", description: "predicts strategy, duration and success" }, deps);
}
