import {
  type ErrorBody,
  encode,
  errorBodySchema,
  isErrorCode,
  type JsonValue,
  limits,
  NexusError,
  toErrorBody,
} from "@nexus/contracts";

/**
 * What a handler returned or threw, made fit for the wire. A router drops a frame that it does not understand as a whole,
 * and a frame may carry the answers of other agents: nothing unfit may get into one.
 */

/** The longest a number gets, in either codec. */
const NUMBER_BYTES = 25;
/** `\u0000`: the longest that JSON makes of a UTF-16 unit; MessagePack needs up to 3. */
const UNIT_BYTES_MAX = 6;

export interface AnswerValue {
  readonly value: JsonValue | undefined;
  /** About what it takes in memory and, where most text is ASCII, on the wire. */
  readonly bytes: number;
}

/**
 * The value as the wire can carry it. What JSON converts (dates, instances with `toJSON`) is converted.
 * @throws NexusError `malformed`, `too-deep`, `too-large`, with `executed: "all"`
 */
export function answerValue(returned: unknown, bytesMax: number): AnswerValue {
  if (returned === undefined) return { value: undefined, bytes: 0 };
  let value: unknown = returned;
  let size = measure(value, bytesMax);
  if (!size.plain) {
    value = converted(returned);
    size = measure(value, bytesMax);
  }
  if (size.bytesMax > bytesMax) {
    // The bound is coarse: only what might be too large is encoded to find out.
    const exact = Math.max(encode(value, "json").byteLength, encode(value, "msgpack").byteLength);
    if (exact > bytesMax) throw tooLarge(exact, bytesMax);
  }
  return { value: value as JsonValue, bytes: size.bytes };
}

/** The wire form of what a handler threw. */
export function handlerError(thrown: unknown): ErrorBody {
  if (thrown instanceof NexusError && isErrorCode(thrown.code)) {
    const body = errorBodySchema.safeParse(toErrorBody(thrown));
    if (body.success) return body.data;
  }
  const message =
    thrown instanceof Error ? thrown.message || thrown.name : typeof thrown === "string" ? thrown : "threw what is no Error";
  return toErrorBody(new NexusError("handler-failed", message, { executed: "unknown" }));
}

interface Size {
  bytes: number;
  bytesMax: number;
  /** Holds only null, booleans, numbers, strings, arrays and plain objects. */
  plain: boolean;
}

function measure(root: unknown, bytesMax: number): Size {
  const size: Size = { bytes: 0, bytesMax: 0, plain: true };
  add(root, 1, size, bytesMax);
  return size;
}

/** Depth first, so that a cycle meets the limit of depth at once. */
function add(value: unknown, depth: number, size: Size, bytesMax: number): void {
  if (depth > limits.answerDepthMax) {
    throw unfit("too-deep", `the handler's answer is nested deeper than ${limits.answerDepthMax}; flatten it`);
  }
  switch (typeof value) {
    case "string":
      return grow(size, value.length + 2, value.length * UNIT_BYTES_MAX + 5, bytesMax);
    case "number":
      if (!Number.isFinite(value)) throw unfit("malformed", "the handler's answer holds a number that is not finite");
      return grow(size, 8, NUMBER_BYTES, bytesMax);
    case "boolean":
    case "undefined":
      return grow(size, 5, 5, bytesMax);
    case "object":
      return value === null ? grow(size, 5, 5, bytesMax) : addObject(value, depth, size, bytesMax);
    default:
      throw unfit("malformed", `the handler's answer holds a ${typeof value}, which JSON cannot say`);
  }
}

function addObject(value: object, depth: number, size: Size, bytesMax: number): void {
  grow(size, 2, 5, bytesMax);
  if (Array.isArray(value)) {
    for (const item of value) add(item, depth + 1, size, bytesMax);
    return;
  }
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype || typeof (value as { toJSON?: unknown }).toJSON === "function") {
    size.plain = false;
    return;
  }
  for (const key of Object.keys(value)) {
    grow(size, key.length + 4, key.length * UNIT_BYTES_MAX + 7, bytesMax);
    add((value as Record<string, unknown>)[key], depth + 1, size, bytesMax);
  }
}

function grow(size: Size, bytes: number, most: number, bytesMax: number): void {
  size.bytes += bytes;
  size.bytesMax += most;
  // `bytes` is a guess; MessagePack says a number or an empty array in one byte, so only far beyond is it certain.
  if (size.bytes > bytesMax * 8) throw tooLarge(size.bytes, bytesMax);
}

function converted(value: unknown): unknown {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    throw unfit("malformed", `the handler's answer cannot be said in JSON: ${(error as Error).message}`, error);
  }
  if (text === undefined) throw unfit("malformed", "the handler's answer cannot be said in JSON");
  return JSON.parse(text);
}

function tooLarge(bytes: number, bytesMax: number): NexusError {
  return unfit("too-large", `the handler's answer takes about ${bytes} bytes; one message carries ${bytesMax}`);
}

function unfit(code: "malformed" | "too-deep" | "too-large", message: string, cause?: unknown): NexusError {
  return new NexusError(code, message, { executed: "all", ...(cause === undefined ? {} : { cause }) });
}
