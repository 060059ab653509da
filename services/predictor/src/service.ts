import { type RunningService, type ServiceDeps, type ServiceOptions, startUnbuiltService } from "@nexus/runtime";

/** Starts the predictor service: registered and healthy; the verbs of its API answer `not-implemented` until they are built. */
export function startPredictor(options: ServiceOptions, deps: ServiceDeps): Promise<RunningService> {
  return startUnbuiltService("predictor", "predicts strategy, duration and success", options, deps);
}
