import { errorOf } from "@nexus/contracts";
import {
  assertLiteralSubject,
  assertSubjectPattern,
  type Bus,
  type BusHandler,
  type BusMessage,
  type BusStatus,
  type BusSubscription,
  type Logger,
  type PublishOptions,
  type RequestOptions,
  type ServiceDefinition,
  type ServiceHandle,
  type SubscribeOptions,
} from "@nexus/ports";
import { createInbox, DebugEvents, Events, type MsgHdrs, type NatsConnection, type Status } from "nats";
import { cancelled, disconnected, publishRefused, toBusError } from "./errors.ts";
import { NatsMessage, toNatsHeaders } from "./messages.ts";
import { Requests } from "./requests.ts";
import { startService } from "./service.ts";

/**
 * The bus over one NATS connection.
 *
 * Invariants beside the port's
 * N1. No exception of a handler reaches the library: it would end the reading of the connection.
 * N2. Whether the connection stands is known from the library's status events, not asked per message.
 */
export class NatsBus implements Bus {
  readonly #nc: NatsConnection;
  readonly #inboxPrefix: string | undefined;
  readonly #logger: Logger;
  readonly #requests: Requests;
  readonly #statusListeners = new Set<(status: BusStatus) => void>();
  readonly #errorListeners = new Set<(error: Error) => void>();
  #connected = true;
  #closed = false;
  #drained: Promise<void> | undefined;
  #maxPayloadBytes: number;
  #server: string;

  constructor(nc: NatsConnection, inboxPrefix: string | undefined, logger: Logger) {
    this.#nc = nc;
    this.#inboxPrefix = inboxPrefix;
    this.#logger = logger;
    this.#requests = new Requests(nc, inboxPrefix);
    this.#maxPayloadBytes = nc.info?.max_payload ?? 0;
    this.#server = nc.getServer();
    void this.#follow();
  }

  get maxPayloadBytes(): number {
    return this.#maxPayloadBytes;
  }

  get connected(): boolean {
    return this.#connected;
  }

  get server(): string {
    return this.#server;
  }

  publish(subject: string, data: Uint8Array, options?: PublishOptions): void {
    if (!this.#connected) throw disconnected(); // B1: the library would drop it silently
    assertLiteralSubject(subject);
    try {
      if (options === undefined) this.#nc.publish(subject, data);
      else this.#nc.publish(subject, data, natsOptions(options));
    } catch (error) {
      throw toBusError(error, subject);
    }
  }

  async request(subject: string, data: Uint8Array, options: RequestOptions): Promise<BusMessage> {
    if (options.signal?.aborted) throw cancelled(subject);
    if (!this.#connected) throw disconnected();
    assertLiteralSubject(subject);
    return this.#requests.send(subject, data, options);
  }

  subscribe(subject: string, handler: BusHandler, options?: SubscribeOptions): BusSubscription {
    assertSubjectPattern(subject);
    if (options?.queue !== undefined) assertLiteralSubject(options.queue);
    const queue = options?.queue;
    try {
      const subscription = this.#nc.subscribe(subject, {
        callback: (error, message) => {
          if (error !== null) this.#fail(toBusError(error, subject));
          else this.#handle(handler, new NatsMessage(message));
        },
        ...(queue === undefined ? {} : { queue }),
      });
      return {
        subject,
        unsubscribe: () => {
          if (!subscription.isClosed()) subscription.unsubscribe();
        },
      };
    } catch (error) {
      throw toBusError(error, subject);
    }
  }

  async serve(service: ServiceDefinition): Promise<ServiceHandle> {
    if (!this.#connected) throw disconnected();
    const onError = (error: Error): void => this.#fail(error);
    const handle = await startService(this.#nc, service, onError, () => this.#closed || this.#nc.isDraining());
    await this.flush();
    return handle;
  }

  newInbox(): string {
    if (this.#closed) throw disconnected();
    return createInbox(this.#inboxPrefix);
  }

  async flush(): Promise<void> {
    if (!this.#connected) throw disconnected();
    try {
      await this.#nc.flush();
    } catch (error) {
      throw toBusError(error, "flush");
    }
  }

  onStatus(listener: (status: BusStatus) => void): () => void {
    this.#statusListeners.add(listener);
    return () => void this.#statusListeners.delete(listener);
  }

  onError(listener: (error: Error) => void): () => void {
    this.#errorListeners.add(listener);
    return () => void this.#errorListeners.delete(listener);
  }

  drain(): Promise<void> {
    this.#drained ??= this.#drain();
    return this.#drained;
  }

  async close(): Promise<void> {
    this.#end();
    if (!this.#nc.isClosed()) await this.#nc.close();
  }

  async #drain(): Promise<void> {
    // Without a server nothing can be delivered or published any more.
    if (!this.#connected) return this.close();
    try {
      await this.#nc.drain();
    } catch (error) {
      throw toBusError(error, "drain");
    } finally {
      await this.close(); // the library leaves the connection open when its last flush fails
    }
  }

  #handle(handler: BusHandler, message: BusMessage): void {
    try {
      const result = handler(message);
      if (result instanceof Promise) result.catch((error: unknown) => this.#fail(errorOf(error)));
    } catch (error) {
      this.#fail(errorOf(error)); // N1, B2
    }
  }

  async #follow(): Promise<void> {
    void this.#nc.closed().then((error) => {
      if (error instanceof Error) this.#fail(toBusError(error, "the connection"));
      this.#end();
    });
    for await (const status of this.#nc.status()) {
      if (status.type === Events.Disconnect) this.#change(false, "disconnected");
      else if (status.type === DebugEvents.Reconnecting) this.#change(false, "reconnecting");
      else if (status.type === Events.Reconnect) this.#onReconnect();
      else if (status.type === Events.Error) this.#onServerError(status);
    }
  }

  /** A refused subscription is told by its own callback. */
  #onServerError({ data, permissionContext }: Status): void {
    const error = new Error(`NATS server: ${String(data)}`);
    if (permissionContext === undefined) return this.#fail(error);
    const { operation, subject } = permissionContext;
    if (operation !== "publish") return;
    const refused = publishRefused(subject, error);
    this.#requests.refused(subject, refused);
    this.#fail(refused);
  }

  #onReconnect(): void {
    this.#maxPayloadBytes = this.#nc.info?.max_payload ?? this.#maxPayloadBytes;
    this.#server = this.#nc.getServer();
    this.#change(true, "connected");
  }

  #end(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#requests.close();
    this.#change(false, "closed");
  }

  #change(connected: boolean, status: BusStatus): void {
    if (this.#closed && status !== "closed") return;
    this.#connected = connected;
    this.#logger.info({ server: this.#server, status }, "NATS connection");
    for (const listener of this.#statusListeners) this.#guard(() => listener(status));
  }

  #fail(error: Error): void {
    this.#logger.error({ err: error }, "NATS reported an error, or a handler failed");
    for (const listener of this.#errorListeners) this.#guard(() => listener(error));
  }

  /** A listener's own failure goes to the log alone; told to `onError` it could come back here for ever. */
  #guard(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#logger.error({ err: error }, "a listener of the bus failed");
    }
  }
}

function natsOptions(options: PublishOptions): { reply?: string; headers?: MsgHdrs } {
  const encoded: { reply?: string; headers?: MsgHdrs } = {};
  if (options.reply !== undefined) {
    assertLiteralSubject(options.reply);
    encoded.reply = options.reply;
  }
  const headers = options.headers === undefined ? undefined : toNatsHeaders(options.headers);
  if (headers !== undefined) encoded.headers = headers;
  return encoded;
}
