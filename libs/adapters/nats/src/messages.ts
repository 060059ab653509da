import { type BusHeaders, type BusMessage, checkedHeader, noHeaders } from "@nexus/ports";
import { headers as createHeaders, type Msg, type MsgHdrs, type ServiceMsg } from "nats";
import { parseHeaders } from "./header-bytes.ts";

/** What the library holds of a message as it came, with the length of its headers; -1: none. */
interface RawMessage {
  readonly _msg: { readonly hdr: number };
  readonly _rdata: Uint8Array;
}

/** The library's message behind the port's face; everything is decoded when it is read, as most readers need half of it. */
export class NatsMessage implements BusMessage {
  readonly #message: Msg | ServiceMsg;
  #headers: BusHeaders | undefined;

  constructor(message: Msg | ServiceMsg) {
    this.#message = message;
  }

  get subject(): string {
    return this.#message.subject;
  }

  get data(): Uint8Array {
    return this.#message.data;
  }

  get reply(): string | undefined {
    return this.#message.reply || undefined;
  }

  /** @throws NexusError `malformed`, `too-large`: a message whose headers cannot be read is not understood */
  get headers(): BusHeaders {
    const bytes = this.#headers === undefined ? headerBytesOf(this.#message) : undefined;
    this.#headers ??= bytes === undefined ? noHeaders : parseHeaders(bytes);
    return this.#headers;
  }
}

export function toNatsHeaders(headers: BusHeaders): MsgHdrs | undefined {
  let encoded: MsgHdrs | undefined;
  for (const name of Object.keys(headers)) {
    encoded ??= createHeaders();
    encoded.append(name, checkedHeader(name, headers[name] ?? ""));
  }
  return encoded;
}

/** Not the library's own getter, which takes time quadratic in the names, and throws in the reading of the connection. */
function headerBytesOf(message: Msg | ServiceMsg): Uint8Array | undefined {
  const { _msg, _rdata } = ("msg" in message ? message.msg : message) as RawMessage;
  return _msg.hdr > 0 ? _rdata.subarray(0, _msg.hdr) : undefined;
}
