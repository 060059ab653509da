import { createSubjects, encode, type JsonValue, limits, type ServiceName, serviceNames, serviceVerbs } from "@nexus/contracts";
import { gather, type RefusedCase, ROUTER_ID, ulid } from "../case.ts";
import { headerBlock } from "../wire.ts";

/** The verbs of every service, and what is asked of a request by its id. */

const subjects = createSubjects();
const nested = (levels: number): string => "[".repeat(levels) + "]".repeat(levels);

const bodies: readonly [
  name: string,
  send: Pick<RefusedCase["send"], "body" | "codec" | "header">,
  code: RefusedCase["code"],
  field?: string,
][] = [
  ["half a document", { body: '{"a":' }, "malformed"],
  ["UTF-16", { body: Buffer.from("{}", "utf16le") }, "malformed"],
  ["brackets 100,000 deep", { body: nested(100_000) }, "too-deep"],
  ["a byte above a megabyte", { body: new Uint8Array(limits.frameBytesMax + 1) }, "too-large"],
  [
    "MessagePack that refers to itself",
    { codec: "msgpack", body: Uint8Array.from([0xd6, 0x69, 0, 0, 0, 1, 0x91, 0xd6, 0x70, 0, 0, 0, 1]) },
    "malformed",
  ],
  ["NaN in MessagePack", { codec: "msgpack", body: Uint8Array.from([0xca, 0x7f, 0xc0, 0, 0]) }, "malformed"],
  [
    "another content type",
    { body: "{}", header: headerBlock("Content-Type: text/html") },
    "unsupported-content-type",
    "Content-Type",
  ],
  ["a header that is none", { body: "{}", header: headerBlock("bad name: 1") }, "malformed", "headers"],
  ["64 kB of headers", { body: "{}", header: headerBlock(`a: ${"x".repeat(65_536)}`) }, "too-large", "headers"],
];

/** What a legal call of a verb ends with: those of services that are not built say so. */
const endsWith = (service: ServiceName, verb: string): RefusedCase["ends"] =>
  service === "router" || (service === "gossip" && verb !== "watch") ? "report" : "not-implemented";
/** What a legal call of a verb says, where an empty one is none. */
const legalBodies: Readonly<Record<string, JsonValue>> = { "gossip.put": { key: "legal", value: 1 } };

/** One verb of each service gets all bodies, every other verb one of them. */
export const verbCases: readonly RefusedCase[] = serviceNames.flatMap((service) =>
  serviceVerbs[service]
    .filter((verb) => verb !== "health")
    .flatMap((verb, index) => {
      const subject = `nexus.${service}.${verb}`;
      return bodies
        .filter((_, place) => index === 0 || place === index % bodies.length)
        .map(
          ([name, send, code, field]): RefusedCase => ({
            name: `${subject}: ${name}`,
            send: { subject, ...send },
            code,
            ...(field === undefined ? {} : { field }),
            control: { subject, body: legalBodies[`${service}.${verb}`] ?? "" },
            ends: endsWith(service, verb),
          }),
        );
    }),
);

export const healthCases: readonly RefusedCase[] = serviceNames.flatMap((service, index) => {
  const subject = `nexus.${service}.health`;
  return bodies.slice(index, index + 1).map(
    ([name, send, code, field]): RefusedCase => ({
      name: `${subject}: ${name}`,
      send: { subject, ...send },
      code,
      ...(field === undefined ? {} : { field }),
      control: { subject, body: "{}" },
      ends: "ready",
    }),
  );
});

const agents = subjects.service("router", "agents");
const queries: readonly [name: string, body: JsonValue | string, field: string, code?: RefusedCase["code"]][] = [
  ["a list", [], ""],
  ["a limit of nothing", { limit: 0 }, "limit"],
  ["a limit above the page", { limit: limits.pageRowsMax + 1 }, "limit"],
  ["a fractional limit", { limit: 1.5 }, "limit"],
  ["a negative offset", { offset: -1 }, "offset"],
  ["an offset above a million", { offset: 1_000_001 }, "offset"],
  ["a text for an offset", { offset: "0" }, "offset"],
  ["a wildcard for a group", { group: "*" }, "group"],
  ["a look-alike for a group", { group: "fl\u0435et" }, "group"],
  ["a list for labels", { labels: [] }, "labels"],
  ["__proto__ for a label", '{"labels":{"zone":"eu","__proto__":"x"}}', "labels.__proto__"],
  ["a member that is not known", { groups: ["fleet"] }, "groups", "unknown-field"],
  ["__proto__ for a member", '{"__proto__":{"limit":1}}', "__proto__", "unknown-field"],
];

export const queryCases: readonly RefusedCase[] = queries.map(([name, body, field, code = "invalid-field"]) => ({
  name: `${agents}: ${name}`,
  send: { subject: agents, body },
  code,
  ...(field === "" ? {} : { field }),
  control: { subject: agents, body: { limit: limits.pageRowsMax, offset: 0, group: "fleet" } },
  ends: "report",
  ...(name === "a limit above the page" ? { limit: "pageRowsMax" as const } : {}),
}));

const interest = { v: 1, watcher: "w1", leaseMs: limits.watchLeaseMsMax };
const classes = (count: number): string[] => Array.from({ length: count }, (_, index) => `class-${index}`);
const interests: readonly [name: string, body: JsonValue, field: string, limit?: RefusedCase["limit"]][] = [
  ["no wire version", { watcher: "w1", leaseMs: 1 }, "v"],
  ["a list", [], ""],
  ["another wire version", { ...interest, v: 2 }, "v"],
  ["no watcher", { v: 1, leaseMs: 1 }, "watcher"],
  ["a wildcard for a watcher", { ...interest, watcher: "*" }, "watcher"],
  ["a look-alike for a watcher", { ...interest, watcher: "w\u0430" }, "watcher"],
  ["a lease above the bound", { ...interest, leaseMs: limits.watchLeaseMsMax + 1 }, "leaseMs", "watchLeaseMsMax"],
  ["a negative lease", { ...interest, leaseMs: -1 }, "leaseMs"],
  ["a fractional lease", { ...interest, leaseMs: 0.5 }, "leaseMs"],
  ["a text for a snapshot", { ...interest, snapshot: "yes" }, "snapshot"],
  ["no types", { ...interest, types: [] }, "types"],
  ["a type that is none", { ...interest, types: ["scatter"] }, "types.0"],
  ["a status that is none", { ...interest, statuses: ["done"] }, "statuses.0"],
  ["classes above the bound", { ...interest, classes: classes(limits.watchClassesMax + 1) }, "classes", "watchClassesMax"],
  ["an empty class", { ...interest, classes: [""] }, "classes.0"],
];

export const interestCases: readonly RefusedCase[] = interests.map(([name, body, field, limit]) => ({
  name: `${subjects.routerWatch}: ${name}`,
  send: { subject: subjects.routerWatch, body },
  code: field === "v" ? "unsupported-version" : "invalid-field",
  ...(field === "" ? {} : { field }),
  control: { subject: subjects.routerWatch, body: { ...interest, classes: classes(limits.watchClassesMax) } },
  ends: "report",
  ...(limit === undefined ? {} : { limit }),
}));

const put = subjects.service("gossip", "put");
const wroteKey = (key: string): JsonValue => ({ key, value: 1 });
const wroteValue = (chars: number): JsonValue => ({ key: "k", value: "x".repeat(chars - 2) }); // two quotes around it
const puts: readonly [
  name: string,
  body: JsonValue | string,
  field: string,
  code?: RefusedCase["code"],
  limit?: RefusedCase["limit"],
][] = [
  ["a list", [], ""],
  ["no key", { value: 1 }, "key"],
  ["no value", { key: "k" }, "value"],
  ["a value and its deletion", { key: "k", value: 1, delete: true }, "value"],
  ["a deletion that is none", { key: "k", delete: false }, "delete"],
  ["a key with a space", wroteKey("a b"), "key"],
  ["a wildcard for a key", wroteKey("*"), "key"],
  ["a look-alike for a key", wroteKey("k\u0435y"), "key"],
  ["__proto__ for a key", wroteKey("__proto__"), "key"],
  ["a key above the bound", wroteKey("k".repeat(limits.stateKeyCharsMax + 1)), "key", "invalid-field", "stateKeyCharsMax"],
  ["a value above the bound", wroteValue(limits.stateValueCharsMax + 1), "value", "too-large", "stateValueCharsMax"],
  ["a word for important", { key: "k", value: 1, important: "yes" }, "important"],
  ["a member that is not known", { key: "k", value: 1, ttlMs: 1 }, "ttlMs", "unknown-field"],
  ["__proto__ for a member", '{"key":"k","value":1,"__proto__":{}}', "__proto__", "unknown-field"],
];

export const putCases: readonly RefusedCase[] = puts.map(([name, body, field, code = "invalid-field", limit]) => ({
  name: `${put}: ${name}`,
  send: { subject: put, body },
  code,
  ...(field === "" ? {} : { field }),
  control: {
    subject: put,
    body: limit === "stateValueCharsMax" ? wroteValue(limits.stateValueCharsMax) : wroteKey("k".repeat(limits.stateKeyCharsMax)),
  },
  ends: "report",
  ...(limit === undefined ? {} : { limit }),
}));

/** What is asked of every instance: whatever the body, it is answered, or refused by its form. */
export const reportCases: readonly RefusedCase[] = bodies.map(([name, send, code, field]) => ({
  name: `${subjects.everyServiceReport}: ${name}`,
  send: { subject: subjects.everyServiceReport, ...send },
  code,
  ...(field === undefined ? {} : { field }),
  control: { subject: subjects.everyServiceReport, body: "" },
  ends: "ready",
}));

const known = ulid("E00");
const before = [{ body: { id: known, ...gather() } }];
const get = subjects.requestGet(known);

const tokens: readonly [name: string, token: string][] = [
  ["lower case", known.toLowerCase()],
  ["a character too few", known.slice(1)],
  ["a character too many", `${known}0`],
  ["beyond 128 bits", `8${known.slice(1)}`],
  ["a letter that the alphabet leaves out", known.replace("A", "U")],
  ["a wildcard", "*"],
  ["the rest", ">"],
  ["__proto__", "__proto__"],
  ["a look-alike", known.replace("A", "\u0410")],
  ["3 kB", "0".repeat(3_000)],
  ["NUL", "\u0000"],
];

export const requestTokenCases: readonly RefusedCase[] = tokens.flatMap(([name, token]) =>
  ["get", "cancel"].map(
    (verb): RefusedCase => ({
      name: `requests.<id>.${verb}: ${name}`,
      before,
      send: { subject: `nexus.requests.${token}.${verb}`, body: "" },
      code: "invalid-field",
      field: "id",
      control: { subject: `nexus.requests.${known}.${verb}`, body: "" },
      ends: "report",
    }),
  ),
);

const pages: readonly [name: string, body: JsonValue | string, field: string, code?: RefusedCase["code"]][] = [
  ["a part that is not known", { part: "secrets" }, "part"],
  ["__proto__ for a part", { part: "__proto__" }, "part"],
  ["a negative offset", { part: "rows", offset: -1 }, "offset"],
  ["an offset above a million", { part: "rows", offset: 1_000_001 }, "offset"],
  ["a fractional offset", { part: "rows", offset: 0.5 }, "offset"],
  ["a limit of nothing", { part: "rows", limit: 0 }, "limit"],
  ["a limit above the page", { part: "rows", limit: limits.pageRowsMax + 1 }, "limit"],
  ["a huge limit", { part: "rows", limit: 2 ** 53 }, "limit"],
  ["a negative wait", { waitMs: -1 }, "waitMs"],
  ["a wait of more than an hour", { waitMs: limits.timeoutMsMax + 1 }, "waitMs"],
  ["a member that is not known", { all: true }, "all", "unknown-field"],
  ["a list", [], ""],
];

export const pageCases: readonly RefusedCase[] = [
  ...pages.map(
    ([name, body, field, code = "invalid-field"]): RefusedCase => ({
      name: `requests.<id>.get: ${name}`,
      before,
      send: { subject: get, body },
      code,
      ...(field === "" ? {} : { field }),
      control: { subject: get, body: { part: "rows", offset: 0, limit: limits.pageRowsMax, waitMs: 0 } },
      ends: "report",
    }),
  ),
  ...bodies.flatMap(([name, send, code, field]) =>
    ["get", "cancel"].map(
      (verb): RefusedCase => ({
        name: `requests.<id>.${verb}: ${name}`,
        before,
        send: { subject: `nexus.requests.${known}.${verb}`, ...send },
        code,
        ...(field === undefined ? {} : { field }),
        control: { subject: `nexus.requests.${known}.${verb}`, body: "{}" },
        ends: "report",
      }),
    ),
  ),
  ...["get", "cancel"].map(
    (verb): RefusedCase => ({
      name: `requests.<id>.${verb}: an id that nobody knows`,
      before,
      send: { subject: `nexus.requests.${ulid("ZZZ")}.${verb}`, body: encode({}) },
      code: "not-found",
      field: "id",
      control: { subject: `nexus.requests.${known}.${verb}`, body: "" },
      ends: "report",
    }),
  ),
];

const owned = { subject: subjects.routerRequests(ROUTER_ID) };
const question = { v: 1, verb: "get", id: known };
const questions: readonly [name: string, body: object, code: RefusedCase["code"], field: string][] = [
  ["no version", { verb: "get", id: known }, "unsupported-version", "v"],
  ["a version of the future", { ...question, v: 2 }, "unsupported-version", "v"],
  ["a verb that is not known", { ...question, verb: "delete" }, "invalid-field", "verb"],
  ["an id that is none", { ...question, id: "x" }, "invalid-field", "id"],
  ["a digest of 65 characters", { ...question, digest: "d".repeat(65) }, "invalid-field", "digest"],
  ["another digest", { ...question, digest: "d".repeat(64) }, "id-reused", "id"],
  ["a wait of more than an hour", { ...question, get: { waitMs: limits.timeoutMsMax + 1 } }, "invalid-field", "get.waitMs"],
  ["an id that it does not know", { ...question, id: ulid("ZZZ") }, "not-found", "id"],
];

/** What only routers ask each other; the router's id stands in the subject. */
export const ownerCases: readonly RefusedCase[] = questions.map(([name, body, code, field]) => ({
  name: `routers.<id>.requests: ${name}`,
  before,
  send: { ...owned, body },
  code,
  field,
  control: { ...owned, body: question },
  ends: "report",
}));
