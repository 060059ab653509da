import { limits } from "@nexus/contracts";
import { gather, type HarmlessCase, type RefusedCase, ulid } from "../case.ts";

/** Deadlines, ids that come again, and requests that mean nobody. */

const now = Date.now();
const inTime = { body: gather({}, { deadline: now + 3_600_000 }) };

const past: readonly [name: string, deadline: number][] = [
  ["in 1970", 0],
  ["a millisecond after it", 1],
  ["in seconds instead of milliseconds", Math.floor(now / 1_000) + 60],
  ["an hour ago", now - 3_600_000],
  ["just now", now],
];

/** Further away than the longest time-out. */
const far: typeof past = [
  ["in the year 287396", Number.MAX_SAFE_INTEGER],
  ["in nanoseconds", now * 1_000],
  ["in two hours", now + 2 * limits.timeoutMsMax],
];

export const deadlineCases: readonly RefusedCase[] = [
  ...past.map((row) => ({ row, code: "deadline-past" as const })),
  ...far.map((row) => ({ row, code: "invalid-field" as const })),
].map(({ row: [name, deadline], code }) => ({
  name: `a deadline ${name}`,
  send: { body: gather({}, { deadline }) },
  code,
  field: "deadline",
  control: inTime,
}));

export const deadlineHarmless: readonly HarmlessCase[] = [
  {
    name: "a deadline in half an hour",
    send: { body: gather({}, { deadline: now + 1_800_000, mode: "accept" }) },
    result: { status: "accepted" },
    runs: 1,
  },
];

/** The body that an id was used with, and others that are not the same request. */
const first = { goal: { operation: "echo", payload: { a: 1, b: [1, { c: null }] } }, agents: { ids: ["a0"] } };

const others: readonly [name: string, body: object][] = [
  ["another payload", { ...first, goal: { ...first.goal, payload: { a: 2, b: [1, { c: null }] } } }],
  ["a payload of another type", { ...first, goal: { ...first.goal, payload: { a: "1", b: [1, { c: null }] } } }],
  [
    "a list of pairs for an object",
    {
      ...first,
      goal: {
        ...first.goal,
        payload: [
          ["a", 1],
          ["b", [1, [["c", null]]]],
        ],
      },
    },
  ],
  ["a member more, which is null", { ...first, goal: { ...first.goal, payload: { a: 1, b: [1, { c: null }], d: null } } }],
  ["a member less, which was null", { ...first, goal: { ...first.goal, payload: { a: 1, b: [1, {}] } } }],
  ["a list in another order", { ...first, goal: { ...first.goal, payload: { a: 1, b: [{ c: null }, 1] } } }],
  ["no payload", { ...first, goal: { operation: "echo" } }],
  ["another operation", { ...first, goal: { ...first.goal, operation: "size" } }],
  ["another class", { ...first, goal: { ...first.goal, class: "other" } }],
  ["other agents", { ...first, agents: { ids: ["a1"] } }],
  ["the same agent by a group", { ...first, agents: { labels: { zone: "eu" } } }],
  ["another permission", { ...first, degrade: ["partial"] }],
  ["another priority", { ...first, priority: "high" }],
];

export const repeatCases: readonly RefusedCase[] = others.map(([name, body], index) => {
  const id = ulid(`B${String(index).padStart(2, "0")}`);
  return {
    name: `an id that comes again with ${name}`,
    before: [{ body: { id, ...first } }],
    send: { body: { ...body, id } },
    code: "id-reused",
    field: "id",
    control: { body: { ...body, id: ulid(`C${String(index).padStart(2, "0")}`) } },
  };
});

const { goal, agents } = first;
const same: readonly [name: string, body: object | string][] = [
  ["as it was", first],
  ["with its members in another order", { agents, goal: { payload: { b: goal.payload.b, a: 1 }, operation: "echo" } }],
  ["with a goal type, which the subject says", { ...first, goal: { ...goal, type: "gather" } }],
  ["with another timeout", { ...first, timeoutMs: 777 }],
  ["with a deadline", { ...first, deadline: now + 3_600_000 }],
  ["with another wish for an explanation", { ...first, explain: "none" }],
];

export const repeatHarmless: readonly HarmlessCase[] = same.map(([name, body], index) => {
  const id = ulid(`D${String(index).padStart(2, "0")}`);
  return {
    name: `an id that comes again ${name}: nothing runs twice`,
    before: [{ body: { id, ...first } }],
    send: { body: { ...(body as object), id } },
    result: { status: "completed", repeated: true, outcome: { rows: [{ value: goal.payload }] } },
    runs: 0,
  };
});

const control = { body: gather() };

const nobody: readonly [name: string, body: object, field: string][] = [
  ["an id that nobody has", gather({}, { agents: { ids: ["nobody"] } }), "agents"],
  ["10,000 ids that nobody has", gather({}, { agents: { ids: Array.from({ length: 10_000 }, (_, n) => `n${n}`) } }), "agents"],
  ["constructor as an id", gather({}, { agents: { ids: ["constructor"] } }), "agents"],
  ["a group that nobody is in", gather({}, { agents: { group: "nobody" } }), "agents"],
  ["constructor as a group", gather({}, { agents: { group: "constructor" } }), "agents"],
  ["a label that nobody has", gather({}, { agents: { labels: { zone: "mars" } } }), "agents"],
  ["labels that nobody has all of", gather({}, { agents: { labels: { zone: "eu", label0: "on" } } }), "agents"],
  ["a label that every object inherits", gather({}, { agents: { labels: { constructor: "x" } } }), "agents"],
  ["an operation that nobody offers", gather({ operation: "nothing" }), "goal.operation"],
  ["constructor as an operation", gather({ operation: "constructor" }), "goal.operation"],
  ["an operation in another case", gather({ operation: "Number" }), "goal.operation"],
];

export const nobodyCases: readonly RefusedCase[] = nobody.map(([name, body, field]) => ({
  name,
  send: { body },
  code: "no-targets",
  field,
  control,
}));

export const promiseCases: readonly RefusedCase[] = [
  {
    name: "a causal goal where only the last resort is allowed",
    send: {
      type: "causal",
      body: {
        goal: { operations: [{ type: "broadcast", operation: "number" }] },
        agents: { ids: ["a0"] },
        maxLayer: "emergency",
      },
    },
    code: "promise-not-kept",
    field: "maxLayer",
    control: {
      type: "causal",
      body: {
        goal: { operations: [{ type: "broadcast", operation: "number" }] },
        agents: { ids: ["a0"] },
        maxLayer: "foundation",
      },
    },
  },
  {
    name: "a commit that nothing could keep",
    send: { type: "consensus", body: gather({ operation: "vote", commit: true }) },
    code: "not-implemented",
    field: "goal.commit",
    control: { type: "consensus", body: gather({ operation: "vote", vote: { rule: "majority" } }) },
  },
];
