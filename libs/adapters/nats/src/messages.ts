import { type BusHeaders, type BusMessage, noHeaders } from "@nexus/ports";
import type { Msg, MsgHdrs, ServiceMsg } from "nats";
import { encodeHeaders, parseHeaders } from "./header-bytes.ts";

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

/** @throws NexusError `invalid-field` */
export function toNatsHeaders(headers: BusHeaders): MsgHdrs | undefined {
  const bytes = encodeHeaders(headers);
  if (bytes === undefined) return undefined;
  // All that the library asks of headers that it publishes; its own class checks them anew, name by name.
  return { encode: () => bytes } as unknown as MsgHdrs;
}

/** Not the library's own getter, which takes time quadratic in the names, and throws in the reading of the connection. */
function headerBytesOf(message: Msg | ServiceMsg): Uint8Array | undefined {
  const { _msg, _rdata } = ("msg" in message ? message.msg : message) as RawMessage;
  return _msg.hdr > 0 ? _rdata.subarray(0, _msg.hdr) : undefined;
}
