import { encode } from "@nexus/contracts";
import { gather, ulid } from "../case.ts";

/** Reply subjects at which an answer would lend a service's rights to the client (a confused deputy). */

export interface ReplyCase {
  readonly name: string;
  readonly subject: string;
  readonly body: Uint8Array;
  readonly reply: string;
  /** The counter that must go up by one; the framework's own questions have none. */
  readonly counted: readonly [metric: string, reason: string] | undefined;
}

const replies: readonly [name: string, reply: string][] = [
  ["an agent's inbox", "nexus.agents.bystander.in"],
  ["a connection's inbox", "nexus.conns.c1.in"],
  ["every agent", "nexus.all"],
  ["a group", "nexus.groups.fleet"],
  ["an agent's hello", "nexus.agents.a0.out.hello"],
  ["an agent's answer", "nexus.agents.a0.out.reply.router-x"],
  ["what routers announce", "nexus.routers.announce"],
  ["another request: a loop", "nexus.coordinate.gather"],
  ["events of a request", `nexus.requests.${ulid("F00")}.events`],
  ["a log of the consensus", "nexus.consensus.raft.append"],
  ["JetStream's API", "$JS.API.STREAM.DELETE.orders"],
  ["the server's own account", "$SYS.REQ.SERVER.PING"],
  ["the services framework: a loop", "$SRV.PING"],
  ["an inbox without a tail", "_INBOX"],
  ["an inbox with an empty tail", "_INBOX."],
  ["all inboxes", "_INBOX.>"],
  ["any inbox", "_INBOX.*"],
  ["a wildcard within an inbox", "_INBOX.a.*.b"],
  ["an empty token within an inbox", "_INBOX.a..b"],
  ["an inbox in lower case", "_inbox.a"],
  ["what begins as an inbox does", "_INBOXES.a"],
  ["a look-alike of an inbox", "_INB\u041eX.a"],
  ["an inbox with a control character", "_INBOX.a\u0007"],
  ["257 characters", `_INBOX.${"a".repeat(250)}`],
  ["everything", ">"],
  ["a subject of nobody", "elsewhere"],
];

const ofRequests = ["requestsRefused", "reply-subject"] as const;
const ofFrames = ["framesDropped", "invalid-field"] as const;
const empty = new Uint8Array();
const question = encode({ v: 1, router: "router-of-nobody", id: ulid("F01") });

const few = ["an agent's inbox", "JetStream's API", "any inbox", "an inbox without a tail"];

const others: readonly [subject: string, body: Uint8Array, counted: ReplyCase["counted"]][] = [
  ...["consensus.propose", "gossip.put", "predictor.predict", "adaptive.policy", "router.status", "router.health"].map(
    (verb): [string, Uint8Array, ReplyCase["counted"]] => [`nexus.${verb}`, empty, ofRequests],
  ),
  [`nexus.requests.${ulid("F02")}.get`, empty, ofRequests],
  [`nexus.requests.${ulid("F02")}.cancel`, empty, ofRequests],
  ["nexus.coordinate.broadcast", encode({ goal: { operation: "number" }, agents: { all: true } }), ofRequests],
  ["nexus.routers.claims", question, ofFrames],
  ["$SRV.PING", empty, undefined],
  ["$SRV.INFO.nexus-router", empty, undefined],
  ["$SRV.STATS.nexus-gossip", empty, undefined],
];

export const replyCases: readonly ReplyCase[] = [
  ...replies.map(
    ([name, reply]): ReplyCase => ({
      name: `a gather that is to be answered at ${name}`,
      subject: "nexus.coordinate.gather",
      body: encode(gather()),
      reply,
      counted: ofRequests,
    }),
  ),
  ...others.flatMap(([subject, body, counted]) =>
    replies
      .filter(([name]) => few.includes(name))
      .map(
        ([name, reply]): ReplyCase => ({
          name: `${subject.replace(/[0-9A-Z]{26}/, "<id>")} at ${name}`,
          subject,
          body,
          reply,
          counted,
        }),
      ),
  ),
];

/** The longest inbox that is answered at. */
export const LONGEST_REPLY = `_INBOX.${"a".repeat(249)}`;
