import { limits } from "@nexus/contracts";
import { gather, type HarmlessCase, jsonWith, type RefusedCase } from "../case.ts";

/** Bodies that are no JSON, not the JSON that a request is, or too much of it. */

const legal = gather({ operation: "size" });
const text = JSON.stringify(legal);
const withPayload = (json: string): string => jsonWith(gather({ operation: "size", payload: "HERE" }), "HERE", json);
const nested = (levels: number): string => "[".repeat(levels) + "]".repeat(levels);
const objects = (levels: number): string => `${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`;
/** A body of so many bytes, of which most is the payload. */
const sized = (bytes: number): string => withPayload(JSON.stringify("x".repeat(bytes - withPayload('""').length)));
/** What a router puts around a payload for an agent is less than this. */
const AROUND_PAYLOAD = 1_024;
/** Levels of nesting around a payload within a request. */
const AROUND_LEVELS = 2;

type Row = [name: string, body: string | Uint8Array, code: RefusedCase["code"], control?: string | Uint8Array];

const rows: readonly Row[] = [
  ["nothing", "", "malformed"],
  ["white space", " \r\n\t", "malformed"],
  ["a truncated document", text.slice(0, -1), "malformed"],
  ["half a document", text.slice(0, text.length / 2), "malformed"],
  ["a second document behind it", `${text}{}`, "malformed"],
  ["a byte behind it", `${text}x`, "malformed", `${text} \n`],
  ["a closing bracket too many", `${text}}`, "malformed"],
  ["closing brackets, then many that open", "]".repeat(200) + nested(100), "malformed"],
  ["a comma behind the last member", text.replace(/}$/, ",}"), "malformed"],
  ["single quotes", text.replaceAll('"', "'"), "malformed"],
  ["a comment", `/* */${text}`, "malformed"],
  ["a key without quotes", '{goal:{"operation":"size"},"agents":{"ids":["a0"]}}', "malformed"],
  ["an unterminated string", '{"goal', "malformed"],
  ["an escape that is cut off", '{"goal\\', "malformed"],
  ["a control character in a string", withPayload('"a\u0000b"'), "malformed", withPayload('"a\\u0000b"')],
  ["a terminal's escape sequence", "\u001b[2J\u009b31m", "malformed"],
  ["NaN", withPayload("NaN"), "malformed", withPayload("null")],
  ["Infinity", withPayload("-Infinity"), "malformed", withPayload("-1")],
  ["a number beyond the doubles", withPayload("1e999"), "malformed", withPayload("1e308")],
  ["a number of 400 digits", withPayload("9".repeat(400)), "malformed", withPayload("9".repeat(300))],
  ["a hexadecimal number", withPayload("0x10"), "malformed", withPayload("16")],
  ["UTF-16, little-endian", Buffer.from(`\ufeff${text}`, "utf16le"), "malformed"],
  ["UTF-16, big-endian", Buffer.from(`\ufeff${text}`, "utf16le").swap16(), "malformed"],
  ["bytes that are not UTF-8", Buffer.from(withPayload('"\xff"'), "latin1"), "malformed", withPayload('"\xff"')],
  ["an overlong encoding", Buffer.from(withPayload('"\xc0\xae"'), "latin1"), "malformed", withPayload('"."')],
  ["half a character in UTF-8", Buffer.from(withPayload('"\xed\xa0\x80"'), "latin1"), "malformed", withPayload('"\\ud800"')],
  ["a gzip stream", Uint8Array.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]), "malformed"],
  ["arrays 100,000 deep", nested(100_000), "too-deep"],
  ["brackets 100,000 deep that never close", "[".repeat(100_000), "too-deep"],
  ["objects 100,000 deep", objects(100_000), "too-deep"],
  ["a payload 100,000 deep", withPayload(nested(100_000)), "too-deep", withPayload(nested(limits.depthMax - AROUND_LEVELS))],
  ["a megabyte of brackets", "[".repeat(limits.frameBytesMax), "too-deep"],
  ["two megabytes of brackets", "[".repeat(2 * limits.frameBytesMax), "too-large"],
];

export const jsonCases: readonly RefusedCase[] = [
  ...rows.map(([name, body, code, control]) => ({ name, send: { body }, code, control: { body: control ?? text } })),
  {
    name: "a level too deep",
    send: { body: withPayload(nested(limits.depthMax - AROUND_LEVELS + 1)) },
    code: "too-deep",
    control: { body: withPayload(nested(limits.depthMax - AROUND_LEVELS)) },
    limit: "depthMax",
  },
  {
    name: "a byte above a megabyte",
    send: { body: sized(limits.frameBytesMax + 1) },
    code: "too-large",
    control: { body: sized(limits.frameBytesMax - AROUND_PAYLOAD) },
    limit: "frameBytesMax",
  },
  {
    name: "a megabyte, to which nothing can be added for an agent",
    send: { body: sized(limits.frameBytesMax) },
    code: "too-large",
    field: "goal.payload",
    control: { body: sized(limits.frameBytesMax - AROUND_PAYLOAD) },
    limit: "frameBytesMax",
  },
  ...["null", "true", "42", '"text"', "[]", `[${text}]`].map(
    (body): RefusedCase => ({
      name: `${body.slice(0, 8)} for an object`,
      send: { body },
      code: "invalid-field",
      control: { body: text },
    }),
  ),
];

const completed = (value: unknown): object => ({ status: "completed", outcome: { rows: [{ value }] } });
const keys = (json: string): string => jsonWith(gather({ operation: "keys", payload: "HERE" }), "HERE", json);

export const jsonHarmless: readonly HarmlessCase[] = [
  { name: "a byte-order mark", send: { body: `\ufeff${text}` }, result: completed(4), runs: 1 },
  {
    name: "a duplicate member: the last counts, as in every JSON reader",
    send: { body: text.replace('"operation"', '"operation":"slow","operation"') },
    result: completed(4),
    runs: 1,
  },
  {
    name: "__proto__ and constructor in a payload, which arrive as they are",
    send: { body: keys('{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}},"toString":1}') },
    result: completed(["__proto__", "constructor", "toString"]),
    runs: 1,
  },
  { name: "half a character, escaped", send: { body: withPayload('"\\ud800"') }, result: completed(8), runs: 1 },
  { name: "NUL, escaped", send: { body: withPayload('"\\u0000"') }, result: completed(8), runs: 1 },
  { name: "-0 and 1e-999", send: { body: withPayload("[-0,1e-999]") }, result: completed(5), runs: 1 },
  { name: "brackets within a string", send: { body: withPayload(`"${"[".repeat(500)}"`) }, result: completed(502), runs: 1 },
];
