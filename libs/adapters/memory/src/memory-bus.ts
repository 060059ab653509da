import { errorOf, NexusError } from "@nexus/contracts";
import {
  assertLiteralSubject,
  assertSubjectPattern,
  type Bus,
  type BusHandler,
  type BusHeaders,
  type BusMessage,
  type BusStatus,
  type BusSubscription,
  checkedHeader,
  type Logger,
  noHeaders,
  type PublishOptions,
  type RequestOptions,
  type ServiceDefinition,
  type ServiceHandle,
  STATUS_HEADER,
  type SubscribeOptions,
  type Timer,
} from "@nexus/ports";
import type { BrokerCore, Entry } from "./broker.ts";
import { startService } from "./service.ts";

interface Pending {
  readonly resolve: (message: BusMessage) => void;
  readonly reject: (error: NexusError) => void;
}

export interface MemoryBusOptions {
  readonly name: string;
  readonly pendingMax: number;
  readonly logger: Logger;
}

/** One connection to a memory broker. Members without a doc of the `Bus` port are the broker's. */
export class MemoryBus implements Bus {
  readonly maxPayloadBytes: number;
  readonly server = "memory";
  readonly name: string;
  readonly pendingMax: number;
  readonly entries = new Set<Entry>();
  pendingCount = 0;
  /** Rises with every disconnection, so that what was under way before it is not delivered after it. */
  epoch = 0;
  readonly #core: BrokerCore;
  readonly #logger: Logger;
  readonly #inboxPrefix: string;
  readonly #requests = new Map<string, Pending>();
  readonly #statusListeners = new Set<(status: BusStatus) => void>();
  readonly #errorListeners = new Set<(error: Error) => void>();
  #requestInbox: string | undefined;
  #status: BusStatus = "connected";
  #draining = false;

  constructor(core: BrokerCore, options: MemoryBusOptions) {
    this.#core = core;
    this.#logger = options.logger;
    this.name = options.name;
    this.pendingMax = options.pendingMax;
    this.maxPayloadBytes = core.maxPayloadBytes;
    this.#inboxPrefix = `_INBOX.m${core.nextNumber()}`;
  }

  get connected(): boolean {
    return this.#status === "connected";
  }

  publish(subject: string, data: Uint8Array, options?: PublishOptions): void {
    this.#assertConnected();
    assertLiteralSubject(subject);
    if (options?.reply !== undefined) assertLiteralSubject(options.reply);
    const headers = checkedHeaders(options?.headers);
    const sizeBytes = data.byteLength + headerBytes(headers);
    if (sizeBytes > this.maxPayloadBytes) {
      throw new NexusError(
        "too-large",
        `message of ${sizeBytes} bytes on ${subject}; the bus carries at most ${this.maxPayloadBytes}`,
      );
    }
    // Copied, as the caller may use its buffer again.
    this.#core.publish(this, { subject, data: new Uint8Array(data), headers, reply: options?.reply });
  }

  request(subject: string, data: Uint8Array, options: RequestOptions): Promise<BusMessage> {
    return new Promise((resolve, reject) => {
      if (options.signal?.aborted) throw cancelled(subject);
      this.#assertConnected();
      const token = String(this.#core.nextNumber());
      let timer: Timer | undefined;
      const onAbort = (): void => pending.reject(cancelled(subject));
      const end = (): void => {
        timer?.cancel();
        this.#requests.delete(token);
        options.signal?.removeEventListener("abort", onAbort);
      };
      const pending: Pending = {
        resolve: (message) => {
          end();
          if (message.data.length > 0 || message.headers[STATUS_HEADER] !== "503") return resolve(message);
          reject(new NexusError("no-responders", `nobody listens on ${subject}`));
        },
        reject: (error) => {
          end();
          reject(error);
        },
      };
      const reply = `${this.#startRequestInbox()}.${token}`;
      this.publish(subject, data, { ...options, reply });
      this.#requests.set(token, pending);
      options.signal?.addEventListener("abort", onAbort);
      const onTimeout = (): void =>
        pending.reject(
          new NexusError("timeout", `no answer on ${subject} within ${options.timeoutMs} ms`, { executed: "unknown" }),
        );
      timer = this.#core.clock.schedule(options.timeoutMs, onTimeout);
    });
  }

  subscribe(subject: string, handler: BusHandler, options?: SubscribeOptions): BusSubscription {
    this.#assertOpen();
    if (this.#draining) throw closedError();
    assertSubjectPattern(subject);
    if (options?.queue !== undefined) assertLiteralSubject(options.queue);
    const entry: Entry = { bus: this, subject, queue: options?.queue, handler, active: true };
    this.entries.add(entry);
    if (this.connected) this.#core.attach(entry);
    return { subject, unsubscribe: () => this.#end(entry) };
  }

  async serve(service: ServiceDefinition): Promise<ServiceHandle> {
    this.#assertConnected();
    const id = `${this.#inboxPrefix.slice("_INBOX.".length)}S${this.#core.nextNumber()}`;
    const handle = startService(this, service, { id, clock: this.#core.clock, onError: (error) => this.fail(error) });
    await this.flush();
    return handle;
  }

  newInbox(): string {
    this.#assertOpen();
    return `${this.#inboxPrefix}.${this.#core.nextNumber()}`;
  }

  async flush(): Promise<void> {
    this.#assertConnected();
    await new Promise<void>((resolve) => this.#core.afterPending(resolve));
  }

  onStatus(listener: (status: BusStatus) => void): () => void {
    this.#statusListeners.add(listener);
    return () => void this.#statusListeners.delete(listener);
  }

  onError(listener: (error: Error) => void): () => void {
    this.#errorListeners.add(listener);
    return () => void this.#errorListeners.delete(listener);
  }

  async drain(): Promise<void> {
    if (this.#status === "closed") return;
    this.#draining = true;
    for (const entry of this.entries) this.#core.detach(entry);
    await new Promise<void>((resolve) => this.#core.afterPending(resolve));
    await this.close();
  }

  async close(): Promise<void> {
    if (this.#status === "closed") return;
    for (const entry of this.entries) this.#end(entry);
    this.#setStatus("closed");
    for (const pending of [...this.#requests.values()]) pending.reject(closedError());
  }

  handle(entry: Entry, message: BusMessage): void {
    try {
      const result = entry.handler(message);
      if (result instanceof Promise) result.catch((error: unknown) => this.fail(errorOf(error)));
    } catch (error) {
      this.fail(errorOf(error)); // B2
    }
  }

  fail(error: Error): void {
    if (this.#errorListeners.size === 0) this.#logger.error({ err: error, bus: this.name }, "bus error that nobody listens to");
    for (const listener of this.#errorListeners) listener(error);
  }

  lose(): void {
    if (!this.connected) return;
    this.epoch++;
    for (const entry of this.entries) this.#core.detach(entry);
    this.#setStatus("disconnected");
  }

  regain(): void {
    if (this.#status !== "disconnected") return;
    for (const entry of this.entries) this.#core.attach(entry);
    this.#setStatus("connected");
  }

  #startRequestInbox(): string {
    if (this.#requestInbox === undefined) {
      const inbox = this.newInbox();
      const onAnswer = (message: BusMessage): void =>
        this.#requests.get(message.subject.slice(inbox.length + 1))?.resolve(message);
      this.subscribe(`${inbox}.*`, onAnswer);
      this.#requestInbox = inbox;
    }
    return this.#requestInbox;
  }

  #end(entry: Entry): void {
    entry.active = false;
    this.entries.delete(entry);
    this.#core.detach(entry);
  }

  #setStatus(status: BusStatus): void {
    this.#status = status;
    for (const listener of this.#statusListeners) listener(status);
  }

  #assertOpen(): void {
    if (this.#status === "closed") throw closedError();
  }

  #assertConnected(): void {
    this.#assertOpen();
    if (!this.connected) throw new NexusError("disconnected", "the bus is not connected; try again when it is");
  }
}

function checkedHeaders(headers: BusHeaders | undefined): BusHeaders {
  if (headers === undefined) return noHeaders;
  const checked: Record<string, string> = Object.create(null);
  let count = 0;
  for (const name of Object.keys(headers)) {
    checked[name] = checkedHeader(name, headers[name] ?? "");
    count++;
  }
  return count === 0 ? noHeaders : Object.freeze(checked);
}

/** As NATS encodes them: a first line, `name: value` lines and an empty one. */
function headerBytes(headers: BusHeaders): number {
  if (headers === noHeaders) return 0;
  let sizeBytes = "NATS/1.0\r\n\r\n".length;
  for (const name of Object.keys(headers)) sizeBytes += name.length + 4 + Buffer.byteLength(headers[name] ?? "");
  return sizeBytes;
}

function cancelled(subject: string): NexusError {
  return new NexusError("cancelled", `the request on ${subject} was cancelled`, { executed: "unknown" });
}

function closedError(): NexusError {
  return new NexusError("disconnected", "the bus is closed or draining");
}
