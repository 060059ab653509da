import { limits, NexusError } from "@nexus/contracts";
import { type BusHeaders, checkedHeader, STATUS_HEADER } from "@nexus/ports";

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
  const [first = "", ...lines] = linesOf(bytes);
  const version = /^NATS\/1\.0(?:\s+(\d{3})(?:\s.*)?)?\s*$/.exec(first);
  if (version === null) throw malformed("they do not begin with NATS/1.0");
  const headers: Record<string, string> = Object.create(null);
  for (const line of lines) {
    if (line === "") continue;
    const colon = line.indexOf(":");
    if (colon === -1) throw malformed("a line has no colon");
    const [name, value] = [line.slice(0, colon), line.slice(colon + 1)];
    headers[name] ??= checked(name, value);
  }
  if (version[1] !== undefined) headers[STATUS_HEADER] = version[1];
  return headers;
}

function linesOf(bytes: Uint8Array): string[] {
  try {
    return textDecoder.decode(bytes).split("\r\n");
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
