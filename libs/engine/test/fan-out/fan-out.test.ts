import { NexusError, type ReplyFrame, toErrorBody } from "@nexus/contracts";
import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { FanOut } from "../../src/fan-out/fan-out.ts";
import { RoutingTable } from "../../src/index.ts";
import { helloOf } from "../scripted-fleet.ts";

/** What one question to many agents comes to: tables for each reason, and a property that every agent has one end (F1–F4). */

const hello = helloOf();
const reply = (status: ReplyFrame["status"] = "ok"): ReplyFrame => ({
  v: 1,
  kind: "reply",
  operationId: "01ARZ3NDEKTSV4RRFFQ69G5FAV/0",
  status,
  inFlight: 0,
  queueDepth: 0,
});

function setUp(ids: readonly string[], onAnswer: ConstructorParameters<typeof FanOut>[0]["onAnswer"] = () => ({ holds: false })) {
  const table = new RoutingTable();
  for (const id of ids) table.hello(id, hello, 0);
  const expected = ids.map((id) => table.get(id)).filter((entry) => entry !== undefined);
  return { table, make: () => new FanOut({ index: 0, operationId: reply().operationId, expected, onAnswer }) };
}

describe("who is missing, and whether they may have run it", () => {
  it("an agent that had left or died before anything was sent has its reason, and ran nothing", () => {
    const { table, make } = setUp(["left", "here"]);
    table.bye("left", { v: 1, boot: "b", reason: "drain" });
    const fanOut = make();
    expect(fanOut.missing()).toContainEqual({ agent: "left", reason: "left" });
    expect(fanOut.unknownCount()).toBe(0);
  });

  it("an agent that goes before it was sent to ran nothing; one that was sent to may have", () => {
    const fanOut = setUp(["a", "b"]).make();
    fanOut.sent("b", 1);
    fanOut.gone("a", "dead");
    expect(fanOut.unknownCount()).toBe(1);
    fanOut.gone("b", "dead");
    expect(fanOut.unknownCount()).toBe(1);
    expect(fanOut.ended).toBe("hopeless");
    expect(fanOut.missing()).toEqual([
      { agent: "a", reason: "dead" },
      { agent: "b", reason: "dead" },
    ]);
  });

  it("an answer that is of no use to the goal counts as an error, with why", () => {
    const fault = toErrorBody(new NexusError("invalid-field", "no number"));
    const fanOut = setUp(["a", "b"], (agent) => (agent === "a" ? { holds: false, fault } : { holds: false })).make();
    for (const agent of ["a", "b"]) {
      fanOut.sent(agent, 0);
      fanOut.answer(agent, reply());
    }
    expect(fanOut.answers.get("a")).toMatchObject({ status: "error", error: { code: "invalid-field" } });
    expect(fanOut.missing()).toEqual([{ agent: "a", reason: "error", message: "no number" }]);
  });

  it("nobody is slow for an answer that was no longer awaited", () => {
    const fanOut = setUp(["a", "b"], () => ({ holds: true })).make();
    for (const agent of ["a", "b"]) fanOut.sent(agent, 0);
    fanOut.answer("a", reply());
    expect(fanOut.ended).toBe("condition");
    expect(fanOut.missing()).toMatchObject([{ agent: "b", reason: "unknown" }]);
  });

  it("a stranger's answer is extra, and counts for nothing", () => {
    const seen: string[] = [];
    const fanOut = setUp(["a"], (agent) => {
      seen.push(agent);
      return { holds: false };
    }).make();
    expect(fanOut.answer("stranger", reply())).toBe(false);
    expect(fanOut.answer("stranger", reply())).toBe(false);
    expect({ seen, extra: fanOut.extraCount }).toEqual({ seen: [], extra: 1 });
  });
});

const agents = ["a", "b", "c", "d"];
const event = fc.record({
  kind: fc.constantFrom("sent", "answer", "gone", "progress", "end"),
  agent: fc.constantFrom(...agents, "stranger"),
  status: fc.constantFrom("ok", "error", "refused", "expired"),
});

test("whatever happens, each expected agent has one first answer or one reason, and the end does not change", () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 40 }), (events) => {
      const firsts = new Map<string, string>();
      const fanOut = setUp(agents, (agent, answer) => {
        expect(firsts.has(agent)).toBe(false); // F2
        firsts.set(agent, answer.status);
        return { holds: false };
      }).make();
      let ended = fanOut.ended;
      events.forEach(({ kind, agent, status }, index) => {
        if (kind === "sent") fanOut.sent(agent, index);
        else if (kind === "answer") fanOut.answer(agent, reply(status as ReplyFrame["status"]));
        else if (kind === "gone") fanOut.gone(agent, "dead");
        else if (kind === "progress") fanOut.progress(agent, index);
        else fanOut.end("deadline");
        if (ended !== undefined) expect(fanOut.ended).toBe(ended); // F3
        ended = fanOut.ended;
      });
      const missing = fanOut.missing().map((line) => line.agent);
      const ok = [...firsts].filter(([, status]) => status === "ok").map(([agent]) => agent);
      expect([...missing, ...ok].sort()).toEqual(agents); // F1, F4
      expect(fanOut.unknownCount()).toBeLessThanOrEqual(agents.length - firsts.size);
    }),
  );
});
