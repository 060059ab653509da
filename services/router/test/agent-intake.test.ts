import { type CausalAsk, createSubjects, decode, encode, type Hello } from "@nexus/contracts";
import { Dispatcher, type Engine, RoutingTable } from "@nexus/engine";
import { noTelemetry, silentLogger, type Telemetry } from "@nexus/ports";
import { describe, expect, it } from "vitest";
import { AgentIntake } from "../src/agent-intake.ts";
import { FrameGuard } from "../src/frame-guard.ts";
import { createNetwork, ID } from "./memory-network.ts";

/**
 * Proves how agents' words come in, over the memory bus and in virtual time: registrations, loads, goodbyes and answers, who may
 * speak for whom (A1), frames that are dropped (A2), and the bounds of what is asked and logged.
 */

const subjects = createSubjects("nexus");
const operationId = `${ID}/0`;
const process = { cpu: 0, memory: 0, eventLoopDelayMs: 0 };
const load = { inFlight: 1, queueDepth: 2, serviceTimeMs: 3 };
const reply = { v: 1, kind: "reply", operationId, status: "ok", inFlight: 5, queueDepth: 6 };
const hello = (more: Partial<Hello> = {}) => ({
  ...{ v: 1, wire: { min: 1, max: 1 }, connId: "c1", boot: "b1", incarnation: 0, groups: [], labels: {}, capacity: 4 },
  ...{ operations: ["ask"], ...more },
});

async function setUp(agentsMax = 2_000) {
  const network = createNetwork();
  const { clock, broker } = network;
  const [bus, agent] = [broker.connect(), broker.connect()];
  const counted: string[] = [];
  const warned: string[] = [];
  const telemetry: Telemetry = {
    ...noTelemetry,
    count: (metric, _, by) => void counted.push([metric, ...Object.values(by ?? {})].join(" ")),
  };
  const logger = { ...silentLogger, warn: (_: object, message: string) => void warned.push(message) };
  const table = new RoutingTable({ agentsMax });
  const dispatcher = new Dispatcher({ bus, subjects, telemetry: noTelemetry });
  const gone: string[] = [];
  const asked: string[] = [];
  let forgotGone = 0;
  const engine = {
    agentGone: ({ id }: { id: string }, reason: string) => void gone.push(`${id} ${reason}`),
    causalAsked(agent: string, { boot, scope, from, to }: CausalAsk) {
      asked.push(`${agent}/${boot} ${scope} ${from}–${to}`);
      return agent === "stranger" ? 0 : 64;
    },
    forgetGone: () => void forgotGone++,
  } as unknown as Engine;
  const answers: string[] = [];
  dispatcher.listen(operationId, (from, answer) => void answers.push(`${from} ${answer.kind}`));
  const intake = new AgentIntake({
    ...{ bus, clock, logger, telemetry, subjects, routerId: "r1", table, dispatcher, engine },
    guard: new FrameGuard({ clock, logger, telemetry }),
  });
  const wanted: string[] = [];
  const announced: object[] = [];
  agent.subscribe(
    "nexus.agents.*.in",
    ({ subject, data }) => void wanted.push(`${subject.split(".")[2]} ${(decode(data) as { kind: string }).kind}`),
  );
  agent.subscribe(subjects.routerAnnounce, ({ data }) => void announced.push(decode(data) as object));
  await network.run(intake.start());
  await network.pass(1);
  const say = async (subject: string, frame: unknown, afterMs = 1) => {
    agent.publish(subject, frame instanceof Uint8Array ? frame : encode(frame));
    await network.pass(afterMs);
  };
  return {
    ...network,
    ...{
      bus,
      intake,
      table,
      dispatcher,
      gone,
      asked,
      forgotGone: () => forgotGone,
      answers,
      counted,
      warned,
      wanted,
      announced,
      say,
    },
  };
}

describe("registration", () => {
  it("a hello lets an agent in, under the id that its subject names", async () => {
    const { say, table } = await setUp();
    await say(subjects.agentHello("a"), { ...hello({ groups: ["g"] }), id: "somebody-else" });
    expect([...table.entries()].map(({ id, connId, groups }) => [id, connId, [...groups]])).toEqual([["a", "c1", ["g"]]]);
  });

  it("another life of an agent: what the old one had is lost", async () => {
    const { say, gone } = await setUp();
    await say(subjects.agentHello("a"), hello());
    await say(subjects.agentHello("a"), hello({ incarnation: 1 }));
    expect(gone).toEqual([]);
    await say(subjects.agentHello("a"), hello({ boot: "b2" }));
    expect(gone).toEqual(["a dead"]);
  });

  it("a full table refuses, and counts it", async () => {
    const { say, table, counted } = await setUp(1);
    await say(subjects.agentHello("a"), hello());
    await say(subjects.agentHello("b"), hello());
    expect(table.get("b")).toBeUndefined();
    expect(counted).toEqual(["boundsReached routing-table", "framesDropped overloaded"]);
  });

  it("a goodbye takes the agent out of selections, and what it has is still waited for", async () => {
    const { say, table, gone } = await setUp();
    await say(subjects.agentHello("a"), hello());
    await say(subjects.agentBye("a"), { v: 1, boot: "b1" });
    expect([table.get("a")?.state, table.size, gone]).toEqual(["left", 0, []]);
  });
});

describe("heartbeats", () => {
  it("carry loads; of those that nobody knows, a hello is wanted", async () => {
    const { say, table, wanted } = await setUp();
    await say(subjects.agentHello("a"), hello());
    await say(subjects.agentHeartbeat("a"), { v: 1, boot: "b1", process, ...load });
    expect(table.get("a")).toMatchObject({ load, process });
    await say(subjects.agentHeartbeat("b"), { v: 1, boot: "b1", process, ...load });
    await say(subjects.agentHeartbeat("a"), { v: 1, boot: "b2", process, ...load });
    expect(wanted).toEqual(["b hello-wanted", "a hello-wanted"]);
  });

  it("A1: a connection's heartbeat is for its own agents alone", async () => {
    const { say, table, wanted } = await setUp();
    await say(subjects.agentHello("mine"), hello());
    await say(subjects.agentHello("other"), hello({ connId: "c2" }));
    const agents = ["mine", "other"].map((agent) => ({ agent, boot: "b1", ...load }));
    await say(subjects.connHeartbeat("c1"), { v: 1, process, agents });
    expect([table.get("mine")?.load.inFlight, table.get("other")?.load.inFlight, wanted]).toEqual([1, 0, ["other hello-wanted"]]);
  });

  it("no more than 500 hellos are asked for between two sweeps; the rest is counted and asked later", async () => {
    const { say, wanted, counted } = await setUp();
    const agents = Array.from({ length: 700 }, (_, index) => ({ agent: `a${index}`, boot: "b1", ...load }));
    await say(subjects.connHeartbeat("c1"), { v: 1, process, agents });
    expect([wanted.length, counted.length, counted[0]]).toEqual([500, 200, "boundsReached hellos-wanted"]);
    await say(subjects.connHeartbeat("c1"), { v: 1, process, agents: agents.slice(500) }, 600);
    await say(subjects.connHeartbeat("c1"), { v: 1, process, agents: agents.slice(500) });
    expect(wanted).toHaveLength(700);
  });

  it("who stays silent is taken for dead, and whoever waits for it is told", async () => {
    const { say, gone, pass, table } = await setUp();
    await say(subjects.agentHello("a"), hello());
    await pass(5_000);
    expect([table.get("a")?.state, gone]).toEqual(["suspect", []]);
    await pass(1_000);
    expect([table.get("a")?.state, gone]).toEqual(["dead", ["a dead"]]);
  });
});

describe("answers", () => {
  it("go to whoever waits for them, and are a sign of life with a load", async () => {
    const { say, answers, table } = await setUp();
    await say(subjects.agentHello("a"), hello());
    await say(subjects.agentReply("a", "r1"), reply);
    await say(subjects.agentReply("a", "r1"), { v: 1, kind: "progress", operationId });
    expect(answers).toEqual(["a reply", "a progress"]);
    expect(table.get("a")?.load).toMatchObject({ inFlight: 5, queueDepth: 6 });
  });

  it("of a router that is not us are none of ours", async () => {
    const { say, answers, counted } = await setUp();
    await say(subjects.agentReply("a", "r2"), reply);
    expect([answers, counted]).toEqual([[], []]);
  });

  it("A1: in a batch, those for agents that live elsewhere are dropped, and no others", async () => {
    const { say, answers, counted } = await setUp();
    await say(subjects.agentHello("mine"), hello());
    await say(subjects.agentHello("other"), hello({ connId: "c2" }));
    const batch = ["other", "mine", "nobody"].map((agent) => ({ agent, answer: reply }));
    await say(subjects.connReply("c1", "r1"), { v: 1, kind: "batch", answers: batch });
    expect(answers).toEqual(["mine reply"]);
    expect(counted).toEqual(["framesDropped invalid-field", "framesDropped invalid-field"]);
  });
});

describe("questions for causal operations that are missing", () => {
  const ask = (more: object = {}) => ({ v: 1, boot: "b1", scope: "*", from: 1, to: 2, ...more });

  it("are answered by the engine, for the agent that their subject names", async () => {
    const { say, asked } = await setUp();
    await say(subjects.agentAsk("a", "r1"), ask({ agent: "b" }));
    await say(subjects.agentAsk("a", "r2"), ask());
    expect(asked).toEqual(["a/b1 * 1–2"]);
  });

  it("bring one agent no more than 256 messages between two sweeps; others have their own share", async () => {
    const { say, asked, counted } = await setUp();
    for (let count = 0; count < 5; count++) await say(subjects.agentAsk("a", "r1"), ask(), 0);
    await say(subjects.agentAsk("b", "r1"), ask());
    expect([asked.length, counted]).toEqual([5, ["boundsReached causal-answers"]]);
    await say(subjects.agentAsk("a", "r1"), ask(), 600);
    await say(subjects.agentAsk("a", "r1"), ask());
    expect(asked.filter((line) => line.startsWith("a/"))).toHaveLength(5);
  });

  it("that bring nothing take no share, and leave nothing behind", async () => {
    const { say, asked } = await setUp();
    for (let count = 0; count < 300; count++) await say(subjects.agentAsk("stranger", "r1"), ask(), 0);
    await say(subjects.agentAsk("stranger", "r1"), ask());
    expect(asked).toHaveLength(301);
  });
});

it("agents that are gone are forgotten by the engine now and then", async () => {
  const { forgotGone, pass } = await setUp();
  await pass(29_000);
  const before = forgotGone();
  await pass(30_000);
  expect(forgotGone()).toBe(before + 1);
});

describe("A2: what is not understood is dropped, counted and logged", () => {
  const garbage: [string, string, unknown, string][] = [
    ["bytes", subjects.agentHello("a"), new Uint8Array([0xff, 0xfe]), "malformed"],
    ["another version", subjects.agentHello("a"), hello({ v: 99 as never }), "unsupported-version"],
    [
      "a load beyond all bounds",
      subjects.agentHeartbeat("a"),
      { v: 1, boot: "b1", process, ...load, inFlight: 1e9 },
      "invalid-field",
    ],
    ["an id that is none", "nexus.agents.A!.out.hello", hello(), "invalid-field"],
    ["an answer to nothing", subjects.agentReply("a", "r1"), { ...reply, operationId: "x" }, "invalid-field"],
    [
      "a question that ends before it begins",
      subjects.agentAsk("a", "r1"),
      { v: 1, boot: "b1", scope: "*", from: 2, to: 1 },
      "invalid-field",
    ],
    ["a goodbye without a boot", subjects.agentBye("a"), { v: 1 }, "invalid-field"],
    ["a batch of nothing", subjects.connReply("c1", "r1"), { v: 1, kind: "batch", answers: [] }, "invalid-field"],
  ];

  it.each(garbage)("%s", async (_, subject, frame, code) => {
    const { say, table, counted, warned } = await setUp();
    await say(subject, frame);
    expect([counted, warned, table.size]).toEqual([[`framesDropped ${code}`], ["frame dropped"], 0]);
    await say(subjects.agentHello("fine"), hello());
    expect(table.size).toBe(1);
  });

  it("a peer that says nothing else fills no log: 20 lines a second, all counted", async () => {
    const { say, counted, warned, pass } = await setUp();
    for (let count = 0; count < 50; count++) await say(subjects.agentHello("a"), "?", 0);
    expect([counted.length, warned.length]).toEqual([50, 20]);
    await pass(1_000);
    await say(subjects.agentHello("a"), "?");
    expect(warned).toHaveLength(21);
  });
});

describe("announcements", () => {
  it("ask for hellos at the start, tell each new interval, and are repeated now and then", async () => {
    const { announced, say, pass, intake } = await setUp();
    expect(announced).toMatchObject([{ router: "r1", heartbeatIntervalMs: 1_000, helloWanted: true }]);
    await pass(29_000);
    expect(announced).toHaveLength(1);
    await pass(1_500);
    expect(announced).toMatchObject([{}, { heartbeatIntervalMs: 1_000, helloWanted: false }]);
    for (let index = 0; index < 1_200; index++) void say(subjects.agentHello(`a${index}`), hello(), 0);
    await pass(600);
    expect(announced.at(-1)).toMatchObject({ heartbeatIntervalMs: 1_200, helloWanted: false });
    intake.stop();
    const { length } = announced;
    await pass(60_000);
    expect(announced).toHaveLength(length);
  });

  it("wait for the bus to be back", async () => {
    const { announced, broker, bus, pass, clock } = await setUp();
    broker.disconnect(bus);
    await pass(31_000);
    expect(announced).toHaveLength(1);
    broker.reconnect(bus);
    await pass(600);
    expect(announced).toHaveLength(2);
    expect(clock.pending).toBeGreaterThan(0);
  });
});
