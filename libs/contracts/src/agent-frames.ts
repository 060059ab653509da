import { z } from "zod";
import { errorBodySchema } from "./errors.ts";
import { goalTypeSchema } from "./goal-types.ts";
import { jsonValueSchema } from "./json-value.ts";
import { limits } from "./limits.ts";
import {
  agentIdSchema,
  bootSchema,
  connIdSchema,
  groupSchema,
  labelsSchema,
  operationIdSchema,
  operationNameSchema,
  routerIdSchema,
} from "./names.ts";
import { prioritySchema } from "./request.ts";
import { versionSchema, wireRangeSchema } from "./version.ts";

/**
 * Frames between routers and agents. Who speaks is in the subject, never in the frame. Tolerant: unknown fields are
 * dropped. Every number that an agent reports is bounded, so that no agent can poison a sum or a comparison.
 */

const load = {
  inFlight: z.int().min(0).max(limits.capacityMax),
  queueDepth: z.int().min(0).max(limits.capacityMax),
};
const millis = z.number().min(0).max(limits.timeoutMsMax);

/** What the process reports of itself: shares in [0, 1], milliseconds. */
export const processLoadSchema = z.object({
  cpu: z.number().min(0).max(1),
  memory: z.number().min(0).max(1),
  eventLoopDelayMs: millis,
});
export type ProcessLoad = z.infer<typeof processLoadSchema>;

export const agentLoadSchema = z.object({
  ...load,
  /** Exponentially weighted mean of what handlers took; 0 before the first. */
  serviceTimeMs: millis,
});
export type AgentLoad = z.infer<typeof agentLoadSchema>;

/** `<prefix>.agents.<id>.out.hello`, after the agent's subscriptions were flushed. */
export const helloSchema = z.object({
  v: versionSchema,
  wire: wireRangeSchema,
  connId: connIdSchema,
  boot: bootSchema,
  /** Goes up when the agent refutes a suspicion or changes what it announces. */
  incarnation: z.int().min(0).max(Number.MAX_SAFE_INTEGER),
  groups: z.array(groupSchema).max(limits.groupsMax),
  labels: labelsSchema,
  /** Operations that the agent can hold at once. */
  capacity: z.int().min(1).max(limits.capacityMax),
  operations: z.array(operationNameSchema).max(limits.operationsMax),
  /** Encodings that it reads, best first; a router takes the first that it knows, else JSON. */
  codecs: z.array(z.string().min(1).max(32)).min(1).max(8).optional(),
});
export type Hello = z.infer<typeof helloSchema>;

/** `<prefix>.agents.<id>.out.heartbeat`: one agent alone on its connection. */
export const heartbeatSchema = z.object({
  v: versionSchema,
  boot: bootSchema,
  process: processLoadSchema,
  ...agentLoadSchema.shape,
});
export type Heartbeat = z.infer<typeof heartbeatSchema>;

/** `<prefix>.conns.<connId>.out.heartbeat`: all agents of a connection in one frame. */
export const connHeartbeatSchema = z.object({
  v: versionSchema,
  process: processLoadSchema,
  agents: z
    .array(z.object({ agent: agentIdSchema, boot: bootSchema, ...agentLoadSchema.shape }))
    .min(1)
    .max(limits.connectionAgentsMax),
});
export type ConnHeartbeat = z.infer<typeof connHeartbeatSchema>;

/** `<prefix>.agents.<id>.out.bye`: it finishes what it runs and takes nothing new. */
export const byeSchema = z.object({ v: versionSchema, boot: bootSchema, reason: z.string().max(256).optional() });
export type Bye = z.infer<typeof byeSchema>;

/** A piece of work for an agent. */
export const operationFrameSchema = z.object({
  v: versionSchema,
  kind: z.literal("operation"),
  operationId: operationIdSchema,
  /** Answers go to `…out.reply.<router>`. */
  router: routerIdSchema,
  operation: operationNameSchema,
  type: goalTypeSchema,
  payload: jsonValueSchema.optional(),
  /** Milliseconds left when the frame was published; work whose time is up is dropped before it runs. */
  remainingMs: z.number().min(0).max(limits.timeoutMsMax),
  /** False: run it and send nothing back. */
  reply: z.boolean().optional(),
  /** Identity of the request's body. The same operation id with another digest is refused (`id-reused`). */
  digest: z.string().max(64).optional(),
  /** A repeat is for this life of the agent alone; another one refuses (`other-boot`). */
  boot: bootSchema.optional(),
  priority: prioritySchema.optional(),
  /** A coordinated causal operation: who coordinated it, and its answer. */
  coordination: z.object({ coordinator: agentIdSchema, answer: jsonValueSchema.optional() }).optional(),
});
export type OperationFrame = z.infer<typeof operationFrameSchema>;

/** Stop the work if it still runs; the answer is `error` with the code `cancelled`. */
export const cancelFrameSchema = z.object({ v: versionSchema, kind: z.literal("cancel"), operationId: operationIdSchema });
/** A router does not know the agent: say hello again. */
export const helloWantedSchema = z.object({ v: versionSchema, kind: z.literal("hello-wanted") });

/** What arrives at `<prefix>.agents.<id>.in`, `<prefix>.groups.<group>` and `<prefix>.all`. */
export const agentFrameSchema = z.discriminatedUnion("kind", [operationFrameSchema, cancelFrameSchema, helloWantedSchema]);
export type AgentFrame = z.infer<typeof agentFrameSchema>;

/** What arrives at `<prefix>.conns.<connId>.in`: frames, each with the agents of the connection that it is for. */
export const connFrameSchema = z.object({
  v: versionSchema,
  kind: z.literal("batch"),
  items: z
    .array(z.object({ to: z.array(agentIdSchema).min(1).max(limits.connectionAgentsMax), frame: agentFrameSchema }))
    .min(1)
    .max(limits.replyBatchMax),
});
export type ConnFrame = z.infer<typeof connFrameSchema>;

/** `ok`: done. `error`: the handler failed. `refused`: it never ran. `expired`: dropped, its time was up. */
export const replyStatusSchema = z.enum(["ok", "error", "refused", "expired"]);

export const replyFrameSchema = z.object({
  v: versionSchema,
  kind: z.literal("reply"),
  operationId: operationIdSchema,
  status: replyStatusSchema,
  value: jsonValueSchema.optional(),
  error: errorBodySchema.optional(),
  serviceTimeMs: millis.optional(),
  ...load,
});
export type ReplyFrame = z.infer<typeof replyFrameSchema>;

/** Work goes on; extends what the router holds for the agent's liveness, never the deadline. */
export const progressFrameSchema = z.object({
  v: versionSchema,
  kind: z.literal("progress"),
  operationId: operationIdSchema,
  /** Share done, in [0, 1], where it is known. */
  fraction: z.number().min(0).max(1).optional(),
  message: z.string().max(limits.messageCharsMax).optional(),
});
export type ProgressFrame = z.infer<typeof progressFrameSchema>;

/** What an agent publishes to `<prefix>.agents.<id>.out.reply.<routerId>`. */
export const agentAnswerSchema = z.discriminatedUnion("kind", [replyFrameSchema, progressFrameSchema]);
export type AgentAnswer = z.infer<typeof agentAnswerSchema>;

/** What a connection publishes to `<prefix>.conns.<connId>.out.reply.<routerId>`. */
export const connAnswerSchema = z.object({
  v: versionSchema,
  kind: z.literal("batch"),
  answers: z
    .array(z.object({ agent: agentIdSchema, answer: agentAnswerSchema }))
    .min(1)
    .max(limits.replyBatchMax),
});
export type ConnAnswer = z.infer<typeof connAnswerSchema>;
