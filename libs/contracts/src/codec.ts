import { Packr, Unpackr } from "msgpackr";
import { NexusError } from "./errors.ts";
import type { JsonValue } from "./json-value.ts";
import { limits } from "./limits.ts";

/**
 * JSON and MessagePack, chosen by the `Content-Type` header. Both carry the JSON data model alone.
 *
 * Invariants
 * C1. Bytes are counted before anything is decoded, nesting before JSON is parsed.
 * C2. What is decoded holds only null, booleans, finite numbers, strings, arrays and plain objects.
 * C3. A key `__proto__` never reaches a prototype: both decoders define it as an own property or refuse it.
 * C4. A document has no more values than bytes, so that nothing small unfolds into something large.
 */

export const contentTypes = { json: "application/json", msgpack: "application/msgpack" } as const;
export type CodecName = keyof typeof contentTypes;
export const codecNames = Object.keys(contentTypes) as CodecName[];
export const CONTENT_TYPE_HEADER = "Content-Type";

const packr = new Packr({ useRecords: false, variableMapSize: true });
// `structuredClone: false` refuses references, by which a few bytes unfold into a graph without end (C4).
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true, int64AsType: "number", structuredClone: false });
const textEncoder = new TextEncoder();
const textDecoder = new TextDecoder("utf-8", { fatal: true });

/** The codec that a `Content-Type` names; JSON where the header is absent. Parameters (`; charset=utf-8`) are ignored. */
export function codecOf(contentType: string | undefined): CodecName {
  if (contentType === undefined || contentType === "") return "json";
  const media = contentType.split(";", 1)[0]?.trim().toLowerCase();
  const known = codecNames.find((name) => contentTypes[name] === media);
  if (known !== undefined) return known;
  throw new NexusError(
    "unsupported-content-type",
    `Content-Type "${JSON.stringify(contentType.slice(0, 80)).slice(1, -1)}" is not understood: send ${codecNames.map((name) => contentTypes[name]).join(" or ")}`,
    { field: CONTENT_TYPE_HEADER },
  );
}

/** The codec of a message, by its headers. Names of headers are case-sensitive in NATS, and some clients lower them. */
export function codecOfHeaders(headers: Readonly<Record<string, string>>): CodecName {
  return codecOf(headers[CONTENT_TYPE_HEADER] ?? headers[CONTENT_TYPE_HEADER.toLowerCase()]);
}

/** Encodes a value of the JSON data model. `undefined` members of objects are left out, as JSON does. */
export function encode(value: unknown, codec: CodecName = "json"): Uint8Array {
  if (codec === "json") return textEncoder.encode(JSON.stringify(value));
  // A view of msgpackr's own buffer is reused by its next call only when asked for; `pack` returns a fresh slice.
  return packr.pack(withoutUndefined(value));
}

/**
 * Decodes and checks a document.
 * @param depthMax `limits.resultDepthMax` for what carries an agent's values further inside
 * @throws NexusError `too-large`, `too-deep`, `malformed`
 */
export function decode(bytes: Uint8Array, codec: CodecName = "json", depthMax: number = limits.depthMax): JsonValue {
  if (bytes.byteLength > limits.frameBytesMax) {
    throw new NexusError("too-large", `${bytes.byteLength} bytes; at most ${limits.frameBytesMax} are read`);
  }
  return codec === "json" ? decodeJson(bytes, depthMax) : decodeMsgpack(bytes, depthMax);
}

function decodeJson(bytes: Uint8Array, depthMax: number): JsonValue {
  checkJsonDepth(bytes, depthMax);
  try {
    return JSON.parse(textDecoder.decode(bytes)) as JsonValue;
  } catch (error) {
    throw new NexusError("malformed", `not valid JSON: ${(error as Error).message}`, { cause: error });
  }
}

function decodeMsgpack(bytes: Uint8Array, depthMax: number): JsonValue {
  let value: unknown;
  try {
    value = unpackr.unpack(bytes);
  } catch (error) {
    // A RangeError is the decoder's recursion meeting a hostile nesting.
    if (error instanceof RangeError && /call stack/i.test(error.message)) throw tooDeep(depthMax);
    throw new NexusError("malformed", `not valid MessagePack: ${(error as Error).message}`, { cause: error });
  }
  checkDataModel(value, bytes.byteLength, depthMax);
  return value as JsonValue;
}

/** Counts brackets outside strings, one pass, no allocation (C1). */
function checkJsonDepth(bytes: Uint8Array, depthMax: number): void {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (inString) {
      if (byte === 0x5c) i++;
      else if (byte === 0x22) inString = false;
    } else if (byte === 0x22) inString = true;
    else if (byte === 0x7b || byte === 0x5b) {
      if (++depth > depthMax) throw tooDeep(depthMax);
    } else if (byte === 0x7d || byte === 0x5d) depth--;
  }
}

/**
 * Refuses what JSON could not say (C2), with a stack of its own, so that the check never recurses.
 * @param valuesMax C4
 */
function checkDataModel(root: unknown, valuesMax: number, depthMax: number): void {
  let values = 0;
  const stack: { values: readonly unknown[]; depth: number }[] = [{ values: [root], depth: 0 }];
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    if (top.depth > depthMax) throw tooDeep(depthMax);
    values += top.values.length;
    if (values > valuesMax) throw notOfModel("more values than it has bytes");
    for (const value of top.values) {
      if (value === null || typeof value === "string" || typeof value === "boolean") continue;
      if (typeof value === "number") {
        if (!Number.isFinite(value)) throw notOfModel("a number that is not finite");
      } else if (Array.isArray(value)) stack.push({ values: value, depth: top.depth + 1 });
      else if (isPlainObject(value)) stack.push({ values: Object.values(value), depth: top.depth + 1 });
      else throw notOfModel(typeof value === "object" ? (value.constructor?.name ?? "object") : typeof value);
    }
  }
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

function withoutUndefined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => (item === undefined ? null : withoutUndefined(item)));
  if (!isPlainObject(value)) return value;
  const copy: Record<string, unknown> = {};
  for (const [key, member] of Object.entries(value)) {
    if (member === undefined) continue;
    Object.defineProperty(copy, key, { value: withoutUndefined(member), enumerable: true, configurable: true, writable: true });
  }
  return copy;
}

function tooDeep(depthMax: number): NexusError {
  return new NexusError("too-deep", `nested deeper than ${depthMax}; flatten the document`);
}

function notOfModel(what: string): NexusError {
  return new NexusError("malformed", `holds ${what}: only null, booleans, finite numbers, strings, arrays and maps are carried`);
}
