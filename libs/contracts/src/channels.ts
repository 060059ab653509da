import { type CodecName, codecNames } from "./codec.ts";
import { goalTypes } from "./goal-types.ts";
import { gossipChannels } from "./gossip-channels.ts";
import type { MessageName } from "./messages.ts";
import { createSubjects, type ServiceName, type Subjects, serviceNames, serviceVerbs } from "./subjects.ts";

/** Who speaks to whom on which subject, and with which messages: the subjects as data, for documents and tests. */

export type Role = "client" | "agent" | "router" | "service";

export interface Channel {
  readonly name: string;
  /** The subject, with `{parameter}` in the place of what differs. */
  readonly address: string;
  readonly meaning: string;
  readonly from: Role;
  readonly to: Role;
  /** Queue group in which the receivers share the messages. */
  readonly queue?: string;
  /** Messages that are published; an empty list is an empty body. */
  readonly messages: readonly MessageName[];
  /** Messages that come back on the reply subject, where there is one. */
  readonly answers?: readonly MessageName[];
  /** Encodings that the receivers read; absent, all. */
  readonly codecs?: readonly CodecName[];
  /** Values of a parameter, where they are few. */
  readonly values?: Readonly<Record<string, readonly string[]>>;
}

export const parameterMeanings: Readonly<Record<string, string>> = {
  agent: "Id of the agent",
  connection: "Id of the connection that agents share",
  group: "Name of the group",
  id: "Id of the request, a ULID",
  member: "Id of the member that a frame is for",
  sender: "Id of the member that it is from",
  router: "Id of the router",
  service: "Name of the service",
  type: "Type of the goal",
  verb: "What the service is asked",
};

/** Parameters that the one builder of subjects takes, and what it takes for them here. */
const marks = {
  agent: "marked-agent",
  connection: "marked-connection",
  group: "marked-group",
  router: "marked-router",
  member: "marked-member",
  sender: "marked-sender",
  id: "00000000000000000000000000",
} as const;

function template(subject: string): string {
  return Object.entries(marks).reduce((text, [parameter, mark]) => text.replaceAll(mark, `{${parameter}}`), subject);
}

const json = { codecs: ["json"] } as const;
const agentFrames = ["operation", "cancel", "hello-wanted", "causal-nothing"] as const;
const unused = "no mechanism of this release publishes to it";

/** @param subjects of the prefix that the addresses shall have */
export function channelsOf(subjects: Subjects): readonly Channel[] {
  const { agent, connection, group, router, id } = marks;
  const all: readonly Channel[] = [
    {
      name: "coordinate",
      address: subjects.coordinate("gather").replace(/gather$/, "{type}"),
      meaning: "A coordination request. Without a reply subject it is executed all the same",
      from: "client",
      to: "router",
      queue: "router",
      messages: ["request"],
      answers: ["result", "accepted", "refusal"],
      values: { type: goalTypes },
    },
    {
      name: "request-get",
      address: subjects.requestGet(id),
      meaning: "The state of a request, its result or a page of it",
      from: "client",
      to: "router",
      queue: "router",
      messages: ["request-get"],
      answers: ["request-report", "failure"],
    },
    {
      name: "request-cancel",
      address: subjects.requestCancel(id),
      meaning: "Stops a running request; the answer has its result",
      from: "client",
      to: "router",
      queue: "router",
      messages: [],
      answers: ["request-report", "failure"],
    },
    {
      name: "request-events",
      address: subjects.requestEvents(id),
      meaning: "What happens to a request in `accept` mode",
      from: "router",
      to: "client",
      messages: ["request-event"],
      ...json,
    },
    {
      name: "agent-hello",
      address: subjects.agentHello(agent),
      meaning: "Registration of an agent",
      from: "agent",
      to: "router",
      messages: ["hello"],
    },
    {
      name: "agent-heartbeat",
      address: subjects.agentHeartbeat(agent),
      meaning: "Life and load of an agent that is alone on its connection",
      from: "agent",
      to: "router",
      messages: ["heartbeat"],
    },
    {
      name: "connection-heartbeat",
      address: subjects.connHeartbeat(connection),
      meaning: "Life and load of all agents of a connection",
      from: "agent",
      to: "router",
      messages: ["connection-heartbeat"],
    },
    {
      name: "agent-bye",
      address: subjects.agentBye(agent),
      meaning: "An agent leaves",
      from: "agent",
      to: "router",
      messages: ["bye"],
    },
    {
      name: "agent-in",
      address: subjects.agentIn(agent),
      meaning: "Work for one agent",
      from: "router",
      to: "agent",
      messages: agentFrames,
    },
    {
      name: "group",
      address: subjects.group(group),
      meaning: `Work for every member of a group; ${unused}`,
      from: "router",
      to: "agent",
      messages: agentFrames,
    },
    {
      name: "all",
      address: subjects.all,
      meaning: `Work for every agent; ${unused}`,
      from: "router",
      to: "agent",
      messages: agentFrames,
    },
    {
      name: "connection-in",
      address: subjects.connIn(connection),
      meaning: `Work for several agents of a connection; ${unused}`,
      from: "router",
      to: "agent",
      messages: ["batch"],
    },
    {
      name: "agent-reply",
      address: subjects.agentReply(agent, router),
      meaning: "Answers of one agent to one router",
      from: "agent",
      to: "router",
      messages: ["reply", "progress"],
    },
    {
      name: "agent-ask",
      address: subjects.agentAsk(agent, router),
      meaning: "Causal operations that an agent misses; they come again to the agent's own subject",
      from: "agent",
      to: "router",
      messages: ["causal-ask"],
    },
    {
      name: "connection-reply",
      address: subjects.connReply(connection, router),
      meaning: "Answers of several agents of a connection to one router",
      from: "agent",
      to: "router",
      messages: ["answers"],
    },
    {
      name: "router-announce",
      address: subjects.routerAnnounce,
      meaning: "Routers tell agents the heartbeat interval, and ask for hellos",
      from: "router",
      to: "agent",
      messages: ["announce"],
      ...json,
    },
    {
      name: "router-alive",
      address: subjects.routerAlive,
      meaning: "Routers tell each other that they live",
      from: "router",
      to: "router",
      messages: ["router-alive"],
      ...json,
    },
    {
      name: "router-claims",
      address: subjects.routerClaims,
      meaning: "Routers ask each other who owns a request id",
      from: "router",
      to: "router",
      messages: ["claim-question"],
      answers: ["claim-answer"],
      ...json,
    },
    {
      name: "router-requests",
      address: subjects.routerRequests(router),
      meaning: "What one router alone can answer: requests that it owns",
      from: "router",
      to: "router",
      messages: ["owner-question"],
      answers: ["request-report", "failure"],
    },
    {
      name: "router-agents",
      address: subjects.service("router", "agents"),
      meaning: "A page of the agents that a router knows",
      from: "client",
      to: "router",
      queue: "router",
      messages: ["agents-query"],
      answers: ["agents-page", "failure"],
    },
    {
      name: "router-status",
      address: subjects.service("router", "status"),
      meaning: "Counts of one router",
      from: "client",
      to: "router",
      queue: "router",
      messages: [],
      answers: ["router-status", "failure"],
    },
    {
      name: "health",
      address: subjects.service("router", "health").replace("router", "{service}"),
      meaning: "Whether one replica of a service can work",
      from: "client",
      to: "service",
      queue: "{service}",
      messages: [],
      answers: ["health", "failure"],
      values: { service: serviceNames },
    },
    {
      name: "services-report",
      address: subjects.everyServiceReport,
      meaning: "Every instance of every service answers for itself",
      from: "client",
      to: "service",
      messages: [],
      answers: ["service-report", "failure"],
    },
    {
      name: "router-watch",
      address: subjects.routerWatch,
      meaning: "A watcher's interest; every router answers",
      from: "client",
      to: "router",
      messages: ["watch-interest"],
      answers: ["watch-answer", "failure"],
    },
    {
      name: "router-events",
      address: subjects.routerEvents,
      meaning: "What watchers want to hear, while an interest stands",
      from: "router",
      to: "client",
      messages: ["activity-event"],
      ...json,
    },
    ...gossipChannels(subjects, marks),
    ...unbuiltVerbs(subjects),
  ];
  return all.map((channel) => ({ ...channel, address: template(channel.address) }));
}

const builtVerbs: Partial<Record<ServiceName, readonly string[]>> = { gossip: ["put", "get", "members", "converged"] };
const isBuilt = (service: ServiceName, verb: string): boolean =>
  verb === "health" || (builtVerbs[service]?.includes(verb) ?? false);

/** Verbs that have their place and are refused with `not-implemented`. */
function unbuiltVerbs(subjects: Subjects): Channel[] {
  return serviceNames
    .filter((service) => service !== "router")
    .map((service) => ({ service, verbs: serviceVerbs[service].filter((verb) => !isBuilt(service, verb)) }))
    .filter(({ verbs }) => verbs.length > 0)
    .map(({ service, verbs }) => ({
      name: service,
      address: subjects.service(service, "health").replace(/health$/, "{verb}"),
      meaning: "Not built yet: answered with `not-implemented`",
      from: "client",
      to: "service",
      queue: service,
      messages: [],
      answers: ["failure"],
      values: { verb: verbs },
    }));
}

/** The subjects under the usual prefix. */
export const channels = channelsOf(createSubjects());

/** Encodings that the receivers of a channel read. */
export function codecsOf(channel: Channel): readonly CodecName[] {
  return channel.codecs ?? codecNames;
}
