import {
  agentsQuerySchema,
  goalTypes,
  NexusError,
  ownerQuestionSchema,
  parseFrame,
  type RouterStatus,
  requestGetSchema,
  requestIdPattern,
  type Subjects,
  subjectToken,
  WIRE_VERSION,
  watchInterestSchema,
} from "@nexus/contracts";
import type { BusMessage, StateStore } from "@nexus/ports";
import type { ServiceRegistration } from "@nexus/runtime";
import type { FrameGuard } from "../frame-guard.ts";
import type { Peers } from "../peers.ts";
import type { RequestsApi } from "../requests-api.ts";
import { type AgentsDeps, agentsHandler } from "./agents.ts";
import { type CoordinateDeps, coordinateHandler } from "./coordinate.ts";

export interface ApiDeps {
  readonly subjects: Subjects;
  readonly agents: AgentsDeps;
  readonly coordinate: CoordinateDeps;
  /** Coordinations under way. */
  readonly active: () => number;
  readonly requests: RequestsApi;
  readonly peers: Peers;
  readonly store: StateStore;
  readonly guard: FrameGuard;
}

type Api = Required<Pick<ServiceRegistration<"router">, "counts" | "verbs" | "requests" | "endpoints">>;

/** Everything that is asked of a router, by subject: decode, one call, encode. */
export function routerApi(deps: ApiDeps): Api {
  const { subjects, requests, peers, store, guard, coordinate } = deps;
  const { table, dispatcher, routerId } = deps.agents;
  const agents = agentsHandler(deps.agents);
  const idOf = (message: BusMessage): string => requestIdIn(subjectToken(subjects, message.subject, 1));
  const levels = () => ({
    agents: table.size,
    active: deps.active(),
    held: dispatcher.heldTotal,
    sent: dispatcher.sent,
    lateAnswers: dispatcher.late,
    framesDropped: guard.dropped,
  });
  return {
    counts: () => ({ ...levels(), heartbeatIntervalMs: table.heartbeatIntervalMs, ...coordinate.activity.counts() }),
    verbs: {
      agents: (body) => agents(parseFrame(agentsQuerySchema, body, "the body")),
      status: (): RouterStatus => ({
        v: WIRE_VERSION,
        router: routerId,
        ...levels(),
        tableVersion: table.version,
        peers: peers.live(),
        sharedMemory: store.shared ? (store.available ? "available" : "away") : "none",
      }),
    },
    requests: [
      {
        name: "requests-get",
        subject: subjects.everyRequestGet,
        handler: (body, message) => requests.get(idOf(message), parseFrame(requestGetSchema, body, "the body")),
      },
      {
        name: "requests-cancel",
        subject: subjects.everyRequestCancel,
        handler: (_body, message) => requests.cancel(idOf(message)),
      },
      {
        name: "requests-own",
        subject: subjects.routerRequests(routerId),
        handler: (body) => requests.own(parseFrame(ownerQuestionSchema, body, "owner question")),
      },
      {
        name: "watch",
        subject: subjects.routerWatch,
        everyInstance: true,
        handler: (body) => coordinate.activity.watched(parseFrame(watchInterestSchema, body, "an interest")),
      },
    ],
    endpoints: goalTypes.map((type) => ({
      name: `coordinate-${type}`,
      subject: subjects.coordinate(type),
      queue: "router",
      handler: coordinateHandler(type, coordinate),
    })),
  };
}

function requestIdIn(token: string): string {
  if (requestIdPattern.test(token)) return token;
  throw new NexusError("invalid-field", `"${token.slice(0, 40)}" is no request id: it must be a ULID`, { field: "id" });
}
