import { outgoingOf, ROUTER_ID, type Sent } from "./case.ts";
import type { FrameKindName } from "./frame-kinds.ts";
import { heartbeatOf, helloOf, replyTo } from "./puppet.ts";
import { frames, refused } from "./tables.ts";
import type { Outgoing } from "./wire.ts";

/** Every hostile message of the tables that a router alone can hear, to be sent again and again. */

export interface Mix {
  /** Each is answered. */
  readonly requests: readonly Outgoing[];
  /** Each is dropped. */
  readonly frames: readonly Outgoing[];
}

/** Larger ones would make a test of the network. */
const BYTES_MAX = 16_384;

const operationId = "01ARZ3NDEKTSV4RRFFQ69G5FZZ/0";
const { process, v, ...row } = heartbeatOf() as { process: object; v: number };

/** A legal frame of each kind that routers hear, of an agent that is not there. */
const legal: Readonly<Partial<Record<FrameKindName, { readonly subject: string; readonly body: object }>>> = {
  hello: { subject: "nexus.agents.mix.out.hello", body: helloOf() },
  heartbeat: { subject: "nexus.agents.mix.out.heartbeat", body: heartbeatOf() },
  "connection's heartbeat": {
    subject: "nexus.conns.mix.out.heartbeat",
    body: { v, process, agents: [{ agent: "mix", ...row }] },
  },
  bye: { subject: "nexus.agents.mix.out.bye", body: { v: 1, boot: "b1" } },
  "router's alive": { subject: "nexus.routers.alive", body: { v: 1, router: "router-of-nobody", leaving: false } },
  "router's claim": { subject: "nexus.routers.claims", body: { v: 1, router: "router-of-nobody", id: operationId.slice(0, 26) } },
};

export function mixFor(routerId: string): Mix {
  const answers = {
    reply: { subject: `nexus.agents.mix.out.reply.${routerId}`, body: replyTo({ operationId }) },
    "connection's replies": {
      subject: `nexus.conns.mix.out.reply.${routerId}`,
      body: { v: 1, kind: "batch", answers: [{ agent: "mix", answer: replyTo({ operationId }) }] },
    },
  };
  const known: typeof legal = { ...legal, ...answers };
  const sent: Sent[] = Object.values(refused).flatMap((cases) => cases.map(({ send }) => send));
  const requests = sent.map(outgoingOf).filter(({ subject, data }) => isOfRouter(subject) && sizeOf(data) <= BYTES_MAX);
  return {
    requests: requests.map((message) => ({ ...message, subject: message.subject.replace(ROUTER_ID, routerId) })),
    frames: Object.values(frames)
      .flat()
      .flatMap(({ kind, send, subject }): Outgoing[] => {
        const frame = known[kind];
        return frame === undefined ? [] : [outgoingOf({ subject: subject ?? frame.subject, ...send(frame.body) })];
      })
      .filter(({ data, subject }) => sizeOf(data) <= BYTES_MAX && !subject.includes(" ")),
  };
}

function isOfRouter(subject: string): boolean {
  return /^nexus\.(?:coordinate|routers?|requests)\./.test(subject);
}

function sizeOf(data: Uint8Array | undefined): number {
  return data?.length ?? 0;
}
