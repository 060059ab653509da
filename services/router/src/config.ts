import { baseConfigSchema } from "@nexus/runtime";
import { z } from "zod";
import { routerDefaults } from "./service.ts";

/** What the router reads from the environment, besides what every service reads. */
export const routerConfigSchema = baseConfigSchema.extend({
  NEXUS_ROUTER_ACTIVE_MAX: z.coerce
    .number()
    .int()
    .min(1)
    .max(1_000_000)
    .default(routerDefaults.activeMax)
    .describe("Coordinations at once"),
  NEXUS_ROUTER_REQUESTS_MAX: z.coerce
    .number()
    .int()
    .min(1)
    .max(10_000_000)
    .default(routerDefaults.requestsMax)
    .describe("Requests kept by id"),
  NEXUS_ROUTER_REQUEST_BYTES_MAX: z.coerce
    .number()
    .int()
    .min(1_048_576)
    .default(routerDefaults.requestBytesMax)
    .describe("Bytes of the ended requests that are kept"),
  NEXUS_ROUTER_RETENTION_MS: z.coerce
    .number()
    .int()
    .min(1_000)
    .max(86_400_000)
    .default(routerDefaults.retentionMs)
    .describe("How long ended requests are kept"),
  NEXUS_ROUTER_AGENTS_MAX: z.coerce
    .number()
    .int()
    .min(1)
    .max(10_000_000)
    .default(routerDefaults.agentsMax)
    .describe("Agents in the routing table"),
  NEXUS_ROUTER_AGENT_BYTES_MAX: z.coerce
    .number()
    .int()
    .min(1_048_576)
    .default(routerDefaults.agentBytesMax)
    .describe("Bytes of the hellos of the agents in the routing table"),
});
export type RouterConfig = z.infer<typeof routerConfigSchema>;
