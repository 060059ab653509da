import { z } from "zod";
import { causalMissingSchema, causalNothingSchema, causalOrderSchema } from "./causal-frames.ts";
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
  inFlight: z.int().min(0).max(limits.capacityMax).describe("Operations that run at the agent"),
  queueDepth: z.int().min(0).max(limits.capacityMax).describe("Operations that wait at the agent"),
};
const millis = z.number().min(0).max(limits.timeoutMsMax);

export const processLoadSchema = z
  .object({
    cpu: z.number().min(0).max(1).describe("Share of the available processors that the process uses"),
    memory: z.number().min(0).max(1).describe("Share of the memory that it may use"),
    eventLoopDelayMs: millis.describe("How late its event loop is (p99); 0 where it has none"),
  })
  .describe("What the process reports of itself");
export type ProcessLoad = z.infer<typeof processLoadSchema>;

export const agentLoadSchema = z.object({
  ...load,
  serviceTimeMs: millis.describe("Exponentially weighted mean of what handlers took; 0 before the first"),
});
export type AgentLoad = z.infer<typeof agentLoadSchema>;

export const helloSchema = z
  .object({
    v: versionSchema,
    wire: wireRangeSchema,
    connId: connIdSchema.describe("The connection that the agent lives on; one alone on its connection makes one up"),
    boot: bootSchema,
    incarnation: z
      .int()
      .min(0)
      .max(Number.MAX_SAFE_INTEGER)
      .describe("Goes up when the same life of the agent changes what it announces, or comes back after a bye"),
    groups: z.array(groupSchema).max(limits.groupsMax).describe("Groups that it is a member of"),
    labels: labelsSchema,
    capacity: z.int().min(1).max(limits.capacityMax).describe("Operations that the agent can hold at once"),
    operations: z.array(operationNameSchema).max(limits.operationsMax).describe("Handlers that it offers"),
    codecs: z
      .array(z.string().min(1).max(32))
      .min(1)
      .max(8)
      .meta({
        description: "Encodings that it reads, best first: `json`, `msgpack`. A router takes the first that it knows, else JSON",
        default: ["json"],
      })
      .optional(),
    causal: z
      .boolean()
      .meta({
        description:
          "It heeds `causal` of operations. Of an agent that does not, an operation that would have to wait there for others is " +
          "not sent, unless the request allows `unordered`",
        default: false,
      })
      .optional(),
  })
  .meta({
    id: "hello",
    title: "Hello",
    description:
      "Registers an agent. Published after its subscriptions were flushed, again when a router asks for it, and after every " +
      "reconnection",
  });
export type Hello = z.infer<typeof helloSchema>;

export const heartbeatSchema = z
  .object({
    v: versionSchema,
    boot: bootSchema,
    process: processLoadSchema,
    ...agentLoadSchema.shape,
  })
  .meta({ id: "heartbeat", title: "Heartbeat", description: "The agent lives, and has this load" });
export type Heartbeat = z.infer<typeof heartbeatSchema>;

export const connHeartbeatSchema = z
  .object({
    v: versionSchema,
    process: processLoadSchema,
    agents: z
      .array(z.object({ agent: agentIdSchema, boot: bootSchema, ...agentLoadSchema.shape }))
      .min(1)
      .max(limits.connectionAgentsMax)
      .describe("Each agent's load"),
  })
  .meta({
    id: "connection-heartbeat",
    title: "Connection heartbeat",
    description: "The heartbeats of all agents of a connection in one frame",
  });
export type ConnHeartbeat = z.infer<typeof connHeartbeatSchema>;

export const byeSchema = z
  .object({ v: versionSchema, boot: bootSchema, reason: z.string().max(256).describe("For logs").optional() })
  .meta({ id: "bye", title: "Bye", description: "The agent finishes what it runs and takes nothing new" });
export type Bye = z.infer<typeof byeSchema>;

export const operationFrameSchema = z
  .object({
    v: versionSchema,
    kind: z.literal("operation"),
    operationId: operationIdSchema,
    router: routerIdSchema.describe("Answers go to `….out.reply.<router>`"),
    operation: operationNameSchema,
    type: goalTypeSchema,
    payload: jsonValueSchema.describe("What the client gave; absent where it gave nothing").optional(),
    remainingMs: z
      .number()
      .min(0)
      .max(limits.timeoutMsMax)
      .describe("Time left when the frame was published; work whose time is up is dropped before it runs"),
    reply: z.boolean().meta({ description: "False: run it and send nothing back", default: true }).optional(),
    digest: z
      .string()
      .max(64)
      .describe("Identity of the request's body; the same operation id with another digest is refused (`id-reused`)")
      .optional(),
    boot: bootSchema.describe("A repeat is for this life of the agent alone; another one refuses (`other-boot`)").optional(),
    priority: prioritySchema.optional(),
    causal: causalOrderSchema.describe("Of a causal goal: what it must not overtake").optional(),
    coordination: z
      .object({
        coordinator: agentIdSchema,
        answer: jsonValueSchema.describe("The coordinator's answer; absent where it has no value").optional(),
      })
      .describe("Of a coordinated causal operation, for those that come after the coordinator")
      .optional(),
  })
  .meta({ id: "operation", title: "Operation", description: "A piece of work for an agent" });
export type OperationFrame = z.infer<typeof operationFrameSchema>;

export const cancelFrameSchema = z.object({ v: versionSchema, kind: z.literal("cancel"), operationId: operationIdSchema }).meta({
  id: "cancel",
  title: "Cancel",
  description: "Stop the work if it is still held; the answer is `error` with the code `cancelled`",
});
export const helloWantedSchema = z
  .object({ v: versionSchema, kind: z.literal("hello-wanted") })
  .meta({ id: "hello-wanted", title: "Hello wanted", description: "A router does not know the agent: say hello again" });

export const agentFrameSchema = z
  .discriminatedUnion("kind", [operationFrameSchema, cancelFrameSchema, helloWantedSchema, causalNothingSchema])
  .meta({ id: "agent-frame", title: "Agent frame", description: "What an agent is sent, by its `kind`" });
export type AgentFrame = z.infer<typeof agentFrameSchema>;

export const connFrameSchema = z
  .object({
    v: versionSchema,
    kind: z.literal("batch"),
    items: z
      .array(
        z.object({
          to: z.array(agentIdSchema).min(1).max(limits.connectionAgentsMax).describe("Agents of the connection that it is for"),
          frame: agentFrameSchema,
        }),
      )
      .min(1)
      .max(limits.replyBatchMax)
      .describe("The frames, each with whom it is for"),
  })
  .meta({ id: "batch", title: "Batch", description: "Frames for several agents of one connection" });
export type ConnFrame = z.infer<typeof connFrameSchema>;

export const replyStatusSchema = z
  .enum(["ok", "error", "refused", "expired"])
  .describe("`ok`: done; `error`: the handler failed; `refused`: it never ran; `expired`: dropped, its time was up");

export const replyFrameSchema = z
  .object({
    v: versionSchema,
    kind: z.literal("reply"),
    operationId: operationIdSchema,
    status: replyStatusSchema,
    value: jsonValueSchema.describe("The handler's answer; absent means null").optional(),
    error: errorBodySchema.describe("With every status but `ok`").optional(),
    serviceTimeMs: millis.describe("What the handler took").optional(),
    causalMissing: causalMissingSchema.optional(),
    ...load,
  })
  .meta({ id: "reply", title: "Reply", description: "An agent's answer to an operation" });
export type ReplyFrame = z.infer<typeof replyFrameSchema>;

export const progressFrameSchema = z
  .object({
    v: versionSchema,
    kind: z.literal("progress"),
    operationId: operationIdSchema,
    fraction: z.number().min(0).max(1).describe("Share done, where it is known").optional(),
    message: z.string().max(limits.messageCharsMax).describe("For people").optional(),
  })
  .meta({
    id: "progress",
    title: "Progress",
    description: "Work goes on: the router does not ask again meanwhile. It never extends the deadline",
  });
export type ProgressFrame = z.infer<typeof progressFrameSchema>;

export const agentAnswerSchema = z
  .discriminatedUnion("kind", [replyFrameSchema, progressFrameSchema])
  .meta({ id: "agent-answer", title: "Agent answer", description: "What an agent says of an operation, by its `kind`" });
export type AgentAnswer = z.infer<typeof agentAnswerSchema>;

export const connAnswerSchema = z
  .object({
    v: versionSchema,
    kind: z.literal("batch"),
    answers: z
      .array(z.object({ agent: agentIdSchema, answer: agentAnswerSchema }))
      .min(1)
      .max(limits.replyBatchMax)
      .describe("The answers, each with whose it is"),
  })
  .meta({
    id: "answers",
    title: "Answers",
    description: "Answers of several agents of one connection; it speaks only for agents whose hello named it",
  });
export type ConnAnswer = z.infer<typeof connAnswerSchema>;
