import type { z } from "zod";
import {
  byeSchema,
  cancelFrameSchema,
  connAnswerSchema,
  connFrameSchema,
  connHeartbeatSchema,
  heartbeatSchema,
  helloSchema,
  helloWantedSchema,
  operationFrameSchema,
  progressFrameSchema,
  replyFrameSchema,
} from "./agent-frames.ts";
import { causalAskSchema, causalNothingSchema } from "./causal-frames.ts";
import {
  gossipAnnounceSchema,
  gossipConvergedQuerySchema,
  gossipConvergedSchema,
  gossipFrameSchema,
  gossipGetSchema,
  gossipMembersSchema,
  gossipPageSchema,
  gossipPutSchema,
  gossipVerdictsSchema,
  gossipWrittenSchema,
} from "./gossip-frames.ts";
import { requestSchema } from "./request.ts";
import { acceptedSchema, refusalSchema, resultSchema } from "./result.ts";
import {
  agentsQuerySchema,
  agentsReportPageSchema,
  announceSchema,
  claimAnswerSchema,
  claimQuestionSchema,
  ownerQuestionSchema,
  requestEventSchema,
  requestGetSchema,
  requestReportSchema,
  routerAliveSchema,
} from "./router-frames.ts";
import { failureSchema, healthSchema, routerStatusSchema } from "./service-frames.ts";
import { serviceReportSchema } from "./service-report.ts";
import { activityEventSchema, watchAnswerSchema, watchInterestSchema } from "./watch-frames.ts";

/** Every message of the wire by its name, which is the `id` of its schema. What is not here has no place on a subject. */
export const messages = {
  request: requestSchema,
  result: resultSchema,
  accepted: acceptedSchema,
  refusal: refusalSchema,
  "request-get": requestGetSchema,
  "request-report": requestReportSchema,
  "request-event": requestEventSchema,
  "agents-query": agentsQuerySchema,
  "agents-page": agentsReportPageSchema,
  "router-status": routerStatusSchema,
  health: healthSchema,
  "service-report": serviceReportSchema,
  "watch-interest": watchInterestSchema,
  "watch-answer": watchAnswerSchema,
  "activity-event": activityEventSchema,
  failure: failureSchema,
  "gossip-put": gossipPutSchema,
  "gossip-written": gossipWrittenSchema,
  "gossip-get": gossipGetSchema,
  "gossip-page": gossipPageSchema,
  "gossip-members": gossipMembersSchema,
  "gossip-converged-query": gossipConvergedQuerySchema,
  "gossip-converged": gossipConvergedSchema,
  "gossip-announce": gossipAnnounceSchema,
  "gossip-frame": gossipFrameSchema,
  "gossip-verdicts": gossipVerdictsSchema,
  hello: helloSchema,
  heartbeat: heartbeatSchema,
  "connection-heartbeat": connHeartbeatSchema,
  bye: byeSchema,
  announce: announceSchema,
  operation: operationFrameSchema,
  cancel: cancelFrameSchema,
  "hello-wanted": helloWantedSchema,
  "causal-nothing": causalNothingSchema,
  batch: connFrameSchema,
  reply: replyFrameSchema,
  progress: progressFrameSchema,
  answers: connAnswerSchema,
  "causal-ask": causalAskSchema,
  "router-alive": routerAliveSchema,
  "claim-question": claimQuestionSchema,
  "claim-answer": claimAnswerSchema,
  "owner-question": ownerQuestionSchema,
} as const satisfies Record<string, z.ZodType>;
export type MessageName = keyof typeof messages;
