import { NexusError } from "./errors.ts";
import { type GoalType, goalTypes } from "./goal-types.ts";
import { namePattern, requestIdPattern } from "./names.ts";

/**
 * The one builder of NATS subjects. Nothing else in the project writes a subject by hand, and every token that comes
 * from outside passes here, so that no id can add a token or a wildcard.
 */

export const DEFAULT_PREFIX = "nexus";

/** Services whose API is `<prefix>.<service>.<verb>`. */
export const serviceVerbs = {
  router: ["agents", "status", "health"],
  consensus: ["propose", "read", "watch", "state", "members", "transfer", "snapshot", "health"],
  gossip: ["put", "get", "members", "converged", "watch", "health"],
  predictor: ["predict", "observe", "explain", "models", "health"],
  adaptive: ["policy", "rules", "explain", "whatif", "health"],
  console: ["health"],
} as const;
export type ServiceName = keyof typeof serviceVerbs;
export type VerbOf<S extends ServiceName> = (typeof serviceVerbs)[S][number];
export const serviceNames = Object.keys(serviceVerbs) as ServiceName[];

export interface Subjects {
  readonly prefix: string;
  /** Clients publish requests here; routers share them as the queue group `router`. */
  coordinate(type: GoalType): string;
  /** Operations for one agent. */
  agentIn(agentId: string): string;
  /** Batches for several agents of a connection. */
  connIn(connId: string): string;
  group(group: string): string;
  readonly all: string;
  agentHello(agentId: string): string;
  agentHeartbeat(agentId: string): string;
  agentBye(agentId: string): string;
  connHeartbeat(connId: string): string;
  agentReply(agentId: string, routerId: string): string;
  /** Causal operations that an agent misses. */
  agentAsk(agentId: string, routerId: string): string;
  connReply(connId: string, routerId: string): string;
  /** What a router subscribes to: every agent's and connection's answers to it, and their registrations. */
  readonly everyHello: string;
  readonly everyAgentHeartbeat: string;
  readonly everyBye: string;
  readonly everyConnHeartbeat: string;
  everyAgentReply(routerId: string): string;
  everyAgentAsk(routerId: string): string;
  everyConnReply(routerId: string): string;
  /** Routers tell agents the heartbeat interval, and ask for hellos. */
  readonly routerAnnounce: string;
  /** Routers tell each other that they live. */
  readonly routerAlive: string;
  /** Routers ask each other who owns a request id. */
  readonly routerClaims: string;
  /** What one router alone can answer: requests that it owns. */
  routerRequests(routerId: string): string;
  requestGet(requestId: string): string;
  requestCancel(requestId: string): string;
  requestEvents(requestId: string): string;
  readonly everyRequestGet: string;
  readonly everyRequestCancel: string;
  service<S extends ServiceName>(service: S, verb: VerbOf<S>): string;
  /** What one member of the gossip sends to another: the sender is named by the subject. */
  gossipNode(to: string, from: string): string;
  /** All that is sent to one member. */
  everyGossipFrame(to: string): string;
  /** Members say that they are there. */
  readonly gossipAnnounce: string;
  /** What observers of agents found out. */
  readonly gossipVerdicts: string;
  /** Every instance of every service answers here with its report. */
  readonly everyServiceReport: string;
  /** Watchers tell every router what they want to hear of, and for how long. */
  readonly routerWatch: string;
  /** What routers do, while somebody watches. */
  readonly routerEvents: string;
}

/** Builds the subjects under a prefix of one or more valid tokens. */
export function createSubjects(prefix: string = DEFAULT_PREFIX): Subjects {
  if (prefix.length > 100 || !prefix.split(".").every((token) => namePattern.test(token))) {
    throw new NexusError("invalid-field", `subject prefix "${clip(prefix)}" must be dot-separated names`, { field: "prefix" });
  }
  const p = prefix;
  return {
    prefix,
    coordinate: (type) => `${p}.coordinate.${checkedType(type)}`,
    agentIn: (id) => `${p}.agents.${name(id, "agent")}.in`,
    connIn: (id) => `${p}.conns.${name(id, "connection")}.in`,
    group: (group) => `${p}.groups.${name(group, "group")}`,
    all: `${p}.all`,
    agentHello: (id) => `${p}.agents.${name(id, "agent")}.out.hello`,
    agentHeartbeat: (id) => `${p}.agents.${name(id, "agent")}.out.heartbeat`,
    agentBye: (id) => `${p}.agents.${name(id, "agent")}.out.bye`,
    connHeartbeat: (id) => `${p}.conns.${name(id, "connection")}.out.heartbeat`,
    agentReply: (id, router) => `${p}.agents.${name(id, "agent")}.out.reply.${name(router, "router")}`,
    agentAsk: (id, router) => `${p}.agents.${name(id, "agent")}.out.ask.${name(router, "router")}`,
    connReply: (id, router) => `${p}.conns.${name(id, "connection")}.out.reply.${name(router, "router")}`,
    everyHello: `${p}.agents.*.out.hello`,
    everyAgentHeartbeat: `${p}.agents.*.out.heartbeat`,
    everyBye: `${p}.agents.*.out.bye`,
    everyConnHeartbeat: `${p}.conns.*.out.heartbeat`,
    everyAgentReply: (router) => `${p}.agents.*.out.reply.${name(router, "router")}`,
    everyAgentAsk: (router) => `${p}.agents.*.out.ask.${name(router, "router")}`,
    everyConnReply: (router) => `${p}.conns.*.out.reply.${name(router, "router")}`,
    routerAnnounce: `${p}.routers.announce`,
    routerAlive: `${p}.routers.alive`,
    routerClaims: `${p}.routers.claims`,
    routerRequests: (router) => `${p}.routers.${name(router, "router")}.requests`,
    requestGet: (id) => `${p}.requests.${ulid(id)}.get`,
    requestCancel: (id) => `${p}.requests.${ulid(id)}.cancel`,
    requestEvents: (id) => `${p}.requests.${ulid(id)}.events`,
    everyRequestGet: `${p}.requests.*.get`,
    everyRequestCancel: `${p}.requests.*.cancel`,
    service: (service, verb) => `${p}.${service}.${verb}`,
    gossipNode: (to, from) => `${p}.gossip.nodes.${name(to, "member")}.${name(from, "member")}`,
    everyGossipFrame: (to) => `${p}.gossip.nodes.${name(to, "member")}.*`,
    gossipAnnounce: `${p}.gossip.announce`,
    gossipVerdicts: `${p}.gossip.verdicts`,
    everyServiceReport: `${p}.services.report`,
    routerWatch: `${p}.router.watch`,
    routerEvents: `${p}.router.events`,
  };
}

/**
 * The token at `position` of a subject that matched one of our subscriptions, counted after the prefix: in
 * `nexus.agents.a1.out.hello` position 1 is `a1`. The subject's publisher was allowed to use it, so it says who speaks.
 */
export function subjectToken(subjects: Subjects, subject: string, position: number): string {
  return subject.slice(subjects.prefix.length + 1).split(".")[position] ?? "";
}

/**
 * As `subjectToken`, for a token that is the id of whoever speaks.
 * @throws NexusError `invalid-field` for what is no name
 */
export function speakerIn(subjects: Subjects, subject: string, position: number): string {
  const token = subjectToken(subjects, subject, position);
  if (!namePattern.test(token)) throw new NexusError("invalid-field", `"${token.slice(0, 64)}" is no valid id`);
  return token;
}

/**
 * Whether a service may publish an answer to `reply`, a subject that a client chose. Anything else than an inbox
 * could make a privileged service publish where the client itself is not allowed to (a confused deputy).
 * @param allowedPrefixes each ends with a dot, e.g. `_INBOX.`
 */
export function isReplyAllowed(reply: string, allowedPrefixes: readonly string[]): boolean {
  return (
    reply.length <= 256 &&
    /^[A-Za-z0-9_$.-]+$/.test(reply) &&
    !reply.endsWith(".") &&
    !reply.includes("..") &&
    allowedPrefixes.some((prefix) => reply.startsWith(prefix) && reply.length > prefix.length)
  );
}

function name(token: string, kind: string): string {
  if (!namePattern.test(token)) {
    throw new NexusError("invalid-field", `"${clip(token)}" is no ${kind} id: it must match ${namePattern.source}`, {
      field: kind,
    });
  }
  return token;
}

function ulid(id: string): string {
  if (!requestIdPattern.test(id)) {
    throw new NexusError("invalid-field", `"${clip(id)}" is no request id: it must be a ULID`, { field: "id" });
  }
  return id;
}

function checkedType(type: GoalType): GoalType {
  if (!goalTypes.includes(type)) {
    throw new NexusError("invalid-field", `goal.type must be one of ${goalTypes.join(", ")}`, { field: "goal.type" });
  }
  return type;
}

function clip(text: string): string {
  return JSON.stringify(String(text).slice(0, 80)).slice(1, -1);
}
