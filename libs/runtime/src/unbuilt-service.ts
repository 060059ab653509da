import { createSubjects, encode, NexusError, type ServiceName, serviceVerbs, toErrorBody, wireRange } from "@nexus/contracts";
import type { Bus, Logger } from "@nexus/ports";

export interface UnbuiltDeps {
  readonly bus: Bus;
  readonly logger: Logger;
}

export interface UnbuiltOptions {
  readonly service: Exclude<ServiceName, "router">;
  readonly prefix: string;
  readonly version: string;
  readonly description: string;
}

/**
 * A service that has its place and its name, and does nothing yet: it registers, is seen by `nats micro`, and answers
 * every verb of its API with `not-implemented`. It pretends nothing.
 */
export async function startUnbuiltService(
  options: UnbuiltOptions,
  deps: UnbuiltDeps,
): Promise<{ readonly id: string; stop(): Promise<void> }> {
  const subjects = createSubjects(options.prefix);
  const error = toErrorBody(new NexusError("not-implemented", `${options.service} does not do this yet in ${options.version}`));
  const body = encode({ v: 1, error });
  const handle = await deps.bus.serve({
    name: `nexus-${options.service}`,
    version: options.version,
    description: options.description,
    metadata: { wire_min: String(wireRange.min), wire_max: String(wireRange.max), implemented: "no" },
    endpoints: serviceVerbs[options.service].map((verb) => ({
      name: verb,
      subject: `${subjects.prefix}.${options.service}.${verb}`,
      queue: options.service,
      handler: () => ({ data: body, error }),
    })),
  });
  await deps.bus.flush();
  deps.logger.info({ service: options.service }, "registered; its API is not implemented yet");
  return handle;
}
