import { Packr, Unpackr } from "msgpackr";
import { NexusError } from "./errors.ts";
import { scanJson } from "./json-scan.ts";
import type { JsonValue } from "./json-value.ts";
import { limits } from "./limits.ts";
import { scanMsgpack } from "./msgpack-scan.ts";

/**
 * JSON and MessagePack, chosen by the `Content-Type` header. Both carry the JSON data model alone.
 *
 * Invariants
 * C1. Bytes are counted before anything is decoded, nesting before anything is built.
 * C2. What is decoded holds only null, booleans, finite numbers, strings, arrays and plain objects.
 * C3. A key `__proto__` never reaches a prototype: both decoders define it as an own property or refuse it.
 */

export const contentTypes = { json: "application/json", msgpack: "application/msgpack" } as const;
export type CodecName = keyof typeof contentTypes;
export const codecNames = Object.keys(contentTypes) as CodecName[];
export const CONTENT_TYPE_HEADER = "Content-Type";

const packr = new Packr({ useRecords: false, variableMapSize: true });
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true, int64AsType: "number" });
/** Slower; for documents with a key `__proto__`, which the other one renames. */
const mapUnpackr = new Unpackr({ useRecords: false, mapsAsObjects: false, int64AsType: "number" });
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

/** Small documents share slabs: a buffer of its own costs more to make and to collect than encoding one takes. */
const SLAB_BYTES = 65_536;
const SLAB_SHARE_MAX = SLAB_BYTES / 8;
let slab = new Uint8Array(SLAB_BYTES);
let slabUsed = 0;

/**
 * A text in UTF-8. What is returned is never written to again, but it may share its buffer with others: it is for
 * sending, and to keep it is to keep up to 64 KiB.
 */
export function encodeText(text: string): Uint8Array {
  const bytesMax = text.length * 3;
  if (bytesMax > SLAB_SHARE_MAX) return textEncoder.encode(text);
  if (slabUsed + bytesMax > SLAB_BYTES) {
    slab = new Uint8Array(SLAB_BYTES);
    slabUsed = 0;
  }
  const from = slabUsed;
  slabUsed += textEncoder.encodeInto(text, slab.subarray(from)).written;
  return slab.subarray(from, slabUsed);
}

/** Encodes a value of the JSON data model, for sending (`encodeText`). `undefined` members of objects are left out, as JSON does. */
export function encode(value: unknown, codec: CodecName = "json"): Uint8Array {
  if (codec === "json") return encodeText(JSON.stringify(value));
  // A view of msgpackr's own buffer is reused by its next call only when asked for; `pack` returns a fresh slice.
  return packr.pack(packable(value));
}

/**
 * Decodes and checks a document.
 * @param depthMax less than the limit, where the document is to be put into another one
 * @throws NexusError `too-large`, `too-deep`, `malformed`
 */
export function decode(bytes: Uint8Array, codec: CodecName = "json", depthMax: number = limits.depthMax): JsonValue {
  if (bytes.byteLength > limits.frameBytesMax) {
    throw new NexusError("too-large", `${bytes.byteLength} bytes; at most ${limits.frameBytesMax} are read`);
  }
  return codec === "json" ? decodeJson(bytes, depthMax) : decodeMsgpack(bytes, depthMax);
}

function decodeJson(bytes: Uint8Array, depthMax: number): JsonValue {
  const { mayOverflow } = scanJson(bytes, depthMax);
  let value: JsonValue;
  try {
    value = JSON.parse(textDecoder.decode(bytes)) as JsonValue;
  } catch (error) {
    throw new NexusError("malformed", `not valid JSON: ${printable((error as Error).message)}`, { cause: error });
  }
  if (mayOverflow && !isFiniteThroughout(value)) throw new NexusError("malformed", "holds a number that is not finite"); // C2
  return value;
}

function decodeMsgpack(bytes: Uint8Array, depthMax: number): JsonValue {
  const { hasProtoKey } = scanMsgpack(bytes, depthMax);
  try {
    return hasProtoKey ? fromMaps(mapUnpackr.unpack(bytes)) : unpackr.unpack(bytes);
  } catch (error) {
    throw new NexusError("malformed", `not valid MessagePack: ${printable((error as Error).message)}`, { cause: error });
  }
}

/** For documents whose depth was checked. */
function isFiniteThroughout(value: JsonValue): boolean {
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object" || value === null) return true;
  return Object.values(value).every(isFiniteThroughout);
}

/** C3: what was decoded into maps, as plain objects with each key their own. */
function fromMaps(value: unknown): JsonValue {
  if (Array.isArray(value)) return value.map(fromMaps);
  if (!(value instanceof Map)) return value as JsonValue;
  return Object.fromEntries([...value].map(([key, member]) => [key, fromMaps(member)]));
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** Without what JSON leaves out, and without half characters (lone surrogates), which UTF-8 cannot say. */
function packable(value: unknown): unknown {
  if (typeof value === "string") return value.toWellFormed();
  if (Array.isArray(value)) return value.map((item) => (item === undefined ? null : packable(item)));
  if (!isPlainObject(value)) return value;
  const copy: Record<string, unknown> = {};
  for (const [key, member] of Object.entries(value)) {
    if (member === undefined) continue;
    const own = { value: packable(member), enumerable: true, configurable: true, writable: true };
    Object.defineProperty(copy, key.toWellFormed(), own);
  }
  return copy;
}

/** A decoder's message quotes what it met, and may end in a terminal. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, " ");
}
