/**
 * Names of spans, attributes and metrics, with their units, in one place. Nothing else in the project writes such a
 * name; a test holds the code to that. Messaging attributes follow OpenTelemetry's semantic conventions, with
 * `messaging.system = "nats"` as a custom value.
 */

/** Span names. `{…}` is filled in by `spanName`. */
export const spanNames = {
  clientCoordinate: "publish nexus.coordinate.{type}",
  routerCoordinate: "process nexus.coordinate.{type}",
  attempt: "attempt {layer}/{strategy}",
  fanOut: "publish agents.in",
  handler: "process {operation}",
} as const;
export type SpanName = keyof typeof spanNames;

export function spanName(name: SpanName, fill: Readonly<Record<string, string>> = {}): string {
  return spanNames[name].replace(/\{(\w+)\}/g, (_, key: string) => fill[key] ?? key);
}

export const attributes = {
  messagingSystem: "messaging.system",
  messagingDestination: "messaging.destination.name",
  messagingOperation: "messaging.operation.type",
  errorType: "error.type",
  requestId: "nexus.request.id",
  goalType: "nexus.goal.type",
  goalClass: "nexus.goal.class",
  operationId: "nexus.operation.id",
  operation: "nexus.operation.name",
  agentId: "nexus.agent.id",
  routerId: "nexus.router.id",
  layer: "nexus.layer",
  strategy: "nexus.strategy",
  status: "nexus.status",
  agentsTargeted: "nexus.agents.targeted",
  agentsResponded: "nexus.agents.responded",
  agentsMissing: "nexus.agents.missing",
  handlersUnrecorded: "nexus.handlers.unrecorded",
  repeated: "nexus.repeated",
  reason: "nexus.reason",
  service: "nexus.service",
} as const;
export type AttributeName = keyof typeof attributes;

export const attributeMeanings: Readonly<Record<AttributeName, string>> = {
  messagingSystem: "Always `nats`",
  messagingDestination: "The subject",
  messagingOperation: "Always `process`",
  errorType: "The error's code; `reply-subject` where a request's reply subject is no inbox",
  requestId: "The request's id",
  goalType: "The goal's type",
  goalClass: "The goal's class, where the request names one",
  operationId: "`<requestId>/<index>`",
  operation: "The handler's name",
  agentId: "The agent",
  routerId: "The router",
  layer: "The layer of the ladder; `unexplained` where the request wants no decision record",
  strategy: "The strategy; `unexplained` as above",
  status: "Of a result: `completed`, `partial`, `failed`. Of a reply: `ok`, `error`",
  agentsTargeted: "Agents that were asked",
  agentsResponded: "Agents that answered",
  agentsMissing: "Agents whose answer is not there",
  handlersUnrecorded: "Messages of the attempt whose handlers record no span",
  repeated: "The result is that of an earlier request, or of one that it joined",
  reason: "What the counter is about: an error's code, or the bound's name",
  service: "The service whose API it is; absent for coordination requests",
};

interface SpanMeaning {
  /** As OpenTelemetry names it. */
  readonly kind: "client" | "server" | "producer" | "consumer" | "internal";
  readonly meaning: string;
  readonly attributes: readonly AttributeName[];
}

export const spans: Readonly<Record<SpanName, SpanMeaning>> = {
  clientCoordinate: {
    kind: "client",
    meaning: "At the client: from sending to the answer, all attempts",
    attributes: ["messagingSystem", "messagingDestination", "goalType", "requestId", "errorType"],
  },
  routerCoordinate: {
    kind: "server",
    meaning: "At the router: from arrival to the end of the request",
    attributes: [
      "messagingSystem",
      "goalType",
      "routerId",
      "requestId",
      "goalClass",
      "status",
      "agentsTargeted",
      "agentsResponded",
      "agentsMissing",
      "repeated",
      "errorType",
    ],
  },
  attempt: {
    kind: "internal",
    meaning: "At the router: one try of one layer",
    attributes: ["layer", "strategy", "handlersUnrecorded", "errorType"],
  },
  fanOut: {
    kind: "producer",
    meaning: "At the router: what an attempt publishes to agents; the handlers are its children",
    attributes: ["messagingSystem", "operation", "operationId", "agentsTargeted", "agentsResponded", "errorType"],
  },
  handler: {
    kind: "consumer",
    meaning: "At the agent: one run of a handler",
    attributes: [
      "messagingSystem",
      "messagingOperation",
      "operation",
      "operationId",
      "requestId",
      "goalType",
      "agentId",
      "routerId",
      "errorType",
    ],
  },
};

/** Of the process that records, as OpenTelemetry's semantic conventions name them. */
export const resourceAttributes = {
  serviceName: "service.name",
  serviceVersion: "service.version",
  serviceInstance: "service.instance.id",
} as const;

/**
 * Of the one series of a metric that stands for all beyond the bound of series.
 * https://opentelemetry.io/docs/specs/otel/metrics/sdk/#overflow-attribute
 */
export const overflowAttribute = "otel.metric.overflow";

/** Tags of Jaeger's, as OpenTelemetry brings spans to its model. */
export const jaegerTags = {
  scopeName: "otel.scope.name",
  statusCode: "otel.status_code",
  statusDescription: "otel.status_description",
} as const;

export type MetricKind = "counter" | "histogram" | "gauge";
interface MetricMeaning {
  readonly name: string;
  readonly kind: MetricKind;
  /** UCUM, as OpenTelemetry writes it. */
  readonly unit: string;
  readonly description: string;
  readonly attributes: readonly AttributeName[];
}

export const metrics = {
  coordinations: {
    name: "nexus.coordinations",
    kind: "counter",
    unit: "{request}",
    description: "Requests ended, by type and status",
    attributes: ["goalType", "status"],
  },
  coordinationDuration: {
    name: "nexus.coordination.duration",
    kind: "histogram",
    unit: "s",
    description: "From arrival to answer, by type, status, layer and strategy",
    attributes: ["goalType", "status", "layer", "strategy"],
  },
  coordinationsActive: {
    name: "nexus.coordinations.active",
    kind: "gauge",
    unit: "{request}",
    description: "Requests running at this router",
    attributes: [],
  },
  requestsRefused: {
    name: "nexus.requests.refused",
    kind: "counter",
    unit: "{request}",
    description: "Requests refused before anything was sent, by error code",
    attributes: ["errorType", "service"],
  },
  framesDropped: {
    name: "nexus.frames.dropped",
    kind: "counter",
    unit: "{frame}",
    description: "Frames that were not understood or not allowed, by reason",
    attributes: ["reason"],
  },
  boundsReached: {
    name: "nexus.bounds.reached",
    kind: "counter",
    unit: "{overflow}",
    description: "Times a bounded queue or map refused or evicted, by name",
    attributes: ["reason"],
  },
  agentsKnown: {
    name: "nexus.agents.known",
    kind: "gauge",
    unit: "{agent}",
    description: "Agents in the routing table",
    attributes: [],
  },
  operationsSent: {
    name: "nexus.operations.sent",
    kind: "counter",
    unit: "{operation}",
    description: "Operations published to agents, repeats included",
    attributes: [],
  },
  operationDuration: {
    name: "nexus.operation.duration",
    kind: "histogram",
    unit: "s",
    description: "At the agent: what a handler took, by operation and status",
    attributes: ["operation", "status"],
  },
  operationsRepeated: {
    name: "nexus.operations.repeated",
    kind: "counter",
    unit: "{operation}",
    description: "At the agent: repeats that were answered without running again",
    attributes: ["operation"],
  },
  causalGaps: {
    name: "nexus.causal.gaps",
    kind: "counter",
    unit: "{gap}",
    description: "At the agent: runs of causal operations that were missing and were given up, by reason",
    attributes: ["reason"],
  },
  causalQuestions: {
    name: "nexus.causal.questions",
    kind: "counter",
    unit: "{question}",
    description: "At the agent: questions for causal operations that were missing",
    attributes: [],
  },
} as const satisfies Record<string, MetricMeaning>;
export type MetricName = keyof typeof metrics;
