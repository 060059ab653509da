import { decode, encode, type JsonValue } from "@nexus/contracts";
import { expect } from "vitest";
import { documentOf } from "./prove.ts";
import { heartbeatOf, helloOf, Puppet, replyTo, rowOf } from "./puppet.ts";
import type { Incoming } from "./wire.ts";
import { until, type World } from "./world.ts";

/**
 * Each kind of frame, with a legal one that is about to be sent and what shows that it was understood. A case sends a
 * variant of it first.
 */

export interface Stage {
  readonly subject: string;
  readonly legal: object;
  /** Sends the legal frame and sees what it is for. */
  prove(): Promise<void>;
}

export interface FrameKind {
  /** Whose counter goes up. */
  readonly at: "router" | "agents";
  /** How many processes hear it. */
  readonly hearers?: number;
  begin(world: World): Promise<Stage>;
}

let made = 0;
const fresh = (kind: string): string => `${kind}-${++made}`;

function stageOf(world: World, subject: string, legal: object, seen: () => Promise<void>): Stage {
  return {
    subject,
    legal,
    async prove() {
      world.wire.publish({ subject, data: encode(legal) });
      await seen();
    },
  };
}

const hello: FrameKind = {
  at: "router",
  async begin(world) {
    const id = fresh("hello");
    return stageOf(world, `nexus.agents.${id}.out.hello`, helloOf({ labels: { zone: "x" }, codecs: ["json"] }), async () => {
      await until("it is known", async () => (await rowOf(world, id))?.["state"] === "alive");
      world.wire.publish({ subject: `nexus.agents.${id}.out.bye`, data: encode({ v: 1, boot: "b1" }) });
    });
  },
};

const loadOf = (row: Readonly<Record<string, JsonValue>> | undefined): number | undefined =>
  (row?.["load"] as { inFlight?: number } | undefined)?.inFlight;

const heartbeat: FrameKind = {
  at: "router",
  async begin(world) {
    const puppet = await Puppet.join(world, fresh("heartbeat"));
    const inFlight = ++made;
    return stageOf(world, puppet.subject("out.heartbeat"), heartbeatOf({ inFlight }), async () => {
      await until("its load is known", async () => loadOf(await rowOf(world, puppet.id)) === inFlight);
      puppet.leave();
    });
  },
};

const connHeartbeat: FrameKind = {
  at: "router",
  async begin(world) {
    const puppet = await Puppet.join(world, fresh("conn-heartbeat"));
    const inFlight = ++made;
    const { process, ...row } = heartbeatOf({ inFlight, agent: puppet.id }) as { process: object };
    const legal = { v: 1, process, agents: [row] };
    return stageOf(world, `nexus.conns.${puppet.hello.connId}.out.heartbeat`, legal, async () => {
      await until("its load is known", async () => loadOf(await rowOf(world, puppet.id)) === inFlight);
      puppet.leave();
    });
  },
};

const bye: FrameKind = {
  at: "router",
  async begin(world) {
    const puppet = await Puppet.join(world, fresh("bye"));
    return stageOf(world, puppet.subject("out.bye"), { v: 1, boot: "b1", reason: "drain" }, async () => {
      await until("it has left", async () => (await rowOf(world, puppet.id))?.["state"] === "left");
    });
  },
};

/** A request that a puppet is asked for, and waits for its answer. */
async function asked(world: World, kind: string) {
  const puppet = await Puppet.join(world, fresh(kind));
  const data = encode({ goal: { operation: "ask" }, agents: { ids: [puppet.id] } });
  const answer = world.wire.request({ subject: "nexus.coordinate.gather", data });
  const frame = await puppet.asked(1);
  const seen = async (): Promise<void> => {
    const result = documentOf(await answer);
    expect(result).toMatchObject({ status: "completed", outcome: { rows: [{ agent: puppet.id, value: { right: true } }] } });
    puppet.leave();
  };
  return { puppet, frame, legal: replyTo(frame, { value: { right: true } }), seen };
}

const reply: FrameKind = {
  at: "router",
  async begin(world) {
    const { puppet, frame, legal, seen } = await asked(world, "reply");
    return stageOf(world, puppet.subject(`out.reply.${frame.router}`), legal, seen);
  },
};

const connReply: FrameKind = {
  at: "router",
  async begin(world) {
    const { puppet, frame, legal, seen } = await asked(world, "conn-reply");
    const batch = { v: 1, kind: "batch", answers: [{ agent: puppet.id, answer: legal }] };
    return stageOf(world, `nexus.conns.${puppet.hello.connId}.out.reply.${frame.router}`, batch, seen);
  },
};

/** About an operation that is over: there is nothing to wait for. */
const causalAsk: FrameKind = {
  at: "router",
  async begin(world) {
    const puppet = await Puppet.join(world, fresh("causal-ask"), { causal: true });
    const goal = { operations: [{ type: "broadcast", operation: "ask" }] };
    const data = encode({ goal, agents: { ids: [puppet.id] } });
    const answer = world.wire.request({ subject: "nexus.coordinate.causal", data });
    const frame = await puppet.asked(1);
    puppet.answer(frame);
    expect(documentOf(await answer)).toMatchObject({ status: "completed" });
    const { scope, seq } = frame.causal ?? { scope: "", seq: 0 };
    const legal = { v: 1, boot: "b1", scope, from: seq, to: seq };
    return stageOf(world, puppet.subject(`out.ask.${frame.router}`), legal, async () => {
      await until("it is told", () => puppet.told.includes("causal-nothing"));
      puppet.leave();
    });
  },
};

const peersOf = async (world: World): Promise<string[]> => {
  const answer = await world.wire.request({ subject: "nexus.router.status" });
  return (decode(answer.data) as unknown as { peers: string[] }).peers;
};

const alive: FrameKind = {
  at: "router",
  async begin(world) {
    const router = fresh("router");
    return stageOf(world, "nexus.routers.alive", { v: 1, router, leaving: false }, async () => {
      await until("it is a peer", async () => (await peersOf(world)).includes(router));
      world.wire.publish({ subject: "nexus.routers.alive", data: encode({ v: 1, router, leaving: true }) });
      await until("it is none any more", async () => !(await peersOf(world)).includes(router));
    });
  },
};

const claim: FrameKind = {
  at: "router",
  async begin(world) {
    const legal = { v: 1, router: fresh("router"), id: "01ARZ3NDEKTSV4RRFFQ69G5FZZ" };
    return {
      subject: "nexus.routers.claims",
      legal,
      async prove() {
        const answer = await world.wire.request({ subject: "nexus.routers.claims", data: encode(legal) });
        expect(documentOf(answer)).toMatchObject({ router: world.router.id, state: "unknown" });
      },
    };
  },
};

/** An operation for an SDK agent; answers to a router that is this suite. */
function operation(subject: string, agent: string, hearers = 1, batched = false): FrameKind {
  return {
    at: "agents",
    hearers,
    async begin(world) {
      const operationId = `01ARZ3NDEKTSV4RRFFQ69G6${String(++made).padStart(3, "0")}/0`;
      const frame = {
        v: 1,
        kind: "operation",
        operationId,
        router: "hostile",
        operation: "number",
        type: "gather",
        remainingMs: 5_000,
      };
      const legal = batched ? { v: 1, kind: "batch", items: [{ to: [agent], frame }] } : frame;
      const answers: Incoming[] = [];
      const end = world.wire.subscribe(`nexus.*.*.out.reply.hostile`, (message) => answers.push(message));
      return stageOf(world, subject, legal, async () => {
        await until("it is answered", () => answers.some(({ data }) => data.includes(operationId)));
        end();
      });
    },
  };
}

/** The legal one tells of a router like any other; that it is understood shows in that nothing is counted. */
/** An agent that has not been heard for an interval, and is suspect when observers say so. */
const verdicts: FrameKind = {
  at: "router",
  async begin(world) {
    const puppet = await Puppet.join(world, fresh("verdicts"));
    const stateIs = (state: string) => async () => (await rowOf(world, puppet.id))?.["state"] === state;
    const legal = { v: 1, node: "observer", verdicts: [{ agent: puppet.id, boot: puppet.hello.boot, verdict: "suspect" }] };
    const say = () => world.wire.publish({ subject: "nexus.gossip.verdicts", data: encode(legal) });
    return stageOf(world, "nexus.gossip.verdicts", legal, async () => {
      await until("it is suspect", async () => {
        say();
        return await stateIs("suspect")();
      });
      puppet.leave();
    });
  },
};

const announce: FrameKind = {
  at: "agents",
  hearers: 3,
  async begin(world) {
    const legal = {
      v: 1,
      wire: { min: 1, max: 1 },
      router: "router-of-announce",
      heartbeatIntervalMs: 1_000,
      helloWanted: false,
    };
    const { prove } = await operation("nexus.all", "solo").begin(world);
    return stageOf(world, "nexus.routers.announce", legal, prove);
  },
};

export const frameKinds = {
  "observers' verdicts": verdicts,
  hello,
  heartbeat,
  "connection's heartbeat": connHeartbeat,
  bye,
  reply,
  "connection's replies": connReply,
  "causal question": causalAsk,
  "router's alive": alive,
  "router's claim": claim,
  "operation for an agent": operation("nexus.agents.solo.in", "solo"),
  "operation for a group": operation("nexus.groups.alone", "solo"),
  "operation for all": operation("nexus.all", "solo", 3),
  "batch for a connection": operation("nexus.conns.conn-of-solo.in", "solo", 1, true),
  "router's announcement": announce,
} as const satisfies Record<string, FrameKind>;
export type FrameKindName = keyof typeof frameKinds;
