import { encodeText, limits, NexusError } from "@nexus/contracts";
import { type BusHeaders, checkedHeader, STATUS_HEADER } from "@nexus/ports";

const VERSION = "NATS/1.0";
const LINE_END = "\r\n";
const textDecoder = new TextDecoder("utf-8", { fatal: true });

/**
 * The headers of a message from their bytes: `NATS/1.0`, perhaps a status behind it, then `name: value` lines. Of a
 * repeated header the first value counts. Without a prototype, so that no header's name is special. O(bytes).
 * @throws NexusError `too-large`, `malformed`
 */
export function parseHeaders(bytes: Uint8Array): BusHeaders {
  if (bytes.byteLength > limits.headerBytesMax) {
    const message = `${bytes.byteLength} bytes of headers; at most ${limits.headerBytesMax} are read`;
    throw new NexusError("too-large", message, { field: "headers" });
  }
  const text = textOf(bytes);
  const headers: Record<string, string> = Object.create(null);
  let from = endOfLine(text, 0);
  const status = statusIn(text.slice(0, from));
  for (from += LINE_END.length; from < text.length; ) {
    const end = endOfLine(text, from);
    if (end > from) {
      const colon = text.indexOf(":", from);
      if (colon === -1 || colon > end) throw malformed("a line has no colon");
      const name = text.slice(from, colon);
      headers[name] ??= checked(name, text.slice(colon + 1, end));
    }
    from = end + LINE_END.length;
  }
  if (status !== undefined) headers[STATUS_HEADER] = status;
  return headers;
}

/** The bytes of headers as they are sent; undefined where there are none. @throws NexusError `invalid-field` */
export function encodeHeaders(headers: BusHeaders): Uint8Array | undefined {
  let text = "";
  for (const name of Object.keys(headers)) text += `${name}: ${checkedHeader(name, headers[name] ?? "")}${LINE_END}`;
  return text === "" ? undefined : encodeText(`${VERSION}${LINE_END}${text}${LINE_END}`);
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf(LINE_END, from);
  return end === -1 ? text.length : end;
}

function statusIn(firstLine: string): string | undefined {
  if (firstLine === VERSION) return undefined;
  const version = /^NATS\/1\.0(?:\s+(\d{3})(?:\s.*)?)?\s*$/.exec(firstLine);
  if (version === null) throw malformed(`they do not begin with ${VERSION}`);
  return version[1];
}

function textOf(bytes: Uint8Array): string {
  try {
    return textDecoder.decode(bytes);
  } catch (cause) {
    throw malformed("they are not UTF-8", cause);
  }
}

function checked(name: string, value: string): string {
  try {
    return checkedHeader(name, value);
  } catch (cause) {
    throw malformed("names are printable ASCII without colon, values have no line break", cause);
  }
}

function malformed(why: string, cause?: unknown): NexusError {
  return new NexusError("malformed", `the message's headers cannot be read: ${why}`, { field: "headers", cause });
}
