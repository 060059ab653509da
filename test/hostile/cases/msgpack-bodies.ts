import { encode, limits } from "@nexus/contracts";
import { gather, type HarmlessCase, type RefusedCase } from "../case.ts";

/** MessagePack written byte by byte: lengths that lie, types that JSON does not have, references, bombs. */

type Bytes = readonly number[];

const u32 = (value: number): Bytes => [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
const ascii = (text: string): Bytes => [0xd9, text.length, ...Buffer.from(text, "latin1")];
const map = (...entries: readonly (readonly [string, Bytes])[]): Bytes =>
  [[0x80 + entries.length], ...entries.map(([key, value]) => [ascii(key), value].flat())].flat();
const ids = map(["ids", [0x91, ...ascii("a0")]]);
/** A legal request but for its payload. */
const withPayload = (payload: Bytes): Uint8Array =>
  Uint8Array.from(map(["goal", map(["operation", ascii("size")], ["payload", payload])], ["agents", ids]));
/** Without a stack of its own for each level. */
const arrays = (levels: number): Bytes => [...new Array<number>(levels - 1).fill(0x91), 0x90];
const AROUND_LEVELS = 2;

/** Arrays that name each other: by 40 levels of 15, a document of 15^40 values in five kilobytes. */
function references(levels: number, width: number): Bytes {
  let bytes: Bytes = [0xd6, 0x69, ...u32(0), 0x90];
  for (let level = 1; level <= levels; level++) {
    const again = Array.from({ length: width - 1 }, () => [0xd6, 0x70, ...u32(level - 1)]).flat();
    bytes = [0xd6, 0x69, ...u32(level), 0x90 + width, ...bytes, ...again];
  }
  return bytes;
}

const float64 = (...bytes: Bytes): Bytes => [0xcb, ...bytes, ...new Array<number>(8 - bytes.length).fill(0)];
const legal = withPayload([1]);
const largest = limits.frameBytesMax - withPayload([0xdb, ...u32(0)]).length;
const sized = (bytes: number): Uint8Array => {
  const head = withPayload([0xdb, ...u32(bytes)]);
  const at = head.length - 1 - ids.length - ascii("agents").length + 1;
  return Buffer.concat([head.subarray(0, at), Buffer.alloc(bytes, "x"), head.subarray(at)]);
};
const AROUND_PAYLOAD = 1_024;

type Row = [name: string, payload: Bytes, control?: Bytes, code?: RefusedCase["code"]];

const payloads: readonly Row[] = [
  ["an array of 4 billion, declared", [0xdd, 0xff, 0xff, 0xff, 0xff], [0xdd, ...u32(0)]],
  ["a map of 4 billion, declared", [0xdf, 0xff, 0xff, 0xff, 0xff], [0xdf, ...u32(0)]],
  ["a string of 4 GB, declared", [0xdb, 0xff, 0xff, 0xff, 0xff], [0xdb, ...u32(0)]],
  ["binary of 4 GB, declared", [0xc6, 0xff, 0xff, 0xff, 0xff]],
  ["an extension of 4 GB, declared", [0xc9, 0xff, 0xff, 0xff, 0xff, 1]],
  ["arrays of 30 million within each other", Array.from({ length: 60 }, () => [0xdd, 1, 0xc9, 0xc3, 0x80]).flat()],
  ["an array one longer than its bytes", [0x93, 1, 1], [0x92, 1, 1]],
  ["a map with half an entry", [0x82, 0xa1, 0x61, 1, 0xa1, 0x62], [0x81, 0xa1, 0x61, 1]],
  ["a 32-bit NaN", [0xca, 0x7f, 0xc0, 0, 0], [0xca, 0x3f, 0x80, 0, 0]],
  ["a 32-bit infinity", [0xca, 0x7f, 0x80, 0, 0], [0xca, 0x7f, 0x7f, 0xff, 0xff]],
  ["NaN", float64(0x7f, 0xf8), float64(0x3f, 0xf0)],
  ["a NaN with a message in it", float64(0xff, 0xf0, 0xde, 0xad), float64(0x3f, 0xf0)],
  ["infinity", float64(0x7f, 0xf0), float64(0x7f, 0xe0)],
  ["-infinity", float64(0xff, 0xf0), float64(0xff, 0xe0)],
  ["a timestamp of 32 bits", [0xd6, 0xff, ...u32(1)], [...ascii("1970-01-01T00:00:01Z")]],
  ["a timestamp of 64 bits", [0xd7, 0xff, ...u32(1), ...u32(1)]],
  ["a timestamp of 96 bits", [0xc7, 12, 0xff, ...u32(1), ...u32(1), ...u32(1)]],
  ["undefined", [0xd4, 0, 0], [0xc0]],
  ["binary", [0xc4, 2, 1, 2], [0x92, 1, 2]],
  ["the token that is never used", [0xc1]],
  ["a set", [0xd4, 0x73, 0, 0x91, 1], [0x91, 1]],
  ["a regular expression", [0xd4, 0x78, 0, 0x92, ...ascii("(a+)+$"), 0xa0], [...ascii("(a+)+$")]],
  ["an error, by the name of a constructor", [0xd4, 0x65, 0, 0x93, ...ascii("Function"), ...ascii("x"), 0xc0]],
  ["a typed array", [0xc7, 3, 0x74, 1, 0, 0]],
  ["a big integer", [0xc7, 9, 0x42, ...new Array<number>(9).fill(0x7f)], [0xcf, 0, 0, 0, 0, 0x7f, 0x7f, 0x7f, 0x7f]],
  ["a record", [0xd4, 0x72, 0x40, 0x91, ...ascii("a"), 5], [...map(["a", [5]])]],
  ["a bundle of strings", [0xc7, 4, 0x62, 0, 0, 0, 6, 0xc1, 1, 0xa1, 0x61, 0xa1, 0x62]],
  ["an extension that nobody knows", [0xd4, 0x13, 0]],
  ["an extension of each type", Array.from({ length: 128 }, (_, type) => [0xd4, type, 0]).flat()],
  ["a cycle", [0xd6, 0x69, ...u32(1), 0x91, 0xd6, 0x70, ...u32(1)], [0x91, 0x91, 1]],
  ["a reference to nothing", [0xd6, 0x70, ...u32(9)]],
  ["references that multiply: a bomb", references(40, 15), [0x91, 0x91, 0x90]],
  ["a number as a key", [0x81, 1, 1], [...map(["1", [1]])]],
  ["nil as a key", [0x81, 0xc0, 1], [...map(["null", [1]])]],
  ["an array as a key", [0x81, 0x91, 0xa1, 0x61, 1], [...map(["a", [1]])]],
  ["text that is not UTF-8", [0xa2, 0xc3, 0x28], [0xa2, 0xc3, 0xa9]],
  ["an overlong encoding", [0xa2, 0xc0, 0xae], [0xa1, 0x2e]],
  ["half a character", [0xa3, 0xed, 0xa0, 0x80], [0xa3, 0xef, 0xbf, 0xbd]],
  [
    "a long text that is not UTF-8",
    [0xd9, 100, ...new Array<number>(100).fill(0xff)],
    [0xd9, 100, ...new Array<number>(100).fill(0x61)],
  ],
  ["a level too deep", arrays(limits.depthMax - AROUND_LEVELS + 1), arrays(limits.depthMax - AROUND_LEVELS), "too-deep"],
  ["arrays 100,000 deep", arrays(100_000), [0x91, 0x90], "too-deep"],
  ["maps 100,000 deep", [...new Array<Bytes>(100_000).fill([0x81, 0xa1, 0x61]).flat(), 1], [...map(["a", [1]])], "too-deep"],
];

const json = Buffer.from(JSON.stringify(gather({ operation: "size" })));

const bodies: readonly [name: string, body: Uint8Array, code: RefusedCase["code"], control?: Uint8Array][] = [
  ["nothing", new Uint8Array(), "malformed"],
  ["a truncated document", legal.subarray(0, -1), "malformed"],
  ["half a document", legal.subarray(0, legal.length / 2), "malformed"],
  ["a byte behind it", Uint8Array.from([...legal, 0xc0]), "malformed"],
  ["a second document behind it", Uint8Array.from([...legal, ...legal]), "malformed"],
  ["JSON under MessagePack's name", json, "malformed"],
  ["a byte above a megabyte", sized(largest + 1), "too-large", sized(largest - AROUND_PAYLOAD)],
];

export const msgpackCases: readonly RefusedCase[] = [
  ...payloads.map(
    ([name, payload, control, code = "malformed"]): RefusedCase => ({
      name,
      send: { codec: "msgpack", body: withPayload(payload) },
      code,
      control: { codec: "msgpack", body: control === undefined ? legal : withPayload(control) },
    }),
  ),
  ...bodies.map(
    ([name, body, code, control = legal]): RefusedCase => ({
      name,
      send: { codec: "msgpack", body },
      code,
      control: { codec: "msgpack", body: control },
    }),
  ),
  {
    name: "MessagePack under JSON's name",
    send: { body: legal },
    code: "malformed",
    control: { body: legal, codec: "msgpack" },
  },
  {
    name: "a level too deep for the answer, with everything else legal",
    send: { codec: "msgpack", body: withPayload(arrays(limits.depthMax)) },
    code: "too-deep",
    control: { codec: "msgpack", body: withPayload(arrays(limits.depthMax - AROUND_LEVELS)) },
    limit: "depthMax",
  },
];

const keys = (payload: Bytes): Uint8Array =>
  Uint8Array.from(map(["goal", map(["operation", ascii("keys")], ["payload", payload])], ["agents", ids]));

export const msgpackHarmless: readonly HarmlessCase[] = [
  {
    name: "__proto__ and constructor in a payload, which arrive as they are",
    send: { codec: "msgpack", body: keys(map(["__proto__", [0x81, 0xa1, 0x61, 1]], ["constructor", [1]])) },
    result: { outcome: { rows: [{ value: ["__proto__", "constructor"] }] } },
    runs: 1,
  },
  {
    name: "a duplicate key: the last counts",
    send: { codec: "msgpack", body: keys(map(["a", [1]], ["a", [2]])) },
    result: { outcome: { rows: [{ value: ["a"] }] } },
    runs: 1,
  },
  {
    name: "every length in its longest form",
    send: { codec: "msgpack", body: encode(gather({ operation: "size", payload: "x".repeat(300) }), "msgpack") },
    result: { status: "completed" },
    runs: 1,
  },
];
