import { createSubjects } from "@nexus/contracts";
import {
  healthOf,
  processLoad,
  type RunningService,
  registerService,
  type ServiceDeps,
  type ServiceOptions,
} from "@nexus/runtime";
import { gossipApi } from "./handlers/api.ts";
import { GossipNode, type NodeOptions } from "./node.ts";

export interface GossipOptions extends ServiceOptions, Omit<NodeOptions, "id" | "version"> {}

export const gossipDefaults = {
  roundMs: 200,
  fanout: 0,
  keysMax: 100_000,
  bytesMax: 67_108_864,
  tombstoneMs: 86_400_000,
} satisfies Partial<GossipOptions>;

/** Room in an answer for what stands around its rows. */
const ANSWER_HEAD_BYTES = 1_024;

/** Starts a node of the gossip: it joins those that it hears. @throws NexusError */
export async function startGossip(options: ServiceOptions & Partial<GossipOptions>, deps: ServiceDeps): Promise<RunningService> {
  const settings = { ...gossipDefaults, ...options };
  const { bus, clock, ids, logger, telemetry } = deps;
  // A life of its own for each start, so that nobody takes it for the one before.
  const id = ids.instanceName("gossip");
  const instance = settings.instance ?? id;
  const log = logger.child({ node: id });
  const node = new GossipNode(
    { ...settings, id },
    {
      ...{ bus, clock, telemetry, logger: log, subjects: createSubjects(settings.prefix) },
      random: () => ids.random(),
      eventLoopDelayMs: () => processLoad().eventLoopDelayMs,
    },
  );
  await node.start();
  const handle = await registerService(
    {
      service: "gossip",
      description: "Membership of nodes, and shared state without a leader",
      version: settings.version,
      prefix: settings.prefix,
      replyPrefixes: settings.replyPrefixes ?? ["_INBOX."],
      instance,
      boot: id,
      health: deps.health ?? healthOf(deps),
      counts: () => node.counts(),
      verbs: gossipApi({ node, clock, answerBytesMax: () => bus.maxPayloadBytes - ANSWER_HEAD_BYTES }),
    },
    deps,
  );
  log.info({ prefix: settings.prefix }, "gossip started");
  return {
    id: handle.id,
    async stop() {
      await handle.stop();
      node.stop();
      log.info({}, "gossip stopped");
    },
  };
}
