import { type GoalType, type limits as Limits, limits } from "@nexus/contracts";
import { gather, type RefusedCase, type Sent } from "../case.ts";
import { edge, manyLabels } from "../world.ts";

/** Each bound of a request: one above is refused, and the control is exactly at it. */

interface Bound {
  readonly limit: keyof typeof Limits;
  readonly what?: string;
  readonly at: (size: number) => Sent;
  readonly field: string;
  readonly ends?: RefusedCase["ends"];
}

const of = (type: GoalType, goal: object, more: object = {}): Sent => ({ type, body: gather(goal, more) });
const list = <T>(count: number, item: (index: number) => T): T[] => Array.from({ length: count }, (_, index) => item(index));
const causal = (operations: object[]): Sent => ({ type: "causal", body: { goal: { operations }, agents: { ids: ["a0"] } } });
const nobody = (index: number): string => `nobody-${index}`;

const bounds: readonly Bound[] = [
  {
    limit: "labelValueCharsMax",
    at: (size) => ({ body: gather({}, { agents: { labels: { [edge.labelKey]: "v".repeat(size) } } }) }),
    field: `agents.labels.${edge.labelKey}`,
  },
  {
    limit: "labelsMax",
    at: (size) => ({
      body: gather({}, { agents: { labels: { ...manyLabels, ...(size > limits.labelsMax ? { more: "on" } : {}) } } }),
    }),
    field: "agents.labels",
  },
  {
    limit: "targetIdsMax",
    at: (size) => ({ body: gather({}, { agents: { ids: ["a0", ...list(size - 1, nobody)] }, degrade: ["partial"] }) }),
    field: "agents.ids",
    ends: "partial",
  },
  {
    limit: "targetIdsMax",
    what: "answers wanted",
    at: (size) => ({ body: gather({ until: { first: size } }, { degrade: ["partial"] }) }),
    field: "goal.until.first",
    ends: "partial",
  },
  { limit: "piecesMax", at: (size) => of("balance", { pieces: list(size, () => 0) }), field: "goal.pieces" },
  {
    limit: "causalOperationsMax",
    at: (size) => causal(list(size, () => ({ type: "broadcast", operation: "number", after: [] }))),
    field: "goal.operations",
  },
  {
    limit: "causalOperationsMax",
    what: "dependencies",
    at: (size) =>
      causal([
        { type: "broadcast", operation: "number" },
        { type: "broadcast", operation: "number", after: list(size, () => 0) },
      ]),
    field: "goal.operations.1.after",
  },
  {
    limit: "weightsMax",
    at: (size) => {
      const weights = Object.fromEntries([["a0", 1], ...list(size - 1, (index) => [nobody(index), 1])]);
      return of("consensus", { operation: "vote", vote: { rule: "weighted", weights } });
    },
    field: "goal.vote.weights",
  },
  {
    limit: "histogramBoundsMax",
    at: (size) => of("gather", { reduce: { kind: "histogram", bounds: list(size, (index) => index) } }),
    field: "goal.reduce.bounds",
  },
  {
    limit: "topkMax",
    at: (size) => of("gather", { operation: "echo", payload: [2, 1], reduce: { kind: "topk", k: size } }),
    field: "goal.reduce.k",
  },
  ...["field", "by"].map(
    (option): Bound => ({
      limit: "fieldPathCharsMax",
      what: option,
      at: (size) => {
        const name = "p".repeat(size);
        const payload = option === "field" ? { [name]: [1] } : [{ [name]: 1 }];
        return of("gather", { operation: "echo", payload, reduce: { kind: "topk", k: 1, [option]: name } });
      },
      field: `goal.reduce.${option}`,
    }),
  ),
  { limit: "goalClassCharsMax", at: (size) => of("gather", { class: "c".repeat(size) }), field: "goal.class" },
  { limit: "complexityMax", at: (size) => of("gather", { complexity: size }), field: "goal.complexity" },
  { limit: "timeoutMsMax", at: (size) => of("gather", {}, { timeoutMs: size }), field: "timeoutMs" },
];

export const limitCases: readonly RefusedCase[] = [
  ...bounds.map(
    ({ limit, what, at, field, ends }): RefusedCase => ({
      name: `${limit}${what === undefined ? "" : ` (${what})`}: ${limits[limit] + 1}`,
      send: at(limits[limit] + 1),
      code: "invalid-field",
      field,
      control: at(limits[limit]),
      limit,
      ...(ends === undefined ? {} : { ends }),
    }),
  ),
  {
    name: "an operation's name of 129 characters",
    send: { body: gather({ operation: `o${"p".repeat(128)}` }) },
    code: "invalid-field",
    field: "goal.operation",
    control: { body: gather({ operation: `o${"p".repeat(127)}` }, { agents: { ids: ["a0"] } }) },
  },
  {
    name: `a causal token of ${limits.causalTokenCharsMax + 1} characters`,
    send: {
      type: "causal",
      body: {
        goal: { operations: [{ type: "broadcast", operation: "number" }], after: "t".repeat(limits.causalTokenCharsMax + 1) },
        agents: { ids: ["a0"] },
      },
    },
    code: "invalid-field",
    field: "goal.after",
    control: causal([{ type: "broadcast", operation: "number" }]),
    limit: "causalTokenCharsMax",
  },
  {
    name: "five permissions of four that there are",
    send: { body: gather({}, { degrade: ["partial", "sample", "stale", "unordered", "partial"] }) },
    code: "invalid-field",
    field: "degrade",
    control: { body: gather({}, { degrade: ["partial", "sample", "stale", "unordered"] }) },
  },
  {
    name: "100,000 agents, named one by one",
    send: { body: gather({}, { agents: { ids: list(100_000, () => "a0") } }) },
    code: "invalid-field",
    field: "agents.ids",
    control: { body: gather({}, { agents: { ids: list(limits.targetIdsMax, () => "a0") } }) },
  },
];
