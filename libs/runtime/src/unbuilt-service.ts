import { NexusError, type ServiceName, serviceVerbs } from "@nexus/contracts";
import { DEFAULT_REPLY_PREFIXES } from "./config.ts";
import { healthOf } from "./health.ts";
import { type OwnVerbOf, registerService, type VerbHandler } from "./register-service.ts";
import type { ServiceDeps } from "./service-process.ts";

export interface ServiceOptions {
  readonly prefix: string;
  readonly version: string;
  /** Default `_INBOX.`. */
  readonly replyPrefixes?: readonly string[];
  /** Default: a random name. */
  readonly instance?: string;
}

export interface RunningService {
  readonly id: string;
  stop(): Promise<void>;
}

/**
 * A service that has its place and its name, and does nothing yet: it registers, is seen by `nats micro`, answers `health`,
 * and every other verb of its API with `not-implemented`. It pretends nothing.
 */
export async function startUnbuiltService<S extends Exclude<ServiceName, "router">>(
  service: S,
  description: string,
  options: ServiceOptions,
  deps: ServiceDeps,
): Promise<RunningService> {
  const instance = options.instance ?? deps.ids.instanceName(service);
  const own = serviceVerbs[service].filter((verb) => verb !== "health");
  const handle = await registerService(
    {
      service,
      description,
      version: options.version,
      prefix: options.prefix,
      replyPrefixes: options.replyPrefixes ?? DEFAULT_REPLY_PREFIXES,
      instance,
      boot: deps.ids.instanceName("boot"),
      health: deps.health ?? healthOf(deps),
      metadata: { implemented: "no" },
      verbs: Object.fromEntries(own.map((verb) => [verb, refusal(service, verb, options.version)])) as Record<
        OwnVerbOf<S>,
        VerbHandler
      >,
    },
    deps,
  );
  deps.logger.info({ service, instance }, "registered; its API is not implemented yet");
  return {
    id: handle.id,
    async stop() {
      await handle.stop();
      deps.logger.info({ service, instance }, "stopped");
    },
  };
}

function refusal(service: ServiceName, verb: string, version: string): VerbHandler {
  return () => {
    throw new NexusError("not-implemented", `${service} does not do "${verb}" yet in ${version}; use a newer version`);
  };
}
