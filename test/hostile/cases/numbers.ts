import { type GoalType, type JsonValue, limits } from "@nexus/contracts";
import { gather, type RefusedCase } from "../case.ts";
import { legal, replaced } from "./fields.ts";

/** Numbers that are negative, huge, fractional or not numbers at all, in every field that has one. */

const HUGE = 2 ** 53;

interface NumberField {
  readonly type: GoalType;
  readonly path: string;
  readonly wrong: readonly number[];
  readonly right: readonly number[];
  /** Where the error is named elsewhere than at the field. */
  readonly field?: string;
  readonly body?: JsonValue;
}

const withVote = (vote: JsonValue): JsonValue => replaced(legal.consensus, ["goal", "vote"], vote);
const { timeoutMs: _timeoutMs, ...withoutTimeout } = legal.gather;

const fields: readonly NumberField[] = [
  {
    type: "gather",
    path: "timeoutMs",
    wrong: [0, -1, 0.5, 1e21, HUGE, limits.timeoutMsMax + 1],
    right: [500, limits.timeoutMsMax],
  },
  { type: "gather", path: "deadline", wrong: [-1, 1.5, HUGE], right: [Date.now() + limits.timeoutMsMax], body: withoutTimeout },
  {
    type: "gather",
    path: "goal.complexity",
    wrong: [0, -1, HUGE, 1e308, limits.complexityMax + 1],
    right: [1e-300, 0.5, limits.complexityMax],
  },
  { type: "gather", path: "goal.until.first", wrong: [0, -1, HUGE, 1e308], right: [1] },
  { type: "gather", path: "goal.until.first", wrong: [1.5], right: [1], field: "goal.until" },
  {
    type: "gather",
    path: "goal.until.fraction",
    wrong: [0, -0.5, 1.000001, 1e308],
    right: [1e-300, 1],
    body: replaced(legal.gather, ["goal", "until"], {}),
  },
  { type: "gather", path: "goal.reduce.k", wrong: [0, -1, 1.5, HUGE, limits.topkMax + 1], right: [1, limits.topkMax] },
  {
    type: "consensus",
    path: "goal.vote.quorum",
    wrong: [0, -1, 1.5, HUGE, limits.targetIdsMax + 1],
    right: [1],
    body: withVote({ rule: "quorum" }),
  },
  { type: "consensus", path: "goal.vote.threshold", wrong: [0, 0.499, 1.001, -1], right: [0.5, 0.999] },
  { type: "consensus", path: "goal.vote.weights.a0", wrong: [-1, -1e-300, 1_000_001, 1e308], right: [1e-300, 1_000_000] },
  { type: "causal", path: "goal.operations.1.after.0", wrong: [-1, 0.5, 1, limits.causalOperationsMax, HUGE], right: [0] },
];

export const numberCases: readonly RefusedCase[] = fields.flatMap(
  ({ type, path, wrong, right, field = path, body = legal[type] }) => {
    const control = (index: number) => ({
      type,
      body: replaced(body, path.split("."), right[index % right.length] ?? 0),
    });
    return wrong.map(
      (value, index): RefusedCase => ({
        name: `${type} ${path} = ${value}`,
        send: { type, body: replaced(body, path.split("."), value) },
        code: "invalid-field",
        field,
        control: control(index),
      }),
    );
  },
);

/** MessagePack can say what JSON cannot; in a field it is refused before the field is looked at. */
const notFinite = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];

const oneEach = fields.filter(({ path }, index) => fields.findIndex((other) => other.path === path) === index);

export const notFiniteCases: readonly RefusedCase[] = oneEach.flatMap(({ type, path, right, body = legal[type] }) =>
  notFinite.map(
    (value): RefusedCase => ({
      name: `${type} ${path} = ${value} in MessagePack`,
      send: { type, codec: "msgpack", body: replaced(body, path.split("."), value) },
      code: "malformed",
      control: { type, codec: "msgpack", body: replaced(body, path.split("."), right[0] ?? 0) },
    }),
  ),
);

const bounds: readonly [name: string, bounds: JsonValue, field?: string][] = [
  ["that fall", [2, 1]],
  ["that repeat", [1, 1]],
  ["none", []],
  ["that are no numbers", [1, "2"], "goal.reduce.bounds.1"],
  ["that are not there", [1, null], "goal.reduce.bounds.1"],
];

export const boundsCases: readonly RefusedCase[] = bounds.map(([name, value, field = "goal.reduce.bounds"]) => ({
  name: `a histogram's bounds ${name}`,
  send: { body: gather({ reduce: { kind: "histogram", bounds: value } }) },
  code: "invalid-field",
  field,
  control: { body: gather({ reduce: { kind: "histogram", bounds: [-1.5, 0, 1e308] } }) },
}));
