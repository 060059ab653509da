import type { JsonValue, limits } from "@nexus/contracts";
import { gather, type RefusedCase, type Sent } from "../case.ts";
import { edge } from "../world.ts";

/** Names that would add tokens or wildcards to a subject, leave its line, or look like another's. */

const hostileNames: readonly [name: string, text: string][] = [
  ["a wildcard for a token", "*"],
  ["a wildcard for the rest", ">"],
  ["two tokens", "a.b"],
  ["a trailing token", "a0.in"],
  ["a leading dot", ".a0"],
  ["a space", "a b"],
  ["a tab", "a\tb"],
  ["a new line of the protocol", "a0\r\nPUB nexus.all 0\r\n"],
  ["a trailing line feed", "a0\n"],
  ["NUL", "a0\u0000"],
  ["__proto__", "__proto__"],
  ["nothing", ""],
  ["a leading hyphen", "-a0"],
  ["10 kB", "a".repeat(10_000)],
  ["upper case", "A0"],
  ["a Cyrillic look-alike", "\u0430" + "0"],
  ["a full-width look-alike", "\uff410"],
  ["a digit of another script", "a\u0660"],
  ["a letter that folds to ASCII", "\u212a0"],
  ["a zero-width joiner", "a0\u200d"],
  ["a combining mark", "a0\u0301"],
  ["a change of direction", "\u202ea0"],
  ["half a character", "a0\ud800"],
  ["a path", "../a0"],
];

interface Place {
  readonly place: string;
  readonly send: (name: string) => Sent;
  readonly field: (name: string) => string;
  readonly legal: string;
  /** A name that is one character too long, where the legal one is as long as may be. */
  readonly longest: string;
}

const labelled = (name: string, value: JsonValue): object => ({ agents: { labels: Object.fromEntries([[name, value]]) } });
const vote = (weights: object): object => ({ operation: "vote", vote: { rule: "weighted", weights } });
/** As the refusal names a key of a record: escaped and clipped. */
const shown = (name: string): string => JSON.stringify(name.slice(0, 64)).slice(1, -1);

const places: readonly Place[] = [
  {
    place: "agents.ids",
    send: (name) => ({ body: gather({}, { agents: { ids: [name] } }) }),
    field: () => "agents.ids.0",
    legal: "a0",
    longest: edge.id,
  },
  {
    place: "agents.group",
    send: (name) => ({ body: gather({}, { agents: { group: name } }) }),
    field: () => "agents.group",
    legal: "fleet",
    longest: edge.group,
  },
  {
    place: "a label's key",
    send: (name) => ({ body: gather({}, labelled(name, name === edge.labelKey ? edge.labelValue : "eu")) }),
    field: (name) => `agents.labels.${shown(name)}`.slice(0, 256),
    legal: "zone",
    longest: edge.labelKey,
  },
  {
    place: "a voter",
    send: (name) => ({ type: "consensus", body: gather(vote(Object.fromEntries([[name, 1]]))) }),
    field: (name) => `goal.vote.weights.${shown(name)}`.slice(0, 256),
    legal: "a0",
    longest: edge.id,
  },
  {
    place: "a coordinator",
    send: (name) => ({
      type: "causal",
      body: { goal: { operations: [{ type: "coordinated", operation: "number", coordinator: name }] }, agents: { ids: ["a1"] } },
    }),
    field: () => "goal.operations.0.coordinator",
    legal: "a0",
    longest: edge.id,
  },
];

const limit: keyof typeof limits = "nameCharsMax";

export const idCases: readonly RefusedCase[] = places.flatMap(({ place, send, field, legal, longest }) => [
  ...hostileNames.map(
    ([name, text]): RefusedCase => ({
      name: `${place}: ${name}`,
      send: send(text),
      code: "invalid-field",
      field: field(text),
      control: send(legal),
    }),
  ),
  {
    name: `${place}: a character too many`,
    send: send(`${longest}x`),
    code: "invalid-field",
    field: field(`${longest}x`),
    control: send(longest),
    limit,
  },
]);

/** What is no name is no operation, class or request id either. */
const others: readonly [field: string, send: (text: string) => Sent, legal: string][] = [
  ["goal.operation", (text) => ({ body: gather({ operation: text }) }), "number"],
  ["goal.class", (text) => ({ body: gather({ class: text }) }), "Gather.v2:fast"],
];

const otherTexts: readonly [name: string, text: string][] = [
  ["a wildcard", "*"],
  ["a space", "a b"],
  ["a new line", "a\r\nb"],
  ["NUL", "a\u0000"],
  ["__proto__", "__proto__"],
  ["a look-alike", "numb\u0435r"],
  ["nothing", ""],
  ["a leading dot", ".a"],
];

export const tokenCases: readonly RefusedCase[] = others.flatMap(([field, send, legal]) =>
  otherTexts.map(([name, text]) => ({
    name: `${field}: ${name}`,
    send: send(text),
    code: "invalid-field",
    field,
    control: send(legal),
  })),
);

const legalId = "01ARZ3NDEKTSV4RRFFQ69G5F00";

export const requestIdCases: readonly RefusedCase[] = [
  ["lower case", legalId.toLowerCase()],
  ["a character too few", legalId.slice(1)],
  ["a character too many", `${legalId}0`],
  ["a letter that the alphabet leaves out", legalId.replace("A", "U")],
  ["beyond 128 bits", legalId.replace("0", "8")],
  ["a wildcard", `*${legalId.slice(1)}`],
  ["a dot", `${legalId.slice(0, 25)}.`],
  ["a look-alike", legalId.replace("A", "\u0410")],
  ["a line feed behind it", `${legalId}\n`],
  ["__proto__", "__proto__"],
  ["10 kB", "0".repeat(10_000)],
].map(([name, id], index) => ({
  name: `id: ${name}`,
  send: { body: gather({}, { id }) },
  code: "invalid-field",
  field: "id",
  control: { body: gather({}, { id: `01ARZ3NDEKTSV4RRFFQ69G5A${String(index).padStart(2, "0")}` }) },
}));
