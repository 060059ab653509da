import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { z } from "zod";
import {
  agentAnswerSchema,
  agentFrameSchema,
  arePlainAnswers,
  connAnswerSchema,
  isPlainAnswer,
  isPlainOperation,
  isPlainRequest,
  type JsonValue,
  limits,
  type QuickCheck,
  requestSchema,
} from "../src/index.ts";

/**
 * Proves: what a quick check accepts, its schema accepts and returns as it is, for plain values and for what small changes
 * make of them; and that it accepts the plain ones, without which it would be of no use.
 */

const id = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
const payload = { text: "x", n: 1 };
const operation = {
  ...{ v: 1, kind: "operation", operationId: `${id}/0`, router: "r1", type: "balance", operation: "echo" },
  ...{ reply: true, payload, remainingMs: 4_999.5 },
};
const reply = {
  ...{ v: 1, kind: "reply", operationId: `${id}/12`, status: "ok", value: [payload], serviceTimeMs: 0.25 },
  ...{ inFlight: 0, queueDepth: 3 },
};
const answers = {
  v: 1,
  kind: "batch",
  answers: [
    { agent: "a1", answer: reply },
    { agent: "a2", answer: { ...reply, value: null } },
  ],
};
const request = { goal: { type: "balance", operation: "echo", payload }, agents: { group: "g" } };

const cases: readonly [name: string, check: QuickCheck, schema: z.ZodType, plain: readonly JsonValue[]][] = [
  [
    "an operation",
    isPlainOperation,
    agentFrameSchema,
    [operation, without(operation, "payload"), without(operation, "reply"), { ...operation, remainingMs: 0, payload: null }],
  ],
  ["an answer", isPlainAnswer, agentAnswerSchema, [reply, without(reply, "value"), without(reply, "serviceTimeMs")]],
  ["answers", arePlainAnswers, connAnswerSchema, [answers, { ...answers, answers: [{ agent: "a", answer: reply }] }]],
  [
    "a request",
    isPlainRequest,
    requestSchema,
    [
      request,
      { ...request, id, timeoutMs: 1, idempotent: true },
      { goal: { type: "gather", operation: "q" }, agents: { all: true } },
      { goal: { type: "broadcast", operation: "q", payload: null }, agents: { group: "g" } },
    ],
  ],
];

/** Values at and beyond the bounds that any of the fields has, and of every wrong type. */
const values = fc.oneof(
  fc.constantFrom<unknown>(
    ...[null, true, false, "", "a", "A", "a.b", "a\n", "ok", "reply", "operation", "batch", "balance", "causal", "é", id],
    ...[`${id}/0`, `${id}/01`, `${id}/1000000`, "x".repeat(63), "x".repeat(64), "x".repeat(128), "x".repeat(129)],
    ...[0, -0, 1, 2, -1, 0.5, 1e9, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, limits.timeoutMsMax, limits.capacityMax],
    ...[limits.timeoutMsMax + 0.5, limits.timeoutMsMax + 1, limits.capacityMax + 1, undefined, [], {}, [1], { group: "g" }],
    ...[{ all: true }, { all: false }, { group: "g", all: true }, { ids: ["a"] }, JSON.parse('{"__proto__":1}')],
  ),
  fc.jsonValue({ maxDepth: 2 }),
);
const names = fc.constantFrom(
  ...["v", "kind", "operationId", "router", "operation", "type", "remainingMs", "payload", "reply", "status", "value", "error"],
  ...["inFlight", "queueDepth", "serviceTimeMs", "answers", "agent", "answer", "goal", "agents", "group", "all", "ids", "id"],
  ...["timeoutMs", "deadline", "idempotent", "dryRun", "digest", "boot", "priority", "class", "pieces", "other", "__proto__"],
);
/** Where in the value (by the order of its objects), which field, and what becomes of it. */
const change = fc.record({ at: fc.nat(8), name: names, remove: fc.boolean(), value: values });

describe.each(cases)("%s", (_, check, schema, plain) => {
  it.each(plain.map((value) => [value]))("in plain form is accepted: %j", (value) => {
    expect(check(value)).toBe(true);
  });

  it("that is accepted is what the schema returns, whatever is changed in it", () => {
    let accepted = 0;
    fc.assert(
      fc.property(fc.constantFrom(...plain), fc.array(change, { maxLength: 2 }), (value, changes) => {
        const changed = changes.reduce<unknown>(applied, structuredClone(value));
        if (!check(changed)) return;
        accepted++;
        const parsed = schema.safeParse(changed);
        expect(parsed.success).toBe(true);
        expect(parsed.data).toStrictEqual(changed);
      }),
      { numRuns: 5_000 },
    );
    expect(accepted).toBeGreaterThan(500);
  });

  it("of another kind is not accepted", () => {
    for (const value of [null, undefined, 1, "text", [], {}, [plain[0]]]) expect(check(value)).toBe(false);
  });
});

it("a list that is too long is not accepted", () => {
  const many = (count: number) => ({ ...answers, answers: Array.from({ length: count }, () => answers.answers[0]) });
  expect([limits.replyBatchMax, limits.replyBatchMax + 1, 0].map((count) => arePlainAnswers(many(count)))).toEqual([
    true,
    false,
    false,
  ]);
});

function applied(
  root: unknown,
  { at, name, remove, value }: { at: number; name: string; remove: boolean; value: unknown },
): unknown {
  const objects = objectsIn(root);
  const place = objects[at % objects.length] as Record<string, unknown> | undefined;
  if (place === undefined) return root;
  if (remove) delete place[name];
  else
    Object.defineProperty(place, name, { value: structuredClone(value), enumerable: true, configurable: true, writable: true });
  return root;
}

function objectsIn(value: unknown): object[] {
  if (typeof value !== "object" || value === null) return [];
  return [...(Array.isArray(value) ? [] : [value]), ...Object.values(value).flatMap(objectsIn)];
}

function without<T extends object>(value: T, name: keyof T): JsonValue {
  const { [name]: _, ...rest } = value;
  return rest as JsonValue;
}
