import type { ServiceDefinition, ServiceHandle } from "./service.ts";

/**
 * Publish/subscribe as Nexus needs it: NATS's semantics, at most once, in order per publisher and subscription.
 *
 * Invariants (every adapter passes the conformance suite)
 * B1. `publish` never blocks. While the bus is disconnected, or the data exceeds `maxPayloadBytes`, it throws
 *     (`disconnected`, `too-large`): a message that silently goes nowhere would look like a slow agent.
 * B2. A handler that throws loses its own message alone; the error goes to `onError`, the subscription lives.
 * B3. `flush` resolves when the server has processed everything that was published and subscribed before it.
 * B4. `drain` delivers what was already received, publishes what is pending, then closes. Afterwards everything
 *     throws `disconnected`.
 * B5. `request` without any subscriber fails at once with `no-responders`, not after its timeout.
 */
export interface Bus {
  /** Largest message in bytes, headers included; read from the server. */
  readonly maxPayloadBytes: number;
  readonly connected: boolean;
  /** Name or address of the server that the bus is connected to, for logs. */
  readonly server: string;
  publish(subject: string, data: Uint8Array, options?: PublishOptions): void;
  /** @throws NexusError `timeout`, `no-responders`, `disconnected`, `too-large`, `cancelled` */
  request(subject: string, data: Uint8Array, options: RequestOptions): Promise<BusMessage>;
  subscribe(subject: string, handler: BusHandler, options?: SubscribeOptions): BusSubscription;
  /** Registers a service with the NATS services framework (`$SRV.PING|INFO|STATS`), so that `nats micro` shows it. */
  serve(service: ServiceDefinition): Promise<ServiceHandle>;
  /** A new inbox subject that only this connection subscribes to. */
  newInbox(): string;
  flush(): Promise<void>;
  /** Told of every change of the connection; the returned function ends that. */
  onStatus(listener: (status: BusStatus) => void): () => void;
  /** Told of handler failures and asynchronous server errors (permission violations, slow consumers). */
  onError(listener: (error: Error) => void): () => void;
  drain(): Promise<void>;
  /** Closes at once; what is pending is lost. */
  close(): Promise<void>;
}

export type BusStatus = "connected" | "disconnected" | "reconnecting" | "closed";

/** Header names are case-sensitive, as in NATS; one value each. */
export type BusHeaders = Readonly<Record<string, string>>;

export interface PublishOptions {
  readonly reply?: string;
  readonly headers?: BusHeaders;
}

export interface RequestOptions {
  readonly timeoutMs: number;
  readonly headers?: BusHeaders;
  readonly signal?: AbortSignal;
}

export interface SubscribeOptions {
  /** Members of a queue group share the messages. */
  readonly queue?: string;
}

export interface BusMessage {
  readonly subject: string;
  readonly data: Uint8Array;
  /** Empty where the message has none. */
  readonly headers: BusHeaders;
  readonly reply: string | undefined;
}

export type BusHandler = (message: BusMessage) => void | Promise<void>;

export interface BusSubscription {
  readonly subject: string;
  unsubscribe(): void;
}
