import { decode, encode, type Hello, type JsonValue, type OperationFrame } from "@nexus/contracts";
import type { Wire } from "./wire.ts";
import { until, type World } from "./world.ts";

/** An agent of bare bytes: it says what it is told to say, and nothing by itself. */
export class Puppet {
  readonly id: string;
  readonly hello: Hello;
  /** Operations that it was given, in order. */
  readonly given: OperationFrame[] = [];
  /** Frames of other kinds. */
  readonly told: string[] = [];
  readonly #wire: Wire;
  readonly #prefix: string;

  private constructor(wire: Wire, id: string, more: Partial<Hello>, prefix: string) {
    this.#wire = wire;
    this.#prefix = prefix;
    this.id = id;
    this.hello = helloOf({ connId: `conn-of-${id}`.slice(0, 63), ...more });
    wire.subscribe(this.subject("in"), ({ data }) => {
      const frame = decode(data) as unknown as OperationFrame;
      if (frame.kind === "operation") this.given.push(frame);
      else this.told.push(frame.kind);
    });
  }

  /** Resolves when the router knows it. */
  static async join(world: Pick<World, "wire">, id: string, more: Partial<Hello> = {}, prefix = "nexus"): Promise<Puppet> {
    const puppet = new Puppet(world.wire, id, more, prefix);
    puppet.say("hello", puppet.hello);
    await until(`${id} is known`, async () => (await rowOf(world, id, prefix))?.["state"] === "alive");
    return puppet;
  }

  subject(tail: string): string {
    return `${this.#prefix}.agents.${this.id}.${tail}`;
  }

  say(what: string, body: object): void {
    this.#wire.publish({ subject: this.subject(`out.${what}`), data: encode(body) });
  }

  /** The operation that it was given as its n-th. */
  async asked(count = 1): Promise<OperationFrame> {
    await until(`${this.id} was asked`, () => this.given.length >= count);
    return this.given[count - 1] as OperationFrame;
  }

  answer(frame: OperationFrame, more: object = {}): void {
    this.say(`reply.${frame.router}`, replyTo(frame, more));
  }

  leave(): void {
    this.say("bye", { v: 1, boot: this.hello.boot });
  }
}

export function helloOf(more: object = {}): Hello {
  return {
    v: 1,
    wire: { min: 1, max: 1 },
    connId: "conn-of-a-puppet",
    boot: "b1",
    incarnation: 0,
    groups: [],
    labels: {},
    capacity: 4,
    operations: ["ask"],
    ...more,
  };
}

export function replyTo(frame: Pick<OperationFrame, "operationId">, more: object = {}): object {
  return { v: 1, kind: "reply", operationId: frame.operationId, status: "ok", value: 1, inFlight: 0, queueDepth: 0, ...more };
}

export function heartbeatOf(more: object = {}): object {
  const process = { cpu: 0.5, memory: 0.5, eventLoopDelayMs: 1 };
  return { v: 1, boot: "b1", process, inFlight: 0, queueDepth: 0, serviceTimeMs: 1, ...more };
}

/** What the router tells of an agent. */
export async function rowOf(
  world: Pick<World, "wire">,
  id: string,
  prefix = "nexus",
): Promise<Readonly<Record<string, JsonValue>> | undefined> {
  for (let offset = 0; ; ) {
    const answer = await world.wire.request({ subject: `${prefix}.router.agents`, data: encode({ offset }) });
    const page = decode(answer.data) as unknown as { agents: Record<string, JsonValue>[]; next?: number };
    const row = page.agents.find((agent) => agent["agent"] === id);
    if (row !== undefined || page.next === undefined) return row;
    offset = page.next;
  }
}
