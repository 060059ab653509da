import { type limits as Limits, limits } from "@nexus/contracts";
import type { FrameKindName } from "../frame-kinds.ts";
import type { FrameCase } from "./frames.ts";

/** Answers of agents and operations for them, with members that are wrong. */

type Bound = keyof typeof Limits;
type Row = [name: string, members: object, limit?: Bound];

const nested = (levels: number): unknown => JSON.parse("[".repeat(levels) + "]".repeat(levels));
const error = { code: "x", message: "", retryable: false, executed: "none" };

const answers: readonly Row[] = [
  ["a kind that is not known", { kind: "ok" }],
  ["a kind called __proto__", { kind: "__proto__" }],
  ["an operation that is none", { operationId: "x" }],
  ["an operation without an index", { operationId: "01ARZ3NDEKTSV4RRFFQ69G5FAV" }],
  ["an operation with an index beyond any", { operationId: "01ARZ3NDEKTSV4RRFFQ69G5FAV/1000000" }],
  ["an operation with a leading zero", { operationId: "01ARZ3NDEKTSV4RRFFQ69G5FAV/00" }],
  ["a status that is not known", { status: "done" }],
  ["a negative number in flight", { inFlight: -1 }],
  ["too many in flight", { inFlight: limits.capacityMax + 1 }, "capacityMax"],
  ["a queue of 2^53", { queueDepth: 2 ** 53 }],
  ["a negative service time", { serviceTimeMs: -1 }],
  ["a service time of more than an hour", { serviceTimeMs: limits.timeoutMsMax + 1 }, "timeoutMsMax"],
  ["an error that is a text", { status: "error", error: "broken" }],
  ["an error without a code", { status: "error", error: { ...error, code: "" } }],
  ["an error's code too long", { status: "error", error: { ...error, code: "c".repeat(65) } }],
  [
    "an error's message too long",
    { status: "error", error: { ...error, message: "m".repeat(limits.messageCharsMax + 1) } },
    "messageCharsMax",
  ],
  ["an error that says it executed perhaps", { status: "error", error: { ...error, executed: "perhaps" } }],
  ["a progress above 1", { kind: "progress", fraction: 1.1 }],
  ["a negative progress", { kind: "progress", fraction: -0.1 }],
  [
    "a progress whose message is too long",
    { kind: "progress", message: "m".repeat(limits.messageCharsMax + 1) },
    "messageCharsMax",
  ],
];

const missing = { session: "r1", scope: "g", from: 1, to: 2, cause: true };

const causalAnswers: readonly Row[] = [
  ["a missing operation too many", { causalMissing: new Array(limits.causalMissingMax + 1).fill(missing) }, "causalMissingMax"],
  ["a missing operation of 2^53", { causalMissing: [{ ...missing, to: 2 ** 53 }] }],
  ["a missing operation of no session", { causalMissing: [{ ...missing, session: "*" }] }],
  ["missing operations as a text", { causalMissing: "all" }],
];

const questions: readonly Row[] = [
  ["a boot that is no name", { boot: "B 1" }],
  ["two tokens for a scope", { scope: "a.b" }],
  ["the rest for a scope", { scope: ">" }],
  ["a first of 0", { from: 0 }],
  ["a fractional first", { from: 0.5 }],
  ["an end before its beginning", { from: 2, to: 1 }],
  ["an end above the bound", { to: limits.causalSeqMax + 1 }, "causalSeqMax"],
  ["an end of 2^53", { to: 2 ** 53 }],
  ["an end as text", { to: "1" }],
];

interface Batch {
  readonly answers: readonly { readonly agent: string; readonly answer: object }[];
}

function caseOf(kind: FrameKindName, [name, , limit]: Row, send: FrameCase["send"], code = "invalid-field"): FrameCase {
  return { name: `${kind}: ${name}`, kind, code, send, ...(limit === undefined ? {} : { limit }) };
}

const inAnswer =
  (members: object): FrameCase["send"] =>
  (legal) => ({
    body: {
      ...legal,
      answers: (legal as Batch).answers.map(({ agent, answer }) => ({ agent, answer: { ...answer, ...members } })),
    },
  });

export const answerFrames: readonly FrameCase[] = [
  ...questions.map((row) => caseOf("causal question", row, (legal) => ({ body: { ...legal, ...row[1] } }))),
  ...causalAnswers.map((row) => caseOf("reply", row, (legal) => ({ body: { ...legal, ...row[1] } }))),
  ...answers.map((row) => caseOf("reply", row, (legal) => ({ body: { ...legal, ...row[1] } }))),
  ...answers.map((row) => caseOf("connection's replies", row, inAnswer(row[1]))),
  caseOf(
    "reply",
    ["a level too deep", {}, "answerDepthMax"],
    (legal) => ({ body: { ...legal, value: nested(limits.answerDepthMax + 1) } }),
    "too-deep",
  ),
  caseOf(
    "connection's replies",
    ["a level too deep", {}, "answerDepthMax"],
    inAnswer({ value: nested(limits.answerDepthMax + 1) }),
    "too-deep",
  ),
  caseOf("connection's replies", ["no answers", {}], (legal) => ({ body: { ...legal, answers: [] } })),
  caseOf("connection's replies", ["an answer too many", {}, "replyBatchMax"], (legal) => {
    const [first] = (legal as Batch).answers;
    return { body: { ...legal, answers: new Array(limits.replyBatchMax + 1).fill(first) } };
  }),
  caseOf("connection's replies", ["an agent that is no name", {}], (legal) => ({
    body: { ...legal, answers: (legal as Batch).answers.map(({ answer }) => ({ agent: "a.b", answer })) },
  })),
  caseOf("connection's replies", ["an agent that lives elsewhere", {}], (legal) => ({
    body: { ...legal, answers: (legal as Batch).answers.map(({ answer }) => ({ agent: "a0", answer })) },
  })),
  caseOf("connection's replies", ["an agent that nobody knows", {}], (legal) => ({
    body: { ...legal, answers: (legal as Batch).answers.map(({ answer }) => ({ agent: "nobody", answer })) },
  })),
  ...(
    [
      ["a router that is no name", { router: "*" }],
      ["a leaving that is a text", { leaving: "no" }],
    ] as Row[]
  ).map((row) => caseOf("router's alive", row, (legal) => ({ body: { ...legal, ...row[1] } }))),
  ...(
    [
      ["a router that is no name", { router: "a.b" }],
      ["an id that is none", { id: "*" }],
      ["an id in lower case", { id: "01arz3ndektsv4rrffq69g5fzz" }],
    ] as Row[]
  ).map((row) => caseOf("router's claim", row, (legal) => ({ body: { ...legal, ...row[1] } }))),
];

const operations: readonly Row[] = [
  ["a kind that is not known", { kind: "shutdown" }],
  ["a kind called constructor", { kind: "constructor" }],
  ["an operation id that is none", { operationId: "x/0" }],
  ["two tokens for a router", { router: "a.b" }],
  ["a wildcard for a router", { router: ">" }],
  ["a new line for a router", { router: "a\r\nPUB x 0\r\n" }],
  ["an operation that is no name", { operation: "a b" }],
  ["a goal that is not known", { type: "destroy" }],
  ["a negative time", { remainingMs: -1 }],
  ["a time of more than an hour", { remainingMs: limits.timeoutMsMax + 1 }, "timeoutMsMax"],
  ["a time as text", { remainingMs: "5000" }],
  ["a digest of 65 characters", { digest: "d".repeat(65) }],
  ["a priority that is not known", { priority: "urgent" }],
  ["a coordinator that is no name", { coordination: { coordinator: "*" } }],
];

const order = { scope: "alone", seq: 2, before: 1 };
const dot = { session: "r1", scope: "alone", seq: 1 };

const causalOperations: readonly Row[] = [
  ["a count of 2^53", { causal: { ...order, seq: 2 ** 53 } }],
  ["a count above its bound", { causal: { ...order, seq: limits.causalSeqMax + 1 } }, "causalSeqMax"],
  ["a count of 0", { causal: { ...order, seq: 0, before: 0 } }],
  ["a fractional count", { causal: { ...order, seq: 1.5 } }],
  ["a negative position", { causal: { ...order, before: -1 } }],
  ["a position that is not before it", { causal: { ...order, before: 2 } }],
  ["two tokens for a scope", { causal: { ...order, scope: "a.b" } }],
  ["the rest for a scope", { causal: { ...order, scope: ">" } }],
  ["a dependency too many", { causal: { ...order, after: new Array(limits.causalAfterMax + 1).fill(dot) } }, "causalAfterMax"],
  ["a dependency of no session", { causal: { ...order, after: [{ ...dot, session: "" }] } }],
  ["a dependency of 2^53", { causal: { ...order, after: [{ ...dot, seq: 2 ** 53 }] } }],
  [
    "nothing to wait for, up to before its beginning",
    { kind: "causal-nothing", boot: "b1", scope: "", from: 2, to: 1, lost: true },
  ],
  ["nothing to wait for, up to 2^53", { kind: "causal-nothing", boot: "b1", scope: "", from: 1, to: 2 ** 53, lost: true }],
];

interface Items {
  readonly items: readonly { readonly to: readonly string[]; readonly frame: object }[];
}
const inItem =
  (members: object): FrameCase["send"] =>
  (legal) => ({
    body: { ...legal, items: (legal as Items).items.map(({ to, frame }) => ({ to, frame: { ...frame, ...members } })) },
  });
const toAgents =
  (to: readonly string[]): FrameCase["send"] =>
  (legal) => ({ body: { ...legal, items: (legal as Items).items.map(({ frame }) => ({ to, frame })) } });

export const operationFrames: readonly FrameCase[] = [
  ...causalOperations.map((row) => caseOf("operation for an agent", row, (legal) => ({ body: { ...legal, ...row[1] } }))),
  ...operations.map((row) => caseOf("operation for an agent", row, (legal) => ({ body: { ...legal, ...row[1] } }))),
  ...operations.map((row) => caseOf("batch for a connection", row, inItem(row[1]))),
  caseOf("batch for a connection", ["no items", {}], (legal) => ({ body: { ...legal, items: [] } })),
  caseOf("batch for a connection", ["an item too many", {}, "replyBatchMax"], (legal) => {
    const [first] = (legal as Items).items;
    return { body: { ...legal, items: new Array(limits.replyBatchMax + 1).fill(first) } };
  }),
  caseOf("batch for a connection", ["nobody in it", {}], toAgents([])),
  caseOf(
    "batch for a connection",
    ["an agent too many", {}, "connectionAgentsMax"],
    toAgents(new Array(limits.connectionAgentsMax + 1).fill("solo")),
  ),
  caseOf("batch for a connection", ["an agent that is no name", {}], toAgents(["*"])),
  ...(
    [
      ["an interval of nothing", { heartbeatIntervalMs: 0 }],
      ["an interval of an hour", { heartbeatIntervalMs: 3_600_000 }],
      ["a fractional interval", { heartbeatIntervalMs: 1_000.5 }],
      ["a router that is no name", { router: "*" }],
      ["a wish that is a text", { helloWanted: "yes" }],
    ] as Row[]
  ).map((row) => caseOf("router's announcement", row, (legal) => ({ body: { ...legal, ...row[1] } }))),
];
