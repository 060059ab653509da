import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type GoalType,
  goalTypes,
  type JsonValue,
  NexusError,
  parseRequest,
  requestIdentity,
  requestSchema,
} from "../src/index.ts";

/** Proves: what is valid passes, what is not names its field and says what to do, and nothing else ever comes out. */

const all = { all: true };

function refusal(type: GoalType, body: unknown): { code: string; field: string | undefined } {
  try {
    parseRequest(body as JsonValue, type);
  } catch (error) {
    if (error instanceof NexusError) return { code: error.code, field: error.field };
    throw error;
  }
  return { code: "none", field: undefined };
}

describe("valid requests", () => {
  it.each<[GoalType, object]>([
    ["broadcast", { goal: { operation: "x" }, agents: all }],
    ["broadcast", { goal: { type: "broadcast", operation: "x", ack: "quorum", payload: null }, agents: { group: "g" } }],
    ["gather", { goal: { operation: "x", until: { fraction: 0.5 }, reduce: { kind: "topk", k: 3, by: "score" } }, agents: all }],
    ["gather", { goal: { operation: "x", reduce: { kind: "histogram", bounds: [1, 2] } }, agents: { ids: ["a"] } }],
    ["balance", { goal: { operation: "x", pieces: [1, "b", null] }, agents: { labels: { zone: "eu" } }, idempotent: true }],
    ["consensus", { goal: { operation: "x", vote: { rule: "quorum", quorum: 2 } }, agents: all }],
    ["consensus", { goal: { operation: "x", commit: true }, agents: all }],
    ["causal", { goal: { operations: [{ type: "broadcast", operation: "x" }] }, agents: all, mode: "accept" }],
  ])("%s %j", (type, body) => expect(refusal(type, body).code).toBe("none"));
});

describe("refusals name the field", () => {
  it.each<[string, GoalType, unknown, string, string | undefined]>([
    ["not an object", "gather", [], "invalid-field", undefined],
    ["unknown field", "gather", { goal: { operation: "x" }, agents: all, timeoutMS: 5 }, "unknown-field", "timeoutMS"],
    ["unknown goal field", "gather", { goal: { operation: "x", untill: "all" }, agents: all }, "unknown-field", "goal.untill"],
    ["option of another goal", "gather", { goal: { operation: "x", ack: "each" }, agents: all }, "unknown-field", "goal.ack"],
    ["no operation", "gather", { goal: {}, agents: all }, "invalid-field", "goal.operation"],
    ["no agents", "gather", { goal: { operation: "x" } }, "invalid-field", "agents"],
    ["two selectors", "gather", { goal: { operation: "x" }, agents: { all: true, group: "g" } }, "invalid-field", "agents"],
    ["wildcard id", "gather", { goal: { operation: "x" }, agents: { ids: ["*"] } }, "invalid-field", "agents.ids.0"],
    ["dotted id", "gather", { goal: { operation: "x" }, agents: { ids: ["ok", "a.b"] } }, "invalid-field", "agents.ids.1"],
    ["NUL in id", "gather", { goal: { operation: "x" }, agents: { ids: ["a\u0000"] } }, "invalid-field", "agents.ids.0"],
    ["CRLF in group", "gather", { goal: { operation: "x" }, agents: { group: "a\r\nb" } }, "invalid-field", "agents.group"],
    ["look-alike", "gather", { goal: { operation: "x" }, agents: { group: "\u0430" } }, "invalid-field", "agents.group"],
    ["10 kB id", "gather", { goal: { operation: "x" }, agents: { ids: ["a".repeat(10_000)] } }, "invalid-field", "agents.ids.0"],
    [
      "lower-case ULID",
      "gather",
      { id: "01arz3ndektsv4rrffq69g5fav", goal: { operation: "x" }, agents: all },
      "invalid-field",
      "id",
    ],
    ["zero timeout", "gather", { goal: { operation: "x" }, agents: all, timeoutMs: 0 }, "invalid-field", "timeoutMs"],
    [
      "timeout and deadline",
      "gather",
      { goal: { operation: "x" }, agents: all, timeoutMs: 1, deadline: 1 },
      "invalid-field",
      "deadline",
    ],
    [
      "topk without k",
      "gather",
      { goal: { operation: "x", reduce: { kind: "topk" } }, agents: all },
      "invalid-field",
      "goal.reduce.k",
    ],
    [
      "bounds that fall",
      "gather",
      { goal: { operation: "x", reduce: { kind: "histogram", bounds: [2, 1] } }, agents: all },
      "invalid-field",
      "goal.reduce.bounds",
    ],
    [
      "__proto__ as a label beside another",
      "gather",
      JSON.parse('{"goal":{"operation":"x"},"agents":{"labels":{"zone":"eu","__proto__":"x"}}}'),
      "invalid-field",
      "agents.labels.__proto__",
    ],
    [
      "__proto__ as a voter",
      "consensus",
      JSON.parse('{"goal":{"operation":"x","vote":{"rule":"weighted","weights":{"__proto__":1}}},"agents":{"all":true}}'),
      "invalid-field",
      "goal.vote.weights.__proto__",
    ],
    ["no pieces", "balance", { goal: { operation: "x", pieces: [] }, agents: all }, "invalid-field", "goal.pieces"],
    ["neither vote nor commit", "consensus", { goal: { operation: "x" }, agents: all }, "invalid-field", "goal.vote"],
    [
      "dependency on itself",
      "causal",
      { goal: { operations: [{ type: "broadcast", operation: "x", after: [0] }] }, agents: all },
      "invalid-field",
      "goal.operations.0.after.0",
    ],
    [
      "type against subject",
      "gather",
      { goal: { type: "broadcast", operation: "x" }, agents: all },
      "invalid-field",
      "goal.type",
    ],
  ])("%s", (_, type, body, code, field) => expect(refusal(type, body)).toEqual({ code, field }));
});

it("answers any document with a request or a NexusError", () => {
  const near = fc.record(
    {
      goal: fc.oneof(fc.jsonValue(), fc.record({ operation: fc.jsonValue(), until: fc.jsonValue() })),
      agents: fc.jsonValue(),
      id: fc.jsonValue(),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fc.constantFrom(...goalTypes), fc.oneof(near, fc.jsonValue()), (type, body) => {
      expect(["none", "invalid-field", "unknown-field"]).toContain(refusal(type, body).code);
    }),
  );
});

it("leaves out of a request's identity how the caller waits", () => {
  const base = { goal: { type: "gather", operation: "x" }, agents: all };
  const one = requestSchema.parse({ ...base, timeoutMs: 100, explain: "full", mode: "accept" });
  const other = requestSchema.parse({ ...base, id: "01ARZ3NDEKTSV4RRFFQ69G5FAV", deadline: 1 });
  expect(requestIdentity(one)).toEqual(requestIdentity(other));
});
