import { connect, type Socket } from "node:net";

/**
 * A NATS client of bare bytes: what it is told to send goes out as it is, since a library would refuse most of what this
 * suite has to send.
 */

export interface Outgoing {
  readonly subject: string;
  readonly reply?: string;
  /** The whole header block, with its first line and its empty last one. */
  readonly header?: string | Uint8Array;
  readonly data?: Uint8Array;
}

export interface Incoming {
  readonly subject: string;
  readonly reply: string | undefined;
  readonly header: string;
  readonly data: Buffer;
}

type Handler = (message: Incoming) => void;

const ANSWER_WITHIN_MS = 10_000;
const options = { verbose: false, pedantic: false, headers: true, no_responders: true, lang: "bytes" };

export class Wire {
  /** What the server complained of. */
  readonly errors: string[] = [];
  readonly #socket: Socket;
  readonly #handlers = new Map<number, Handler>();
  readonly #pongs: (() => void)[] = [];
  readonly #answers = new Map<string, Handler>();
  readonly #inbox: string;
  #buffer: Buffer = Buffer.alloc(0);
  #sid = 0;
  #asked = 0;
  #closed = false;
  #listens = false;

  private constructor(socket: Socket, inbox: string) {
    this.#socket = socket;
    this.#inbox = inbox;
    socket.on("data", (chunk) => this.#read(chunk));
    socket.on("error", () => {});
    socket.on("close", () => {
      this.#closed = true;
    });
  }

  /** @param name a token that no other connection to this server has */
  static async connect(
    port: number,
    name: string,
    credentials: { readonly user?: string; readonly pass?: string } = {},
  ): Promise<Wire> {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    const wire = new Wire(socket, `_INBOX.${name}`);
    await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
    socket.write(`CONNECT ${JSON.stringify({ ...options, ...credentials })}\r\n`);
    await wire.sync();
    return wire;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Any bytes, outside the protocol too. */
  write(bytes: string | Uint8Array): void {
    this.#socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes);
  }

  publish({ subject, reply, header, data = new Uint8Array() }: Outgoing): void {
    const to = reply === undefined ? subject : `${subject} ${reply}`;
    const block = typeof header === "string" ? Buffer.from(header) : header;
    const line = block === undefined ? `PUB ${to} ${data.length}` : `HPUB ${to} ${block.length} ${block.length + data.length}`;
    this.write(Buffer.concat([`${line}\r\n`, block ?? "", data, "\r\n"].map((part) => Buffer.from(part))));
  }

  /** @returns what ends it */
  subscribe(subject: string, handler: Handler): () => void {
    const sid = ++this.#sid;
    this.#handlers.set(sid, handler);
    this.write(`SUB ${subject} ${sid}\r\n`);
    return () => {
      this.#handlers.delete(sid);
      this.write(`UNSUB ${sid}\r\n`);
    };
  }

  newInbox(): string {
    return `${this.#inbox}.${++this.#asked}`;
  }

  /** Publishes with an inbox of its own as reply subject. */
  request(message: Omit<Outgoing, "reply">, withinMs = ANSWER_WITHIN_MS): Promise<Incoming> {
    const reply = this.newInbox();
    this.#listen();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#answers.delete(reply);
        reject(new Error(`no answer on ${message.subject.slice(0, 80)} within ${withinMs} ms`));
      }, withinMs);
      this.#answers.set(reply, (answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
      this.publish({ ...message, reply });
    });
  }

  /** Resolves when the server has dealt with everything that was written before. */
  sync(): Promise<void> {
    return new Promise((resolve) => {
      this.#pongs.push(resolve);
      this.write("PING\r\n");
    });
  }

  /** Once; a user who may not subscribe to its inbox can still publish. */
  #listen(): void {
    if (this.#listens) return;
    this.#listens = true;
    this.subscribe(`${this.#inbox}.*`, (message) => {
      const take = this.#answers.get(message.subject);
      this.#answers.delete(message.subject);
      take?.(message);
    });
  }

  /** A reader that is slow: nothing is read until it is resumed. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk]);
    let at = 0;
    for (let end = this.#buffer.indexOf("\r\n", at); end !== -1; end = this.#buffer.indexOf("\r\n", at)) {
      const [verb = "", ...words] = this.#buffer.toString("latin1", at, end).split(" ");
      if (verb === "MSG" || verb === "HMSG") {
        const next = this.#message(verb === "HMSG", words, end + 2);
        if (next === undefined) break;
        at = next;
        continue;
      }
      at = end + 2;
      if (verb === "PING") this.write("PONG\r\n");
      else if (verb === "PONG") this.#pongs.shift()?.();
      else if (verb === "-ERR") this.errors.push(words.join(" "));
    }
    this.#buffer = this.#buffer.subarray(at);
  }

  /** @returns where the next line begins; undefined where the message is not here as a whole */
  #message(hasHeader: boolean, words: readonly string[], from: number): number | undefined {
    const sizes = hasHeader ? words.slice(-2) : ["0", ...words.slice(-1)];
    const [headerBytes = 0, bytes = 0] = sizes.map(Number);
    if (this.#buffer.length < from + bytes + 2) return undefined;
    const [subject = "", sid, reply] = words.slice(0, words.length - (hasHeader ? 2 : 1));
    const header = this.#buffer.toString("utf8", from, from + headerBytes);
    const data = Buffer.from(this.#buffer.subarray(from + headerBytes, from + bytes));
    this.#handlers.get(Number(sid))?.({ subject, reply, header, data });
    return from + bytes + 2;
  }
}

/** A header block of these lines. */
export function headerBlock(...lines: readonly string[]): string {
  return `NATS/1.0\r\n${lines.map((line) => `${line}\r\n`).join("")}\r\n`;
}
