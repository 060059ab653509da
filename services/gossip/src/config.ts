import { baseConfigSchema } from "@nexus/runtime";
import { z } from "zod";
import { gossipDefaults } from "./service.ts";

const DAY_MS = 86_400_000;

/** What the gossip service reads from the environment, besides what every service reads. */
export const gossipConfigSchema = baseConfigSchema.extend({
  NEXUS_GOSSIP_ROUND_MS: z.coerce
    .number()
    .int()
    .min(20)
    .max(60_000)
    .default(gossipDefaults.roundMs)
    .describe("Time between two rounds"),
  NEXUS_GOSSIP_FANOUT: z.coerce
    .number()
    .int()
    .min(0)
    .max(100)
    .default(gossipDefaults.fanout)
    .describe("Nodes that a round turns to; 0: ⌈log2 N⌉ of N"),
  NEXUS_GOSSIP_KEYS_MAX: z.coerce
    .number()
    .int()
    .min(1)
    .max(10_000_000)
    .default(gossipDefaults.keysMax)
    .describe("Keys of the shared state, deleted ones among them"),
  NEXUS_GOSSIP_BYTES_MAX: z.coerce
    .number()
    .int()
    .min(1_024)
    .default(gossipDefaults.bytesMax)
    .describe("Bytes of the shared state"),
  NEXUS_GOSSIP_TOMBSTONE_MS: z.coerce
    .number()
    .int()
    .min(60_000)
    .max(365 * DAY_MS)
    .default(gossipDefaults.tombstoneMs)
    .describe("How long deletions are kept: longer than the longest partition that is to heal by itself"),
});
