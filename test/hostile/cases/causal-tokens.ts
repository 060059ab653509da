import type { RefusedCase, Sent } from "../case.ts";

/** Tokens of causal order that are none, or claim what cannot be. */

const after = (token: string): Sent => ({
  type: "causal",
  body: { goal: { operations: [{ type: "broadcast", operation: "number" }], after: token }, agents: { ids: ["a0"] } },
});
const many = (count: number, line: (at: number) => string): string =>
  Array.from({ length: count }, (_, at) => line(at)).join(";");

const tokens: readonly [name: string, token: string][] = [
  ["another text", "token"],
  ["a version of the future", "c2|||."],
  ["one that is cut off", "c1|r1:1|r1/*/1/a0"],
  ["one with something behind it", "c1|||.|"],
  ["a count of 0", "c1|r1:0||."],
  ["a count of 2^53", `c1|r1:${(2 ** 53).toString(36)}||.`],
  ["a negative count", "c1|r1:-1||."],
  ["a line that comes twice", "c1|r1:1,1||."],
  ["a session that is no name", "c1|*:1||."],
  ["a clock of 513 sessions", `c1|${many(513, (at) => `s${String(at).padStart(3, "0")}:1`)}||.`],
  ["an operation of no scope", "c1||r1/a.b/1|."],
  ["an operation of the rest", "c1||r1/>/1|."],
  ["an operation of 2^53", `c1||r1/*/${(2 ** 53).toString(36)}|.`],
  ["257 operations", `c1||${many(257, (at) => `r1/*/${(at + 1).toString(36)}`)}|.`],
  ["an operation of 129 agents", `c1||r1/*/1/${Array.from({ length: 129 }, (_, at) => `a${at}`).join(",")}|.`],
  ["an agent that is no name", "c1||r1/*/1/*|."],
  ["an agent called __proto__", "c1||r1/*/1/__proto__|."],
  ["a new line", "c1||r1/*/1\r\nPUB x 0\r\n|."],
];

export const causalTokenCases: readonly RefusedCase[] = tokens.map(([name, token]) => ({
  name: `a causal token: ${name}`,
  send: after(token),
  code: "invalid-field",
  field: "goal.after",
  control: after("c1|||."),
}));
