import { NexusError } from "@nexus/contracts";
import type {
  Bus,
  BusHandler,
  BusHeaders,
  BusMessage,
  BusStatus,
  BusSubscription,
  PublishOptions,
  RequestOptions,
  SubscribeOptions,
} from "@nexus/ports";
import {
  createInbox,
  ErrorCode,
  Events,
  type Msg,
  type MsgHdrs,
  type NatsConnection,
  NatsError,
  headers as newHeaders,
} from "nats";

/**
 * The bus over one NATS connection.
 *
 * `publish` of nats.js neither throws nor confirms while it is disconnected (it buffers, and the buffer may be lost), so
 * the connection's state is watched and publishing refused meanwhile (B1 of the port).
 */
export class NatsBus implements Bus {
  readonly #connection: NatsConnection;
  readonly #statusListeners = new Set<(status: BusStatus) => void>();
  readonly #errorListeners = new Set<(error: Error) => void>();
  #status: BusStatus = "connected";

  constructor(connection: NatsConnection) {
    this.#connection = connection;
    this.#watch();
  }

  get maxPayloadBytes(): number {
    return this.#connection.info?.max_payload ?? 1_048_576;
  }

  get connected(): boolean {
    return this.#status === "connected";
  }

  get server(): string {
    return this.#connection.getServer();
  }

  publish(subject: string, data: Uint8Array, options?: PublishOptions): void {
    this.#mustCarry(data);
    try {
      this.#connection.publish(subject, data, natsOptions(options));
    } catch (error) {
      throw asNexusError(error, subject);
    }
  }

  async request(subject: string, data: Uint8Array, options: RequestOptions): Promise<BusMessage> {
    this.#mustCarry(data);
    const { headers } = natsOptions(options) ?? {};
    const pending = this.#connection.request(subject, data, {
      timeout: options.timeoutMs,
      ...(headers === undefined ? {} : { headers }),
    });
    try {
      return new NatsMessage(await givenUp(pending, options.signal, subject));
    } catch (error) {
      throw asNexusError(error, subject);
    }
  }

  subscribe(subject: string, handler: BusHandler, options?: SubscribeOptions): BusSubscription {
    if (this.#status === "closed") throw closed();
    const subscription = this.#connection.subscribe(subject, {
      ...(options?.queue === undefined ? {} : { queue: options.queue }),
      callback: (error, message) => {
        if (error !== null) this.#fail(error);
        else this.#handle(handler, message);
      },
    });
    return { subject, unsubscribe: () => subscription.unsubscribe() };
  }

  newInbox(): string {
    return createInbox();
  }

  async flush(): Promise<void> {
    if (!this.connected) throw disconnected(this.#status);
    await this.#connection.flush();
  }

  onStatus(listener: (status: BusStatus) => void): () => void {
    this.#statusListeners.add(listener);
    return () => this.#statusListeners.delete(listener);
  }

  onError(listener: (error: Error) => void): () => void {
    this.#errorListeners.add(listener);
    return () => this.#errorListeners.delete(listener);
  }

  async drain(): Promise<void> {
    if (this.#connection.isClosed()) return;
    // A server that is away cannot confirm a drain, and nothing that is pending can be sent.
    if (this.connected) await this.#connection.drain();
    else await this.#connection.close();
    this.#setStatus("closed");
  }

  async close(): Promise<void> {
    await this.#connection.close();
    this.#setStatus("closed");
  }

  #handle(handler: BusHandler, message: Msg): void {
    try {
      const handled = handler(new NatsMessage(message));
      if (handled !== undefined) handled.catch((error: unknown) => this.#fail(error));
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(thrown: unknown): void {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    for (const listener of this.#errorListeners) listener(error);
  }

  #watch(): void {
    const follow = async () => {
      for await (const { type, data } of this.#connection.status()) {
        if (type === Events.Disconnect) this.#setStatus("disconnected");
        else if (type === Events.Reconnect) this.#setStatus("connected");
        else if (type === Events.Error) this.#fail(new Error(`NATS: ${String(data)}`));
        else if (type === "reconnecting") this.#setStatus("reconnecting");
      }
    };
    follow().catch((error: unknown) => this.#fail(error));
    this.#connection.closed().then(
      (error) => {
        if (error !== undefined) this.#fail(error);
        this.#setStatus("closed");
      },
      (error: unknown) => this.#fail(error),
    );
  }

  #setStatus(status: BusStatus): void {
    if (this.#status === status || this.#status === "closed") return;
    this.#status = status;
    for (const listener of this.#statusListeners) listener(status);
  }

  #mustCarry(data: Uint8Array): void {
    if (!this.connected) throw disconnected(this.#status);
    if (data.byteLength > this.maxPayloadBytes) {
      throw new NexusError("too-large", `${data.byteLength} bytes; one message carries at most ${this.maxPayloadBytes}`);
    }
  }
}

const noHeaders: BusHeaders = Object.freeze({});

/** Headers are converted when they are read: most messages have none, and most readers want one of them. */
class NatsMessage implements BusMessage {
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
    return this.#message.reply === "" ? undefined : this.#message.reply;
  }

  get headers(): BusHeaders {
    this.#headers ??= this.#message.headers === undefined ? noHeaders : plainHeaders(this.#message.headers);
    return this.#headers;
  }
}

function plainHeaders(headers: MsgHdrs): BusHeaders {
  const plain: Record<string, string> = Object.create(null);
  for (const key of headers.keys()) plain[key] = headers.get(key);
  return plain;
}

function natsOptions(
  options: { readonly reply?: string; readonly headers?: BusHeaders } | undefined,
): { reply?: string; headers?: MsgHdrs } | undefined {
  if (options === undefined) return undefined;
  const entries = Object.entries(options.headers ?? {});
  const headers = entries.length === 0 ? undefined : newHeaders();
  for (const [key, value] of entries) headers?.set(key, value);
  return { ...(options.reply === undefined ? {} : { reply: options.reply }), ...(headers === undefined ? {} : { headers }) };
}

function givenUp<T>(pending: Promise<T>, signal: AbortSignal | undefined, subject: string): Promise<T> {
  if (signal === undefined) return pending;
  return new Promise((resolve, reject) => {
    const abort = () => reject(new NexusError("cancelled", `the request on ${subject} was given up`, { executed: "unknown" }));
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    pending.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

function asNexusError(error: unknown, subject: string): NexusError {
  if (error instanceof NexusError) return error;
  const code = error instanceof NatsError ? error.code : undefined;
  if (code === ErrorCode.Timeout)
    return new NexusError("timeout", `no answer on ${subject} in time`, { executed: "unknown", cause: error });
  if (code === ErrorCode.NoResponders) return new NexusError("no-responders", `nobody listens on ${subject}`, { cause: error });
  if (code === ErrorCode.MaxPayloadExceeded)
    return new NexusError("too-large", "the message with its headers is above the server's max_payload", { cause: error });
  if (code === ErrorCode.ConnectionClosed || code === ErrorCode.ConnectionDraining || code === ErrorCode.Disconnect) {
    return new NexusError("disconnected", `NATS: ${(error as Error).message}`, { cause: error });
  }
  return new NexusError("internal", `NATS: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
}

function disconnected(status: BusStatus): NexusError {
  return status === "closed"
    ? closed()
    : new NexusError("disconnected", `NATS is ${status}; it is tried again in the background`, { retryAfterMs: 500 });
}

function closed(): NexusError {
  return new NexusError("disconnected", "the NATS connection is closed");
}
