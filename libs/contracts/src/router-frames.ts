import { z } from "zod";
import { agentLoadSchema, processLoadSchema } from "./agent-frames.ts";
import { decisionSchema } from "./decision.ts";
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
import { pageQuery } from "./page-query.ts";
import { missingAgentSchema, resultSchema, rowSchema } from "./result.ts";
import { versionSchema, wireRangeSchema } from "./version.ts";

export const announceSchema = z
  .object({
    v: versionSchema,
    wire: wireRangeSchema,
    router: routerIdSchema,
    heartbeatIntervalMs: z
      .int()
      .min(100)
      .max(30_000)
      .describe("1 ms for each agent that is known, but 1 to 30 s; an agent follows the slowest router heard of in 90 s"),
    helloWanted: z.boolean().describe("The router starts with an empty table: say hello"),
  })
  .meta({
    id: "announce",
    title: "Announcement",
    description: "A router tells all agents that it is there: at its start, when the interval changes, and every 30 s",
  });
export type Announce = z.infer<typeof announceSchema>;

export const routerAliveSchema = z
  .object({ v: versionSchema, router: routerIdSchema, leaving: z.boolean().describe("It stops now") })
  .meta({ id: "router-alive", title: "Router alive", description: "Routers tell each other that they live, each second" });
export type RouterAlive = z.infer<typeof routerAliveSchema>;

export const claimQuestionSchema = z
  .object({
    v: versionSchema,
    router: routerIdSchema.describe("Who asks"),
    id: requestIdSchema,
    claim: z.boolean().meta({ description: "The asker wants it for itself, if nobody has it", default: false }).optional(),
  })
  .meta({
    id: "claim-question",
    title: "Claim question",
    description: "Who owns this request id? Asked where there is no shared memory or it does not answer",
  });
export type ClaimQuestion = z.infer<typeof claimQuestionSchema>;
export const claimAnswerSchema = z
  .object({
    v: versionSchema,
    router: routerIdSchema,
    state: z
      .enum(["unknown", "asking", "owned"])
      .describe("`asking`: it was given the same id and asks as well; the smaller router id goes first"),
  })
  .meta({ id: "claim-answer", title: "Claim answer", description: "Each router's answer, within 20 ms" });
export type ClaimAnswer = z.infer<typeof claimAnswerSchema>;

export const requestGetSchema = z
  .strictObject({
    part: z
      .enum(["result", "rows", "missing", "decision"])
      .meta({ description: "What to tell of an ended request", default: "result" })
      .optional(),
    ...pageQuery,
    waitMs: z
      .int()
      .min(0)
      .max(limits.timeoutMsMax)
      .meta({ description: "Wait this long for a running request to end", default: 0 })
      .optional(),
  })
  .meta({ id: "request-get", title: "Request get", description: "Asks for a request by its id; an empty body is allowed" });
export type RequestGet = z.infer<typeof requestGetSchema>;

export const requestStates = ["running", "done"] as const;
export const requestReportSchema = z
  .object({
    v: versionSchema,
    id: requestIdSchema,
    type: goalTypeSchema.optional(),
    state: z.enum(requestStates).describe("Whether it has ended"),
    router: routerIdSchema.describe("The router that answers"),
    result: resultSchema.optional(),
    rows: z.array(rowSchema).max(limits.pageRowsMax).describe("The page of rows").optional(),
    missing: z.array(missingAgentSchema).max(limits.pageRowsMax).describe("The page of missing agents").optional(),
    decision: decisionSchema.optional(),
    total: z.int().min(0).describe("Rows of all pages together").optional(),
    next: z.int().min(0).describe("Offset of the next page; absent on the last").optional(),
  })
  .meta({
    id: "request-report",
    title: "Request report",
    description: "Where a request stands. When it is done exactly one part is there, the one that was asked for; else none",
  });
export type RequestReport = z.infer<typeof requestReportSchema>;

export const ownerQuestionSchema = z
  .object({
    v: versionSchema,
    verb: z.enum(["get", "cancel"]).describe("What the client asks for"),
    id: requestIdSchema,
    digest: z.string().max(64).describe("With it, the owner refuses (`id-reused`) where its own differs").optional(),
    get: requestGetSchema.optional(),
  })
  .meta({ id: "owner-question", title: "Owner question", description: "A router asks the one that owns a request" });
export type OwnerQuestion = z.infer<typeof ownerQuestionSchema>;

export const requestEventSchema = z
  .object({
    v: versionSchema,
    id: requestIdSchema,
    seq: z.int().min(0).describe("Counts from 0 without gaps; from 0 again where another router takes the request over"),
    event: z
      .enum(["accepted", "attempt", "progress", "answer", "finished"])
      .describe("`attempt`: one ended; `finished`: always the last; then the result can be fetched"),
    atMs: z.number().min(0).describe("After the request's arrival"),
    agent: agentIdSchema.describe("`progress`, `answer`").optional(),
    index: z.int().min(0).describe("`progress`, `answer`: of the piece or causal operation").optional(),
    fraction: z.number().min(0).max(1).describe("`progress`: share done, as the agent says").optional(),
    message: z
      .string()
      .max(limits.messageCharsMax)
      .describe("`progress`: the agent's words; `attempt`: `<layer>/<strategy>`")
      .optional(),
    status: z
      .string()
      .max(32)
      .describe("`answer`: the reply's status; `attempt`: `ok` or an error code; `finished`: the result's status")
      .optional(),
    responded: z.int().min(0).describe("`finished`").optional(),
    targeted: z.int().min(0).describe("`finished`").optional(),
  })
  .meta({ id: "request-event", title: "Request event", description: "What happens to a request in `accept` mode" });
export type RequestEvent = z.infer<typeof requestEventSchema>;

export const agentsQuerySchema = z
  .strictObject({
    group: groupSchema.optional(),
    labels: labelsSchema.describe("All of them must match").optional(),
    ...pageQuery,
  })
  .meta({
    id: "agents-query",
    title: "Agents query",
    description: "Which agents to list; those that left or died lately are listed where neither group nor labels are given",
  });
export type AgentsQuery = z.infer<typeof agentsQuerySchema>;

export const agentStates = ["alive", "suspect", "dead", "left"] as const;
export type AgentState = (typeof agentStates)[number];

export const agentRowSchema = z
  .object({
    agent: agentIdSchema,
    connId: connIdSchema,
    state: z
      .enum(agentStates)
      .describe(
        "`suspect` after 2.5 heartbeat intervals of silence, `dead` after 5, or sooner where observers asked it in vain; `left` after a bye",
      ),
    groups: z.array(groupSchema).describe("Groups that it is a member of"),
    labels: labelsSchema,
    capacity: z.int().describe("Operations that it can hold at once"),
    operations: z.array(operationNameSchema).describe("Handlers that it offers"),
    load: agentLoadSchema.describe("As it last said"),
    process: processLoadSchema.optional(),
    inFlightHere: z.int().min(0).describe("Operations that the agent holds for this router, by the router's own count"),
    lastSeenMsAgo: z.number().min(0).describe("Since the agent was last heard of"),
  })
  .meta({ id: "agent-row", title: "Agent row", description: "An agent as one router knows it" });
export type AgentRow = z.infer<typeof agentRowSchema>;

export const agentsReportPageSchema = z
  .object({
    v: versionSchema,
    router: routerIdSchema,
    tableVersion: z.int().min(0).describe("Goes up with every change of membership, address or state"),
    total: z.int().min(0).describe("Agents of all pages together"),
    agents: z.array(agentRowSchema).max(limits.pageRowsMax).describe("By id"),
    next: z.int().min(0).describe("Offset of the next page; absent on the last").optional(),
  })
  .meta({ id: "agents-page", title: "Agents page", description: "Agents that a router knows" });
export type AgentsReportPage = z.infer<typeof agentsReportPageSchema>;
