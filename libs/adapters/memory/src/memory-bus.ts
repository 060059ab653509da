import { NexusError } from "@nexus/contracts";
import type {
  Bus,
  BusHandler,
  BusMessage,
  BusStatus,
  BusSubscription,
  PublishOptions,
  RequestOptions,
  SubscribeOptions,
} from "@nexus/ports";
import { subjectMatches } from "./subject-match.ts";

/**
 * A bus within the process, with NATS's semantics, for tests and for running without a server. Delivery is always in a
 * later microtask, in the order of publication, as from a server.
 */
export interface MemoryBroker {
  connect(options?: { readonly maxPayloadBytes?: number }): MemoryBus;
}

export interface MemoryBus extends Bus {
  /** Cuts the connection: publishing throws, nothing arrives. */
  disconnect(): void;
  reconnect(): void;
}

interface Subscriber {
  readonly subject: string;
  readonly queue: string | undefined;
  readonly deliver: (message: BusMessage) => void;
  readonly isOpen: () => boolean;
}

/** @param random uniform in [0, 1); picks the member of a queue group */
export function createMemoryBroker(random: () => number = Math.random): MemoryBroker {
  const subscribers = new Set<Subscriber>();
  let connections = 0;
  const route = (message: BusMessage): boolean => {
    const groups = new Map<string, Subscriber[]>();
    let delivered = false;
    for (const subscriber of subscribers) {
      if (!subscriber.isOpen() || !subjectMatches(subscriber.subject, message.subject)) continue;
      delivered = true;
      if (subscriber.queue === undefined) subscriber.deliver(message);
      else {
        const key = `${subscriber.subject} ${subscriber.queue}`;
        groups.set(key, [...(groups.get(key) ?? []), subscriber]);
      }
    }
    for (const members of groups.values()) members[Math.floor(random() * members.length)]?.deliver(message);
    return delivered;
  };
  return { connect: (options) => new InProcessBus(subscribers, route, ++connections, options?.maxPayloadBytes ?? 1_048_576) };
}

class InProcessBus implements MemoryBus {
  readonly server = "memory";
  readonly maxPayloadBytes: number;
  readonly #subscribers: Set<Subscriber>;
  readonly #route: (message: BusMessage) => boolean;
  readonly #own = new Set<Subscriber>();
  readonly #number: number;
  readonly #statusListeners = new Set<(status: BusStatus) => void>();
  readonly #errorListeners = new Set<(error: Error) => void>();
  readonly #handling = new Set<Promise<void>>();
  #status: BusStatus = "connected";
  #inboxes = 0;
  #deliveries = Promise.resolve();

  constructor(subscribers: Set<Subscriber>, route: (message: BusMessage) => boolean, number: number, maxPayloadBytes: number) {
    this.#subscribers = subscribers;
    this.#route = route;
    this.#number = number;
    this.maxPayloadBytes = maxPayloadBytes;
  }

  get connected(): boolean {
    return this.#status === "connected";
  }

  publish(subject: string, data: Uint8Array, options: PublishOptions = {}): void {
    this.#mustBeConnected();
    this.#mustFit(data);
    this.#route({ subject, data: data.slice(), headers: { ...options.headers }, reply: options.reply });
  }

  request(subject: string, data: Uint8Array, options: RequestOptions): Promise<BusMessage> {
    this.#mustBeConnected();
    this.#mustFit(data);
    return new Promise((resolve, reject) => {
      const inbox = this.newInbox();
      const finish = (settle: () => void) => {
        clearTimeout(timer);
        options.signal?.removeEventListener("abort", abort);
        subscription.unsubscribe();
        settle();
      };
      const subscription = this.subscribe(inbox, (message) => finish(() => resolve(message)));
      const timer = setTimeout(
        () =>
          finish(() =>
            reject(new NexusError("timeout", `no answer on ${subject} within ${options.timeoutMs} ms`, { executed: "unknown" })),
          ),
        options.timeoutMs,
      );
      const abort = () =>
        finish(() => reject(new NexusError("cancelled", `the request on ${subject} was given up`, { executed: "unknown" })));
      options.signal?.addEventListener("abort", abort, { once: true });
      const heard = this.#route({ subject, data: data.slice(), headers: { ...options.headers }, reply: inbox });
      if (!heard) finish(() => reject(new NexusError("no-responders", `nobody listens on ${subject}`)));
    });
  }

  subscribe(subject: string, handler: BusHandler, options: SubscribeOptions = {}): BusSubscription {
    this.#mustBeOpen();
    const subscriber: Subscriber = {
      subject,
      queue: options.queue,
      isOpen: () => this.connected,
      deliver: (message) => {
        this.#deliveries = this.#deliveries.then(() => {
          if (this.#own.has(subscriber)) this.#handle(handler, message);
        });
      },
    };
    this.#subscribers.add(subscriber);
    this.#own.add(subscriber);
    return {
      subject,
      unsubscribe: () => {
        this.#subscribers.delete(subscriber);
        this.#own.delete(subscriber);
      },
    };
  }

  newInbox(): string {
    return `_INBOX.memory${this.#number}.${++this.#inboxes}`;
  }

  async flush(): Promise<void> {
    this.#mustBeConnected();
    await this.#deliveries;
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
    if (this.#status === "closed") return;
    for (const subscriber of this.#own) this.#subscribers.delete(subscriber);
    await this.#deliveries;
    await Promise.all(this.#handling);
    await this.close();
  }

  async close(): Promise<void> {
    for (const subscriber of this.#own) this.#subscribers.delete(subscriber);
    this.#own.clear();
    if (this.#status !== "closed") this.#setStatus("closed");
  }

  disconnect(): void {
    this.#setStatus("disconnected");
  }

  reconnect(): void {
    this.#setStatus("connected");
  }

  #handle(handler: BusHandler, message: BusMessage): void {
    try {
      const handled = handler(message);
      if (handled === undefined) return;
      const guarded: Promise<void> = handled
        .catch((error: unknown) => this.#fail(error))
        .finally(() => this.#handling.delete(guarded));
      this.#handling.add(guarded);
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(thrown: unknown): void {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    for (const listener of this.#errorListeners) listener(error);
  }

  #setStatus(status: BusStatus): void {
    this.#status = status;
    for (const listener of this.#statusListeners) listener(status);
  }

  #mustBeOpen(): void {
    if (this.#status === "closed") throw new NexusError("disconnected", "the bus is closed");
  }

  #mustBeConnected(): void {
    if (!this.connected) throw new NexusError("disconnected", `the bus is ${this.#status}`);
  }

  #mustFit(data: Uint8Array): void {
    if (data.byteLength > this.maxPayloadBytes) {
      throw new NexusError("too-large", `${data.byteLength} bytes; one message carries at most ${this.maxPayloadBytes}`);
    }
  }
}
