import { z } from "zod";
import { agentLoadSchema, processLoadSchema } from "./agent-frames.ts";
import { decisionSchema } from "./decision.ts";
import { errorBodySchema } from "./errors.ts";
import { goalTypeSchema } from "./goal-types.ts";
import { limits } from "./limits.ts";
import {
  agentIdSchema,
  connIdSchema,
  groupSchema,
  labelsSchema,
  operationNameSchema,
  requestIdSchema,
  routerIdSchema,
} from "./names.ts";
import { missingAgentSchema, resultSchema, rowSchema } from "./result.ts";
import { versionSchema, wireRangeSchema } from "./version.ts";

/** `<prefix>.routers.announce`: to every agent connection, at start, on change, and now and then. */
export const announceSchema = z.object({
  v: versionSchema,
  wire: wireRangeSchema,
  router: routerIdSchema,
  /** clamp(N / 1,000 s, 1 s, 30 s) for N known agents; an agent follows the slowest router that it heard of lately. */
  heartbeatIntervalMs: z.int().min(100).max(30_000),
  /** The router starts with an empty table: say hello. */
  helloWanted: z.boolean(),
});
export type Announce = z.infer<typeof announceSchema>;

/** `<prefix>.routers.alive`: each second, among routers. */
export const routerAliveSchema = z.object({ v: versionSchema, router: routerIdSchema, leaving: z.boolean() });
export type RouterAlive = z.infer<typeof routerAliveSchema>;

/** `<prefix>.routers.claims`: who owns this request id? Asked where shared memory is away. */
export const claimQuestionSchema = z.object({
  v: versionSchema,
  router: routerIdSchema,
  id: requestIdSchema,
  /** Whether the asker wants it for itself, if nobody has it. */
  claim: z.boolean().optional(),
});
export type ClaimQuestion = z.infer<typeof claimQuestionSchema>;
/** `asking`: it was given the same id and asks as well; the smaller router id goes first. */
export const claimAnswerSchema = z.object({
  v: versionSchema,
  router: routerIdSchema,
  state: z.enum(["unknown", "asking", "owned"]),
});
export type ClaimAnswer = z.infer<typeof claimAnswerSchema>;

const page = {
  offset: z.int().min(0).max(1_000_000).optional(),
  limit: z.int().min(1).max(limits.pageRowsMax).optional(),
};

/** Body of `<prefix>.requests.<id>.get`; empty means the result. */
export const requestGetSchema = z.strictObject({
  part: z.enum(["result", "rows", "missing", "decision"]).optional(),
  ...page,
  /** Wait this long for a running request to end. */
  waitMs: z.int().min(0).max(limits.timeoutMsMax).optional(),
});
export type RequestGet = z.infer<typeof requestGetSchema>;

export const requestStates = ["running", "done"] as const;
/** Answer to `get` and `cancel`. Exactly one part is there when the request is done; none while it runs. */
export const requestReportSchema = z.object({
  v: versionSchema,
  id: requestIdSchema,
  type: goalTypeSchema.optional(),
  state: z.enum(requestStates),
  router: routerIdSchema,
  result: resultSchema.optional(),
  rows: z.array(rowSchema).max(limits.pageRowsMax).optional(),
  missing: z.array(missingAgentSchema).max(limits.pageRowsMax).optional(),
  decision: decisionSchema.optional(),
  total: z.int().min(0).optional(),
  /** Offset of the next page; absent on the last. */
  next: z.int().min(0).optional(),
});
export type RequestReport = z.infer<typeof requestReportSchema>;

/** Between routers: `<prefix>.routers.<routerId>.requests`. */
export const ownerQuestionSchema = z.object({
  v: versionSchema,
  verb: z.enum(["get", "cancel"]),
  id: requestIdSchema,
  /** With it, the owner refuses (`id-reused`) where its own differs. */
  digest: z.string().max(64).optional(),
  get: requestGetSchema.optional(),
});
export type OwnerQuestion = z.infer<typeof ownerQuestionSchema>;

/** `<prefix>.requests.<id>.events`, in `accept` mode. `seq` counts from 0 without gaps. */
export const requestEventSchema = z.object({
  v: versionSchema,
  id: requestIdSchema,
  seq: z.int().min(0),
  event: z.enum(["accepted", "attempt", "progress", "answer", "finished"]),
  /** Milliseconds after the request's arrival. */
  atMs: z.number().min(0),
  agent: agentIdSchema.optional(),
  index: z.int().min(0).optional(),
  fraction: z.number().min(0).max(1).optional(),
  message: z.string().max(limits.messageCharsMax).optional(),
  status: z.string().max(32).optional(),
  responded: z.int().min(0).optional(),
  targeted: z.int().min(0).optional(),
});
export type RequestEvent = z.infer<typeof requestEventSchema>;

/** Body of `<prefix>.router.agents`. */
export const agentsQuerySchema = z.strictObject({
  group: groupSchema.optional(),
  labels: labelsSchema.optional(),
  ...page,
});
export type AgentsQuery = z.infer<typeof agentsQuerySchema>;

export const agentStates = ["alive", "suspect", "dead", "left"] as const;
export type AgentState = (typeof agentStates)[number];

export const agentRowSchema = z.object({
  agent: agentIdSchema,
  connId: connIdSchema,
  state: z.enum(agentStates),
  groups: z.array(groupSchema),
  labels: labelsSchema,
  capacity: z.int(),
  operations: z.array(operationNameSchema),
  load: agentLoadSchema,
  process: processLoadSchema.optional(),
  /** This router's own count of operations that the agent holds. */
  inFlightHere: z.int().min(0),
  lastSeenMsAgo: z.number().min(0),
});
export type AgentRow = z.infer<typeof agentRowSchema>;

export const agentsReportPageSchema = z.object({
  v: versionSchema,
  router: routerIdSchema,
  tableVersion: z.int().min(0),
  total: z.int().min(0),
  agents: z.array(agentRowSchema).max(limits.pageRowsMax),
  next: z.int().min(0).optional(),
});
export type AgentsReportPage = z.infer<typeof agentsReportPageSchema>;

/** What a service endpoint answers when it refuses. */
export const failureSchema = z.object({ v: versionSchema, error: errorBodySchema });
export type Failure = z.infer<typeof failureSchema>;
