import { createMemoryBroker } from "@nexus/adapter-memory";
import { type AgentFrame, codecOf, createSubjects, decode } from "@nexus/contracts";
import { noTelemetry } from "@nexus/ports";
import { nextTurn } from "@nexus/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Dispatcher, RoutingTable } from "../src/index.ts";
import { helloOf, REQUEST_ID } from "./scripted-fleet.ts";

/**
 * Proves the dispatcher: frames as agents read them, answers to whoever waits, and in-flight counts that are what counting
 * gives, with room handed to those who wait for it in their order.
 */

const subjects = createSubjects("nexus");
const operationId = `${REQUEST_ID}/0`;
const sending = {
  frame: { operationId, router: "r1", type: "gather" as const, operation: "ask", reply: true },
  deadlineMs: 1_000,
  trace: { traceId: undefined },
};

function setUp() {
  const broker = createMemoryBroker({ defer: queueMicrotask });
  const bus = broker.connect();
  const agent = broker.connect();
  const frames: AgentFrame[] = [];
  agent.subscribe(subjects.agentIn("a"), ({ data, headers }) => {
    frames.push(decode(data, codecOf(headers["Content-Type"])) as unknown as AgentFrame);
  });
  const dispatcher = new Dispatcher({ bus, subjects, telemetry: noTelemetry });
  const table = new RoutingTable();
  const entry = (codecs: ("json" | "msgpack")[] = ["json"]) => {
    table.hello("a", helloOf({ codecs }), 0);
    return table.get("a") ?? expect.fail();
  };
  return { dispatcher, frames, entry, cut: () => broker.disconnect(bus) };
}

describe("frames", () => {
  it.each(["json", "msgpack"] as const)("in %s, with the time that is left", async (codec) => {
    const { dispatcher, frames, entry } = setUp();
    dispatcher.send(entry([codec]), sending, 400, { repeat: false, record: true });
    dispatcher.send(entry([codec]), sending, 1_400, { repeat: true, record: true });
    await nextTurn();
    expect(frames).toMatchObject([
      { kind: "operation", operationId, remainingMs: 600 },
      { kind: "operation", operationId, remainingMs: 0, boot: "b" },
    ]);
    expect(frames[0]).not.toHaveProperty("boot");
    expect(dispatcher.sent).toBe(2);
  });

  it("a cancel while the bus is away is nothing; an operation then fails", () => {
    const { dispatcher, entry, cut } = setUp();
    const agent = entry();
    cut();
    expect(dispatcher.connected).toBe(false);
    dispatcher.cancel(agent, operationId);
    expect(() => dispatcher.send(agent, sending, 0, { repeat: false, record: true })).toThrow(
      expect.objectContaining({ code: "disconnected" }),
    );
    expect(dispatcher.sent).toBe(0);
  });
});

it("answers go to whoever listens, and are late after that", () => {
  const { dispatcher } = setUp();
  const heard: string[] = [];
  dispatcher.listen(operationId, (agent) => heard.push(agent));
  const answer = { v: 1, kind: "progress", operationId } as const;
  expect(dispatcher.answered("a", answer)).toBe(true);
  dispatcher.unlisten(operationId);
  expect(dispatcher.answered("b", answer)).toBe(false);
  expect([heard, dispatcher.late]).toEqual([["a"], 1]);
});

describe("in-flight counts", () => {
  const step = fc.record({ agent: fc.constantFrom("a", "b", "c"), kind: fc.constantFrom("hold", "release") });

  it("are what counting gives, and leak nothing", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
        const { dispatcher } = setUp();
        const counts = new Map<string, number>();
        const countOf = (agent: string) => counts.get(agent) ?? 0;
        for (const { agent, kind } of steps) {
          // Nobody gives back what it does not hold.
          if (kind === "release" && countOf(agent) === 0) continue;
          dispatcher[kind](agent);
          counts.set(agent, countOf(agent) + (kind === "hold" ? 1 : -1));
          expect(dispatcher.held(agent)).toBe(countOf(agent));
        }
        expect(dispatcher.heldTotal).toBe([...counts.values()].reduce((sum, count) => sum + count, 0));
        for (const [agent, count] of counts) for (let held = 0; held < count; held++) dispatcher.release(agent);
        expect(dispatcher.heldTotal).toBe(0);
      }),
    );
  });

  it("each release is offered in the order of waiting until one takes it, who then waits behind the others", () => {
    const { dispatcher } = setUp();
    const offered: string[] = [];
    const wait = (name: string, takes = true) =>
      dispatcher.waitForRoom((agent) => {
        offered.push(`${name}: ${agent}, ${dispatcher.held(agent)} held`);
        return takes;
      });
    for (let held = 0; held < 4; held++) dispatcher.hold("a");
    wait("of another agent", false);
    wait("first");
    const stop = wait("second");
    for (let held = 0; held < 2; held++) dispatcher.release("a");
    stop();
    dispatcher.release("a");
    const unused = (held: number) => `of another agent: a, ${held} held`;
    expect(offered).toEqual([unused(3), "first: a, 3 held", unused(2), "second: a, 2 held", unused(1), "first: a, 1 held"]);
  });
});
