import { type BusHeaders, type BusMessage, checkedHeader, noHeaders, STATUS_HEADER } from "@nexus/ports";
import { headers as createHeaders, type Msg, type MsgHdrs } from "nats";

/** The library's message behind the port's face; everything is decoded when it is read, as most readers need half of it. */
export class NatsMessage implements BusMessage {
  readonly #message: Msg;
  #headers: BusHeaders | undefined;

  constructor(message: Msg) {
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

  get headers(): BusHeaders {
    this.#headers ??= fromNatsHeaders(this.#message.headers);
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

/** Without a prototype, so that no header's name is special. Of a repeated header, the first value. */
function fromNatsHeaders(encoded: MsgHdrs | undefined): BusHeaders {
  if (encoded === undefined) return noHeaders;
  const headers: Record<string, string> = Object.create(null);
  for (const [name, values] of encoded) headers[name] = values[0] ?? "";
  if (encoded.code > 0) headers[STATUS_HEADER] = String(encoded.code);
  return headers;
}
