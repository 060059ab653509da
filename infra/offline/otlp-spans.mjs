// @ts-check
/**
 * Reads the spans out of an OTLP trace export in protobuf: opentelemetry/proto/collector/trace/v1, of which only ids,
 * names, kinds and the service's name are taken. By hand, since its image has Node and no packages; the console reads with
 * `libs/adapters/otel/src/receive`. Pure.
 *
 * Invariants
 *  O1 Every read is checked against the end of its message: a malformed body is an error, never a loop and never a guess.
 *  O2 Unknown fields are skipped, as protobuf wants it.
 *
 * @typedef {object} SpanRecord
 * @property {string} traceId       32 hex digits
 * @property {string} spanId        16 hex digits
 * @property {string} parentSpanId  16 hex digits, empty for a root
 * @property {string} name
 * @property {number} kind          SpanKind of OTLP
 * @property {string} service       `service.name` of the resource
 */

/** A body that is not what it says to be. */
export class MalformedExportError extends Error {}

const WIRE_VARINT = 0;
const WIRE_64_BITS = 1;
const WIRE_BYTES = 2;
const WIRE_32_BITS = 5;
const VARINT_BYTES_MAX = 10;

/**
 * @param {Buffer} message
 * @returns {Generator<{number: number, bytes: Buffer | undefined, value: number | undefined}>}
 *   `bytes` of length-delimited fields, `value` of varints
 */
function* fieldsOf(message) {
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let index = 0; index < VARINT_BYTES_MAX; index++) {
      const byte = message[at++];
      if (byte === undefined) throw new MalformedExportError("a number runs past the end"); // O1
      value += (byte & 0x7f) * 2 ** (7 * index);
      if (byte < 0x80) return value;
    }
    throw new MalformedExportError("a number is too long"); // O1
  };
  /** @param {number} length */
  const skip = (length) => {
    if (length > message.length - at) throw new MalformedExportError("a field runs past the end"); // O1
    at += length;
    return at - length;
  };
  while (at < message.length) {
    const key = varint();
    const number = Math.floor(key / 8);
    const wire = key % 8;
    if (wire === WIRE_VARINT) yield { number, bytes: undefined, value: varint() };
    else if (wire === WIRE_64_BITS) skip(8);
    else if (wire === WIRE_32_BITS) skip(4);
    else if (wire === WIRE_BYTES) {
      const length = varint();
      const start = skip(length);
      yield { number, bytes: message.subarray(start, start + length), value: undefined };
    } else throw new MalformedExportError(`wire type ${wire} is not one`);
  }
}

/**
 * @param {Buffer} message
 * @param {number} wanted
 * @returns {Buffer[]}
 */
function messagesIn(message, wanted) {
  const found = [];
  for (const { number, bytes } of fieldsOf(message)) if (number === wanted && bytes !== undefined) found.push(bytes);
  return found;
}

/** @param {Buffer} message  @param {number} wanted */
const textIn = (message, wanted) => messagesIn(message, wanted)[0]?.toString("utf8") ?? "";

/** @param {Buffer} resourceSpans  @returns {string} */
function serviceOf(resourceSpans) {
  const attributes = messagesIn(resourceSpans, 1).flatMap((resource) => messagesIn(resource, 1));
  const name = attributes.find((attribute) => textIn(attribute, 1) === "service.name");
  return name === undefined ? "" : textIn(messagesIn(name, 2)[0] ?? Buffer.alloc(0), 1);
}

/** @param {Buffer} span  @param {string} service  @returns {SpanRecord} */
function spanOf(span, service) {
  /** @type {SpanRecord} */
  const record = { traceId: "", spanId: "", parentSpanId: "", name: "", kind: 0, service };
  for (const { number, bytes, value } of fieldsOf(span)) {
    if (number === 1 && bytes !== undefined) record.traceId = bytes.toString("hex");
    else if (number === 2 && bytes !== undefined) record.spanId = bytes.toString("hex");
    else if (number === 4 && bytes !== undefined) record.parentSpanId = bytes.toString("hex");
    else if (number === 5 && bytes !== undefined) record.name = bytes.toString("utf8");
    else if (number === 6 && value !== undefined) record.kind = value;
  }
  if (record.traceId.length !== 32 || record.spanId.length !== 16) throw new MalformedExportError("a span has no proper ids");
  return record;
}

/**
 * @param {Buffer} body  an ExportTraceServiceRequest
 * @returns {SpanRecord[]}
 * @throws {MalformedExportError}
 */
export function spansOf(body) {
  return messagesIn(body, 1).flatMap((resourceSpans) => {
    const service = serviceOf(resourceSpans);
    const spans = messagesIn(resourceSpans, 2).flatMap((scopeSpans) => messagesIn(scopeSpans, 2));
    return spans.map((span) => spanOf(span, service));
  });
}
