import { limits } from "@nexus/contracts";
import type { Sent } from "../case.ts";
import type { FrameKindName } from "../frame-kinds.ts";
import { heartbeatOf } from "../puppet.ts";
import { headerBlock } from "../wire.ts";

/** Frames that must be dropped and counted, each as a variant of a legal one of its kind. */

export interface FrameCase {
  readonly name: string;
  readonly kind: FrameKindName;
  readonly code: string;
  readonly send: (legal: object) => Pick<Sent, "body" | "codec" | "header">;
  /** Instead of the legal one's. */
  readonly subject?: string;
  readonly limit?: keyof typeof limits;
}

const kinds: readonly FrameKindName[] = [
  "observers' verdicts",
  "hello",
  "heartbeat",
  "connection's heartbeat",
  "bye",
  "reply",
  "connection's replies",
  "causal question",
  "router's alive",
  "router's claim",
  "operation for an agent",
  "operation for a group",
  "operation for all",
  "batch for a connection",
  "router's announcement",
];

type Send = FrameCase["send"];
const json =
  (body: unknown): Send =>
  () => ({ body });
const bytes =
  (...values: number[]): Send =>
  () => ({ codec: "msgpack", body: Uint8Array.from(values) });
const more =
  (members: object): Send =>
  (legal) => ({ body: { ...legal, ...members } });
const less =
  (name: string): Send =>
  (legal) => ({ body: Object.fromEntries(Object.entries(legal).filter(([key]) => key !== name)) });
const text =
  (edit: (json: string) => string): Send =>
  (legal) => ({ body: edit(JSON.stringify(legal)) });

const common: readonly [name: string, code: string, send: Send][] = [
  ["nothing", "malformed", json("")],
  ["half a document", "malformed", text((document) => document.slice(0, -1))],
  ["UTF-16", "malformed", (legal) => ({ body: Buffer.from(JSON.stringify(legal), "utf16le") })],
  ["null", "invalid-field", json("null")],
  ["a list", "invalid-field", (legal) => ({ body: [legal] })],
  ["brackets 100,000 deep", "too-deep", json("[".repeat(100_000))],
  ["a byte above a megabyte", "too-large", json(new Uint8Array(limits.frameBytesMax + 1))],
  ["MessagePack under JSON's name", "malformed", () => ({ body: Uint8Array.from([0x81, 0xa1, 0x76, 1]) })],
  ["MessagePack that refers to itself", "malformed", bytes(0xd6, 0x69, 0, 0, 0, 1, 0x91, 0xd6, 0x70, 0, 0, 0, 1)],
  ["an array of 4 billion in MessagePack", "malformed", bytes(0xdd, 0xff, 0xff, 0xff, 0xff)],
  ["NaN in MessagePack", "malformed", (legal) => ({ codec: "msgpack", body: { ...legal, extra: Number.NaN } })],
  ["no version", "unsupported-version", less("v")],
  ["version 0", "unsupported-version", more({ v: 0 })],
  ["a version of the future", "unsupported-version", more({ v: 2 })],
  ["a version as text", "unsupported-version", more({ v: "1" })],
];

/** Routers among themselves speak JSON alone, and read no headers. */
const headed: readonly [name: string, code: string, header: string][] = [
  ["another content type", "unsupported-content-type", headerBlock("Content-Type: text/plain")],
  ["a header that is none", "malformed", headerBlock("bad name: 1")],
  ["64 kB of headers", "too-large", headerBlock(`a: ${"x".repeat(65_536)}`)],
];
const readsHeaders = (kind: FrameKindName): boolean => kind !== "router's alive" && kind !== "router's claim";
const jsonAlone = (name: string): boolean => !/in MessagePack|refers to itself/.test(name);

const speakers: readonly [name: string, token: string][] = [
  ["upper case", "A0"],
  ["a wildcard", "*"],
  ["the rest", ">"],
  ["NUL", "a\u0000"],
  ["a look-alike", "\u0430"],
  ["__proto__", "__proto__"],
  ["64 characters", "a".repeat(limits.nameCharsMax + 1)],
  ["3 kB", "a".repeat(3_000)],
];

export const commonFrames: readonly FrameCase[] = kinds.flatMap((kind) => [
  ...common
    .filter(([name]) => readsHeaders(kind) || jsonAlone(name))
    .map(([name, code, send]): FrameCase => ({ name: `${kind}: ${name}`, kind, code, send })),
  ...headed
    .filter(() => readsHeaders(kind))
    .map(([name, code, header]): FrameCase => ({ name: `${kind}: ${name}`, kind, code, send: (body) => ({ body, header }) })),
]);

export const speakerFrames: readonly FrameCase[] = speakers.flatMap(([name, token]) =>
  (
    [
      ["hello", `nexus.agents.${token}.out.hello`],
      ["heartbeat", `nexus.agents.${token}.out.heartbeat`],
      ["bye", `nexus.agents.${token}.out.bye`],
      ["connection's heartbeat", `nexus.conns.${token}.out.heartbeat`],
    ] as const
  ).map(
    ([kind, subject]): FrameCase => ({
      name: `${kind}: spoken by ${name}`,
      kind,
      subject,
      code: "invalid-field",
      send: (body) => ({ body }),
    }),
  ),
);

const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `n${index}`);
const labels = (count: number): object => Object.fromEntries(names(count).map((name) => [name, "x"]));

const hellos: readonly [name: string, members: object, limit?: keyof typeof limits][] = [
  ["a negative incarnation", { incarnation: -1 }],
  ["an incarnation of 2^53", { incarnation: 2 ** 53 }],
  ["a fractional incarnation", { incarnation: 0.5 }],
  ["an incarnation as text", { incarnation: "0" }],
  ["no capacity", { capacity: 0 }],
  ["a negative capacity", { capacity: -1 }],
  ["a capacity too many", { capacity: limits.capacityMax + 1 }, "capacityMax"],
  ["a group too many", { groups: names(limits.groupsMax + 1) }, "groupsMax"],
  ["a wildcard for a group", { groups: ["*"] }],
  ["two tokens for a group", { groups: ["a.b"] }],
  ["an operation too many", { operations: names(limits.operationsMax + 1) }, "operationsMax"],
  ["an operation that is no name", { operations: ["a b"] }],
  ["a label too many", { labels: labels(limits.labelsMax + 1) }],
  ["a label's value too long", { labels: { zone: "v".repeat(limits.labelValueCharsMax + 1) } }],
  ["a control character in a label", { labels: { zone: "a\u001b[2J" } }],
  ["a label in upper case", { labels: { Zone: "x" } }],
  ["__proto__ as a label", { labels: JSON.parse('{"__proto__":"x"}') }],
  ["two tokens for a connection", { connId: "a.b" }],
  ["a wildcard for a connection", { connId: ">" }],
  ["a boot that is no name", { boot: "B 1" }],
  ["no encoding", { codecs: [] }],
  ["an encoding without a name", { codecs: [""] }],
  ["nine encodings", { codecs: new Array(9).fill("json") }],
  ["a causal order that is neither kept nor not", { causal: "yes" }],
  ["a wire of no versions", { wire: { min: 0, max: 1 } }],
];

/** What is at the bound is known as it was said. */
export const helloAtLimits: object = {
  incarnation: Number.MAX_SAFE_INTEGER,
  capacity: limits.capacityMax,
  groups: names(limits.groupsMax),
  operations: names(limits.operationsMax),
  labels: labels(limits.labelsMax),
};

const loads: readonly [name: string, members: object, limit?: keyof typeof limits][] = [
  ["a CPU above 1", { process: { cpu: 1.01, memory: 0, eventLoopDelayMs: 0 } }],
  ["a negative memory", { process: { cpu: 0, memory: -0.1, eventLoopDelayMs: 0 } }],
  ["a huge event-loop delay", { process: { cpu: 0, memory: 0, eventLoopDelayMs: 1e308 } }],
  ["a CPU as text", { process: { cpu: "0.5", memory: 0, eventLoopDelayMs: 0 } }],
  ["no process", { process: null }],
];
const rowLoads: readonly [name: string, members: object, limit?: keyof typeof limits][] = [
  ["a negative number in flight", { inFlight: -1 }],
  ["half an operation in flight", { inFlight: 0.5 }],
  ["too many in flight", { inFlight: limits.capacityMax + 1 }, "capacityMax"],
  ["too deep a queue", { queueDepth: limits.capacityMax + 1 }, "capacityMax"],
  ["a negative service time", { serviceTimeMs: -1 }],
  ["a service time of more than an hour", { serviceTimeMs: limits.timeoutMsMax + 1 }, "timeoutMsMax"],
  ["a boot that is no name", { boot: "B 1" }],
];

const limited = (limit: keyof typeof limits | undefined): Pick<FrameCase, "limit"> => (limit === undefined ? {} : { limit });
const invalid = (
  kind: FrameKindName,
  name: string,
  send: Send,
  limit?: keyof typeof limits,
  code = "invalid-field",
): FrameCase => ({
  name: `${kind}: ${name}`,
  kind,
  code,
  send,
  ...limited(limit),
});

interface Rows {
  readonly agents: readonly object[];
}
const inRow =
  (members: object): Send =>
  (legal) => ({ body: { ...legal, agents: (legal as Rows).agents.map((row) => ({ ...row, ...members })) } });
const rows = (count: number): object[] => {
  const { process: _process, v: _v, ...row } = heartbeatOf() as { process: object; v: number };
  return names(count).map((agent) => ({ agent, ...row }));
};
/** Numbers that JSON cannot say, in the place of a number. */
const notFinite = (name: string, value: number): [string, Send] => [
  name,
  (legal) => ({ codec: "msgpack", body: { ...legal, serviceTimeMs: value, inFlight: value } }),
];

export const registrationFrames: readonly FrameCase[] = [
  ...hellos.map(([name, members, limit]) => invalid("hello", name, more(members), limit)),
  invalid("hello", "a wire of the future", more({ wire: { min: 2, max: 9 } }), undefined, "unsupported-version"),
  invalid("hello", "a wire that ends before it begins", more({ wire: { min: 9, max: 2 } }), undefined, "invalid-field"),
  ...[...loads, ...rowLoads].map(([name, members, limit]) => invalid("heartbeat", name, more(members), limit)),
  ...[notFinite("NaN", Number.NaN), notFinite("infinity", Number.POSITIVE_INFINITY)].map(([name, send]) =>
    invalid("heartbeat", name, send, undefined, "malformed"),
  ),
  invalid(
    "heartbeat",
    "a number beyond the doubles",
    text((document) => document.replace('"serviceTimeMs":1', '"serviceTimeMs":1e999')),
    undefined,
    "malformed",
  ),
  ...loads.map(([name, members, limit]) => invalid("connection's heartbeat", name, more(members), limit)),
  ...rowLoads.map(([name, members, limit]) => invalid("connection's heartbeat", name, inRow(members), limit)),
  invalid("connection's heartbeat", "no agents", more({ agents: [] })),
  invalid(
    "connection's heartbeat",
    "an agent too many",
    more({ agents: rows(limits.connectionAgentsMax + 1) }),
    "connectionAgentsMax",
  ),
  invalid("connection's heartbeat", "an agent that is no name", inRow({ agent: "a.b" })),
  invalid("bye", "a boot that is no name", more({ boot: "*" })),
  invalid("bye", "a reason too long", more({ reason: "r".repeat(257) })),
];
