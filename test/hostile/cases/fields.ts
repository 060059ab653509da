import type { GoalType, JsonValue } from "@nexus/contracts";
import { type RefusedCase, ulid } from "../case.ts";

/** Every field of every goal: of another type, or one that is not there. Built from one legal request of each goal. */

type Document = { readonly [key: string]: JsonValue };

const agents = { ids: ["a0"] };

/** One legal request per goal that has as many fields as go together. */
export const legal: Readonly<Record<GoalType, Document>> = {
  broadcast: { goal: { type: "broadcast", operation: "number", payload: 1, ack: "each" }, agents },
  gather: {
    goal: {
      type: "gather",
      operation: "echo",
      payload: { a: [{ b: 1 }, { b: 2 }] },
      class: "c",
      complexity: 1,
      until: { first: 1 },
      reduce: { kind: "topk", field: "a", by: "b", k: 3, order: "descending" },
    },
    agents,
    timeoutMs: 5_000,
    maxLayer: "foundation",
    priority: "normal",
    degrade: ["partial"],
    idempotent: true,
    explain: "full",
    dryRun: false,
    mode: "reply",
  },
  balance: {
    goal: { type: "balance", operation: "number", pieces: [1, 2], strategy: "round-robin", hedge: false },
    agents,
  },
  consensus: {
    goal: {
      type: "consensus",
      operation: "vote",
      vote: { rule: "weighted", threshold: 0.5, weights: { a0: 1 }, abstentions: "ignore", ties: "reject" },
    },
    agents,
  },
  causal: {
    goal: {
      type: "causal",
      operations: [
        { type: "broadcast", operation: "number", payload: 1, after: [] },
        { type: "targeted", operation: "number", agents: { labels: { zone: "eu" } }, after: [0] },
        { type: "coordinated", operation: "number", coordinator: "a0" },
      ],
    },
    agents,
  },
};

/** A copy with the value at the path replaced; a new member where the path is not there. */
export function replaced(document: JsonValue, path: readonly string[], value: JsonValue): JsonValue {
  const [first, ...rest] = path;
  if (first === undefined) return value;
  if (Array.isArray(document))
    return document.map((item, index) => (String(index) === first ? replaced(item, rest, value) : item));
  const copy = Object.entries(document as Document).filter(([key]) => key !== first);
  const member = (document as Document)[first] ?? {};
  return Object.fromEntries([...copy, [first, replaced(Object.hasOwn(Object(document), first) ? member : {}, rest, value)]]);
}

function caseOf(type: GoalType, name: string, body: JsonValue, code: RefusedCase["code"], field: string): RefusedCase {
  return { name, send: { type, body }, code, field, control: { type, body: legal[type] } };
}

/** Where the error is named at another place than the field itself: a union, or the object whose rule is broken. */
const wrongTypes: readonly [type: GoalType, path: string, values: readonly JsonValue[], field?: string][] = [
  ["gather", "id", [1, null, [ulid("00")]]],
  ["gather", "goal", [null, "number", [], 1]],
  ["gather", "goal.type", [1, null, "Gather", ["gather"]]],
  ["gather", "goal.operation", [1, null, ["number"], { toString: "number" }]],
  ["gather", "goal.class", [1, null, []]],
  ["gather", "goal.complexity", ["1", null, true]],
  ["gather", "goal.until", [1, null, "All", "first", [], {}]],
  ["gather", "goal.until.first", ["1", null], "goal.until"],
  ["gather", "goal.reduce", [null, "sum", []]],
  ["gather", "goal.reduce.kind", [null, 1, "Sum", "__proto__", "constructor"]],
  ["gather", "goal.reduce.field", [1, null, "", ".", "a..b", "a."]],
  ["gather", "goal.reduce.by", [1, ".a"]],
  ["gather", "goal.reduce.k", ["3", null, true]],
  ["gather", "goal.reduce.order", [1, "up"]],
  ["gather", "agents", [null, "a0", ["a0"], 1]],
  ["gather", "agents.ids", ["a0", null, { 0: "a0" }, 1]],
  ["gather", "agents.ids.0", [1, null, ["a0"]]],
  ["gather", "timeoutMs", ["5000", null, true]],
  ["gather", "deadline", ["2030-01-01", null]],
  ["gather", "maxLayer", [1, "Foundation", "__proto__"]],
  ["gather", "priority", [1, "urgent"]],
  ["gather", "degrade", ["partial", null, { partial: true }]],
  ["gather", "degrade.0", [1, "everything", null]],
  ["gather", "idempotent", [1, "true", null]],
  ["gather", "explain", [true, "all"]],
  ["gather", "dryRun", [0, "false", null]],
  ["gather", "mode", ["async", 1]],
  ["broadcast", "goal.ack", [1, true, "all"]],
  ["balance", "goal.pieces", [1, null, "ab", { 0: 1 }]],
  ["balance", "goal.strategy", [1, "random", "__proto__"]],
  ["balance", "goal.key", [1, ""]],
  ["balance", "goal.hedge", [1, "yes"]],
  ["consensus", "goal.vote", [null, "majority", []]],
  ["consensus", "goal.vote.rule", [1, "Majority", "dictator"]],
  ["consensus", "goal.vote.threshold", ["0.5", null]],
  ["consensus", "goal.vote.weights", [null, 1, ["a0"]]],
  ["consensus", "goal.vote.weights.a0", ["1", null, true]],
  ["consensus", "goal.vote.abstentions", [1, "drop"]],
  ["consensus", "goal.vote.ties", [1, "coin"]],
  ["consensus", "goal.commit", [1, "true"]],
  ["causal", "goal.operations", [null, 1, {}, "x"]],
  ["causal", "goal.operations.0", [null, "number", []]],
  ["causal", "goal.operations.0.type", [1, "gather"]],
  ["causal", "goal.operations.0.operation", [1, null]],
  ["causal", "goal.operations.1.agents", [null, "a0"]],
  ["causal", "goal.operations.1.after", [0, null, "0"]],
  ["causal", "goal.operations.1.after.0", ["0", null]],
  ["causal", "goal.operations.2.coordinator", [1, null]],
  ["causal", "goal.after", [1, null, ""]],
];

export const typeCases: readonly RefusedCase[] = wrongTypes.flatMap(([type, path, values, field = path]) =>
  values.map((value) =>
    caseOf(
      type,
      `${type} ${path} = ${JSON.stringify(value)}`,
      replaced(legal[type], path.split("."), value),
      "invalid-field",
      field,
    ),
  ),
);

/** The objects that a client writes, each of which knows its members. */
const levels: readonly [type: GoalType, path: string][] = [
  ["gather", ""],
  ["gather", "goal"],
  ["gather", "goal.reduce"],
  ["gather", "agents"],
  ["broadcast", "goal"],
  ["balance", "goal"],
  ["consensus", "goal"],
  ["consensus", "goal.vote"],
  ["causal", "goal"],
  ["causal", "goal.operations.0"],
  ["causal", "goal.operations.1.agents"],
];

const strangers = ["unknown", "__proto__", "constructor", "toString", "v", "$where", "operation\u0000", ""];

const pathOf = (path: string): string[] => (path === "" ? [] : path.split("."));

export const unknownFieldCases: readonly RefusedCase[] = levels.flatMap(([type, path]) =>
  strangers.map((name) => {
    const shown = JSON.stringify(name).slice(1, -1);
    const field = path === "" ? shown : `${path}.${shown}`;
    return caseOf(type, `${type} ${field}`, replaced(legal[type], [...pathOf(path), name], {}), "unknown-field", field);
  }),
);

/** Members that other goals have, and options that go with another choice alone. */
const strays: readonly [type: GoalType, path: string, value: JsonValue, code: RefusedCase["code"], field?: string][] = [
  ["broadcast", "goal.until", "all", "unknown-field"],
  ["gather", "goal.pieces", [1], "unknown-field"],
  ["balance", "goal.vote", { rule: "majority" }, "unknown-field"],
  ["consensus", "goal.ack", "each", "unknown-field"],
  ["causal", "goal.operation", "number", "unknown-field"],
  ["causal", "goal.payload", 1, "unknown-field"],
  ["gather", "goal.until", { first: 1, fraction: 0.5 }, "invalid-field"],
  ["gather", "goal.reduce", { kind: "topk" }, "invalid-field", "goal.reduce.k"],
  ["gather", "goal.reduce", { kind: "sum", k: 3 }, "invalid-field", "goal.reduce.k"],
  ["gather", "goal.reduce", { kind: "sum", by: "a" }, "invalid-field", "goal.reduce.by"],
  ["gather", "goal.reduce", { kind: "histogram" }, "invalid-field", "goal.reduce.bounds"],
  ["gather", "goal.reduce", { kind: "sum", bounds: [1] }, "invalid-field", "goal.reduce.bounds"],
  ["gather", "agents", { ids: ["a0"], all: true }, "invalid-field"],
  ["gather", "agents", {}, "invalid-field"],
  ["gather", "agents", { all: false }, "invalid-field", "agents.all"],
  ["gather", "agents", { ids: [] }, "invalid-field", "agents.ids"],
  ["gather", "agents", { labels: {} }, "invalid-field", "agents.labels"],
  ["gather", "agents", { labels: { zone: "" } }, "invalid-field", "agents.labels.zone"],
  ["gather", "agents", { labels: { zone: "eu\r\n" } }, "invalid-field", "agents.labels.zone"],
  ["gather", "agents", { labels: { zone: 1 } }, "invalid-field", "agents.labels.zone"],
  ["gather", "agents", { labels: ["zone"] }, "invalid-field", "agents.labels"],
  ["consensus", "goal", { type: "consensus", operation: "vote" }, "invalid-field", "goal.vote"],
  ["consensus", "goal.vote", { rule: "quorum" }, "invalid-field", "goal.vote.quorum"],
  ["consensus", "goal.vote", { rule: "majority", quorum: 1 }, "invalid-field", "goal.vote.quorum"],
  ["consensus", "goal.vote", { rule: "majority", weights: {} }, "invalid-field", "goal.vote.weights"],
  ["causal", "goal.operations.0.type", "targeted", "invalid-field", "goal.operations.0.agents"],
  ["causal", "goal.operations.0.type", "coordinated", "invalid-field", "goal.operations.0.coordinator"],
  ["causal", "goal.operations.0.coordinator", "a0", "invalid-field"],
  ["causal", "goal.operations.1.after.0", 1, "invalid-field"],
  ["gather", "deadline", 4_000_000_000_000, "invalid-field"],
];

export const strayCases: readonly RefusedCase[] = strays.map(([type, path, value, code, field = path]) =>
  caseOf(type, `${type} ${path} = ${JSON.stringify(value)}`, replaced(legal[type], path.split("."), value), code, field),
);

/** A goal on the subject of another one. */
const types: readonly GoalType[] = ["broadcast", "gather", "balance", "consensus", "causal"];

export const mismatchCases: readonly RefusedCase[] = types.flatMap((type) =>
  types
    .filter((other) => other !== type)
    .map((other) => caseOf(type, `${other} on the subject of ${type}`, legal[other], "invalid-field", "goal.type")),
);
