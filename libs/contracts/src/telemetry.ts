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

/** Of the process that records, as OpenTelemetry's semantic conventions name them. */
export const resourceAttributes = {
  serviceName: "service.name",
  serviceVersion: "service.version",
  serviceInstance: "service.instance.id",
} as const;

export type MetricKind = "counter" | "histogram" | "gauge";
interface MetricMeaning {
  readonly name: string;
  readonly kind: MetricKind;
  /** UCUM, as OpenTelemetry writes it. */
  readonly unit: string;
  readonly description: string;
}

export const metrics = {
  coordinations: {
    name: "nexus.coordinations",
    kind: "counter",
    unit: "{request}",
    description: "Requests ended, by type and status",
  },
  coordinationDuration: {
    name: "nexus.coordination.duration",
    kind: "histogram",
    unit: "s",
    description: "From arrival to answer, by type, layer and strategy",
  },
  coordinationsActive: {
    name: "nexus.coordinations.active",
    kind: "gauge",
    unit: "{request}",
    description: "Requests running at this router",
  },
  requestsRefused: {
    name: "nexus.requests.refused",
    kind: "counter",
    unit: "{request}",
    description: "Requests refused before anything was sent, by error code",
  },
  framesDropped: {
    name: "nexus.frames.dropped",
    kind: "counter",
    unit: "{frame}",
    description: "Frames that were not understood or not allowed, by reason",
  },
  boundsReached: {
    name: "nexus.bounds.reached",
    kind: "counter",
    unit: "{overflow}",
    description: "Times a bounded queue or map refused or evicted, by name",
  },
  agentsKnown: { name: "nexus.agents.known", kind: "gauge", unit: "{agent}", description: "Agents in the routing table" },
  operationsSent: {
    name: "nexus.operations.sent",
    kind: "counter",
    unit: "{operation}",
    description: "Operations published to agents, repeats included",
  },
  operationDuration: {
    name: "nexus.operation.duration",
    kind: "histogram",
    unit: "s",
    description: "At the agent: what a handler took, by operation and status",
  },
  operationsRepeated: {
    name: "nexus.operations.repeated",
    kind: "counter",
    unit: "{operation}",
    description: "At the agent: repeats that were answered without running again",
  },
} as const satisfies Record<string, MetricMeaning>;
export type MetricName = keyof typeof metrics;
