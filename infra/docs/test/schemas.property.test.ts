/**
 * The JSON Schemas say what the zod schemas say: on the examples, and on the examples changed at random, both accept or
 * both refuse. The two rules that JSON Schema has no words for are shown one by one.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type JsonValue, limits, type MessageName, messages } from "@nexus/contracts";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { root } from "../src/documents.ts";
import { readExamples } from "../src/examples.ts";
import { messageNames, schemaId } from "../src/schemas.ts";

const ajv = new Ajv2020({ keywords: ["x-unit"], allowUnionTypes: true, strictTypes: false, strictRequired: false });
const schemaOf = (name: MessageName) => JSON.parse(readFileSync(join(root, `docs/protocol/schemas/${name}.json`), "utf8"));
const compiled = new Map<MessageName, ValidateFunction>(messageNames.map((name) => [name, ajv.compile(schemaOf(name))]));
const byZod = (name: MessageName, value: unknown) => messages[name].safeParse(value).success;
const bySchema = (name: MessageName, value: unknown) => compiled.get(name)?.(value) === true;

describe("each JSON Schema", () => {
  it.each(messageNames)("%s has its stable id and a title", (name) => {
    expect(schemaOf(name)).toMatchObject({
      $schema: "https://json-schema.org/draft/2020-12/schema",
      $id: schemaId(name),
      title: expect.any(String),
    });
    expect(schemaId(name)).toBe(`urn:nexus:wire:1:${name}`);
  });
});

/** Values that a hostile or careless peer might put anywhere. */
const oddValue: fc.Arbitrary<JsonValue> = fc.oneof(
  fc.constantFrom<JsonValue>(null, true, false, 0, 1, -1, 0.5, 1.5, 1e308, 2 ** 53, "", "a", "A", "*", "a.b", "all", "quorum"),
  fc.constantFrom<JsonValue>(
    [],
    {},
    [0],
    ["a"],
    [{}],
    { a: 1 },
    { first: 1 },
    { first: 0 },
    { fraction: 0 },
    { all: true },
    100_001,
  ),
  fc.constantFrom<JsonValue>("topk", "histogram", "weighted", "targeted", "coordinated", "none", "accept", "x".repeat(300)),
);
/** Fields that rules are about, with values that would do. */
const plausible: Readonly<Record<string, JsonValue>> = {
  ...{ id: "01ARZ3NDEKTSV4RRFFQ69G5FAV", timeoutMs: 1_000, deadline: 9_000_000_000_000, agents: { all: true }, retryAfterMs: 5 },
  ...{ k: 3, by: "score", order: "ascending", bounds: [1, 2], quorum: 2, weights: { a1: 2 }, threshold: 0.5, unheardOf: 1 },
  ...{ coordinator: "a1", after: [0], ids: ["a1"], group: "g", labels: { zone: "eu" }, all: true, payload: null, v: 1 },
  ...{ vote: { rule: "majority" }, commit: true },
};
const change = fc.record({
  where: fc.nat(),
  how: fc.constantFrom("set", "remove", "add", "add"),
  value: oddValue,
  name: fc.constantFrom(...Object.keys(plausible)),
  fits: fc.boolean(),
});
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

/** Every object and array within a value. */
function containers(value: JsonValue): (JsonValue[] | { [key: string]: JsonValue })[] {
  if (value === null || typeof value !== "object") return [];
  return [value, ...Object.values(value).flatMap(containers)];
}

function changed(example: JsonValue, changes: readonly Change[]): JsonValue {
  const document = structuredClone(example);
  for (const { where, how, value, name, fits } of changes) {
    const odd = structuredClone(value); // or it would be one object in several places
    const all = containers(document);
    const container = all[where % all.length];
    if (container === undefined) continue;
    const keys = Object.keys(container);
    const key = keys[where % Math.max(1, keys.length)];
    if (Array.isArray(container)) {
      if (how === "remove") container.pop();
      else if (how === "add") container.push(odd);
      else if (container.length > 0) container[where % container.length] = odd;
    } else if (how === "add") container[name] = fits ? structuredClone(plausible[name] ?? null) : odd;
    else if (key !== undefined && how === "set") container[key] = odd;
    else if (key !== undefined) delete container[key];
  }
  return document;
}

/** Rules that are not in the JSON Schemas; docs/protocol/README.md says so. */
const unspoken = [/must ascend/, /must name an earlier operation/, /min must not be above max/];

describe("zod and JSON Schema", () => {
  const examples = readExamples();

  it("agree on the examples", () => {
    expect(examples.filter(({ message, value }) => !byZod(message, value) || !bySchema(message, value))).toEqual([]);
  });

  it("agree on examples that were changed at random", () => {
    let accepted = 0;
    let refused = 0;
    const property = fc.property(
      // Requests have most of the rules.
      fc.oneof(fc.constantFrom(...examples), fc.constantFrom(...examples.filter(({ message }) => message === "request"))),
      fc.array(change, { minLength: 1, maxLength: 3 }),
      (example, changes) => {
        const value = changed(example.value, changes);
        const parsed = messages[example.message].safeParse(value);
        if (!parsed.success && parsed.error.issues.every(({ message }) => unspoken.some((rule) => rule.test(message)))) return;
        if (parsed.success) accepted++;
        else refused++;
        expect(bySchema(example.message, value), JSON.stringify(value)).toBe(parsed.success);
      },
    );
    fc.assert(property, { numRuns: 8_000, seed: 20_261_125 });
    // A test in which everything is refused proves little.
    expect(Math.min(accepted, refused)).toBeGreaterThan(800);
  }, 60_000);

  it("agree at the bounds of maps", () => {
    const entries = (count: number, value: JsonValue) =>
      Object.fromEntries(Array.from({ length: count }, (_, n) => [`a${n}`, value]));
    const hello = (labels: JsonValue) => ({ ...(examples.find(({ message }) => message === "hello")?.value as object), labels });
    const goal = (weights: JsonValue) => ({ type: "consensus", operation: "o", vote: { rule: "weighted", weights } });
    for (const [count, fits] of [
      [limits.labelsMax, true],
      [limits.labelsMax + 1, false],
    ] as const) {
      expect([byZod, bySchema].map((check) => check("hello", hello(entries(count, "x"))))).toEqual([fits, fits]);
    }
    for (const [count, fits] of [
      [limits.weightsMax, true],
      [limits.weightsMax + 1, false],
    ] as const) {
      const request = { goal: goal(entries(count, 1)), agents: { all: true } };
      expect([byZod, bySchema].map((check) => check("request", request))).toEqual([fits, fits]);
    }
    const request = (labels: JsonValue) => ({ goal: { type: "gather", operation: "o" }, agents: { labels } });
    expect([byZod, bySchema].map((check) => check("request", request({})))).toEqual([false, false]);
  });

  it("differ in the three rules alone that the reference names", () => {
    const gather = (bounds: number[]) => ({
      goal: { type: "gather", operation: "o", reduce: { kind: "histogram", bounds } },
      agents: { all: true },
    });
    const causal = (after: number[]) => ({
      goal: { type: "causal", operations: [{ type: "broadcast", operation: "o", after }] },
      agents: { all: true },
    });
    expect([gather([1, 2]), gather([2, 1]), causal([]), causal([5])].map((value) => byZod("request", value))).toEqual([
      true,
      false,
      true,
      false,
    ]);
    expect([gather([1, 2]), gather([2, 1]), causal([]), causal([5])].map((value) => bySchema("request", value))).toEqual([
      true,
      true,
      true,
      true,
    ]);
    const announce = { v: 1, wire: { min: 2, max: 1 }, router: "r1", heartbeatIntervalMs: 1_000, helloWanted: false };
    expect([byZod("announce", announce), bySchema("announce", announce)]).toEqual([false, true]);
  });
});
