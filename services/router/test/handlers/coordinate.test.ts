import {
  acceptedSchema,
  codecOf,
  decode,
  encode,
  type GoalType,
  NexusError,
  refusalSchema,
  resultSchema,
} from "@nexus/contracts";
import { type BusMessage, noHeaders, noTelemetry, type ServiceAnswer, silentLogger } from "@nexus/ports";
import { createLogLimit } from "@nexus/runtime";
import { describe, expect, it } from "vitest";
import { Admission } from "../../src/admission.ts";
import { type CoordinateDeps, coordinateHandler } from "../../src/handlers/coordinate.ts";
import { createNetwork, ID } from "../memory-network.ts";

/**
 * Proves the clients' ingress: what is wrong with a request ends here and reaches no engine, answers come in the encoding of
 * the question, a router that stops or is full says so, and nothing is published where a client may not.
 */

const body = { id: ID, goal: { operation: "ask" }, agents: { all: true } };

function setUp(changes: Partial<CoordinateDeps> = {}, type: GoalType = "gather") {
  const network = createNetwork();
  const { coordinator, activity, engine } = network.addRouter("r1");
  const counted: [string, unknown][] = [];
  const telemetry = {
    ...noTelemetry,
    count: (metric: string, _: number, by: object = {}) => void counted.push([metric, ...Object.values(by)] as never),
  };
  const handle = coordinateHandler(type, {
    ...{ coordinator, activity, clock: network.clock, logger: silentLogger, telemetry, routerId: "r1" },
    ...{ replyPrefixes: ["_INBOX."], isDraining: () => false, contentBytesMax: () => 1_044_480 },
    ...{ admission: new Admission(1, "requests are running"), limit: createLogLimit(network.clock) },
    ...changes,
  });
  const message = (data: Uint8Array, more: Partial<BusMessage> = {}): BusMessage => ({
    ...{ subject: `nexus.coordinate.${type}`, data, headers: noHeaders, reply: "_INBOX.client.1", ...more },
  });
  return { ...network, engine, counted, ask: (data: Uint8Array, more?: Partial<BusMessage>) => handle(message(data, more)) };
}

function read(answer: ServiceAnswer | undefined) {
  if (answer === undefined) throw new Error("there was no answer");
  return decode(answer.data, codecOf(answer.headers?.["Content-Type"]));
}

describe("a request that is carried out", () => {
  it.each(["json", "msgpack"] as const)("is answered in %s, as it came", async (codec) => {
    const { ask, engine, pass, counted } = setUp();
    const headers: Record<string, string> = codec === "json" ? {} : { "Content-Type": "application/msgpack" };
    const answering = ask(encode(body, codec), { headers });
    await pass(5);
    engine.finish();
    const answer = await answering;
    expect(answer?.headers).toEqual(codec === "json" ? undefined : headers);
    expect(resultSchema.parse(read(answer))).toMatchObject({ id: ID, status: "completed" });
    expect(counted).toEqual([["coordinations", "gather", "completed"]]);
  });

  it("runs without a reply subject as well", async () => {
    const { ask, engine, pass } = setUp();
    void ask(encode(body), { reply: undefined });
    await pass(1);
    expect(engine.started).toHaveLength(1);
  });

  it("in accept mode is acknowledged when it has begun", async () => {
    const { ask, run, engine } = setUp();
    const answer = await run(ask(encode({ ...body, mode: "accept", timeoutMs: 700 })));
    expect(acceptedSchema.parse(read(answer))).toMatchObject({ id: ID, router: "r1", remainingMs: 700 });
    expect(engine.started).toHaveLength(1);
  });
});

describe("refusals reach no engine, and name what is wrong", () => {
  it.each<[string, Uint8Array, string, string | undefined]>([
    ["no JSON", new TextEncoder().encode("{"), "malformed", undefined],
    ["an unknown field", encode({ ...body, agentz: 1 }), "unknown-field", "agentz"],
    ["a wrong type", encode({ ...body, agents: { ids: "a" } }), "invalid-field", "agents.ids"],
    [
      "another goal than the subject's",
      encode({ ...body, goal: { type: "causal", operations: [] } }),
      "invalid-field",
      "goal.operations",
    ],
    ["a deadline that has passed", encode({ ...body, deadline: 1 }), "deadline-past", "deadline"],
    ["too many bytes", new Uint8Array(1_048_577), "too-large", undefined],
  ])("%s", async (_, data, code, field) => {
    const { ask, engine, counted, run } = setUp();
    const answer = await run(ask(data));
    expect(refusalSchema.parse(read(answer))).toMatchObject({
      type: "gather",
      status: "failed",
      executed: "none",
      error: { code },
    });
    expect([answer?.error?.code, answer?.error?.field, engine.started.length]).toEqual([code, field, 0]);
    expect(counted).toEqual([["requestsRefused", code]]);
  });

  it("an encoding that is not known is refused in JSON, another request's in its own", async () => {
    const { ask, run } = setUp();
    const unknown = await run(ask(encode(body), { headers: { "Content-Type": "text/xml" } }));
    expect(read(unknown)).toMatchObject({ error: { code: "unsupported-content-type" } });
    const packed = await run(ask(encode({ ...body, x: 1 }, "msgpack"), { headers: { "Content-Type": "application/msgpack" } }));
    expect(packed?.headers).toEqual({ "Content-Type": "application/msgpack" });
    expect(read(packed)).toMatchObject({ error: { code: "unknown-field" } });
  });

  it.each<[string, Partial<CoordinateDeps>, string, number]>([
    ["stops", { isDraining: () => true }, "draining", 50],
    ["is full", { admission: new Admission(0, "requests are running") }, "overloaded", 250],
  ])("a router that %s says when to come again, before it reads anything", async (_, changes, code, retryAfterMs) => {
    const { ask, run } = setUp(changes);
    for (const data of [encode(body), new Uint8Array([0xff])]) {
      expect(read(await run(ask(data)))).toMatchObject({ executed: "none", error: { code, retryable: true, retryAfterMs } });
    }
  });

  it("what the engine refuses is refused, in accept mode too", async () => {
    for (const mode of ["reply", "accept"]) {
      const { ask, engine, run } = setUp();
      engine.refusal = new NexusError("no-targets", "nobody", { field: "agents" });
      expect(read(await run(ask(encode({ ...body, mode }))))).toMatchObject({ error: { code: "no-targets", field: "agents" } });
    }
  });

  it("a defect says that it is ours, and not what it was made of", async () => {
    const coordinator = {
      start() {
        throw new TypeError("undefined is not a function");
      },
    };
    const { ask, run } = setUp({ coordinator: coordinator as never });
    const answer = read(await run(ask(encode(body))));
    expect(answer).toMatchObject({ executed: "unknown", error: { code: "internal", retryable: false } });
    expect(JSON.stringify(answer)).not.toContain(".ts:");
  });
});

describe("a reply subject that is no inbox", () => {
  it.each(["nexus.agents.a.in", "nexus.coordinate.gather", "$SYS.x", "_INBOX.", "_INBOX.a.*", "_INBOXES.a"])(
    "%s: neither executed nor answered, but counted",
    async (reply) => {
      const { ask, engine, counted, run } = setUp();
      expect(await run(ask(encode(body), { reply }))).toBeUndefined();
      expect(engine.started).toEqual([]);
      expect(counted).toEqual([["requestsRefused", "reply-subject"]]);
    },
  );
});
