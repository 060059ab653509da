import type { ErrorBody } from "@nexus/contracts";
import type { BusHeaders, BusMessage } from "./bus.ts";

/** A service as the NATS services framework sees it (ADR 32 of nats-architecture-and-design). */
export interface ServiceDefinition {
  /** `^[A-Za-z0-9_-]+$` */
  readonly name: string;
  /** Semantic version. */
  readonly version: string;
  readonly description: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly endpoints: readonly ServiceEndpoint[];
  /**
   * Whether PING, INFO and STATS may be answered at this reply subject, which the asker chose; absent, at any. The
   * endpoints decide for themselves.
   */
  readonly answersAt?: (reply: string) => boolean;
}

export interface ServiceEndpoint {
  readonly name: string;
  readonly subject: string;
  /** Default `q`, the NATS services framework's own. */
  readonly queue?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  /** Resolves when the message is dealt with; the time until then is the endpoint's processing time in STATS. */
  readonly handler: (message: BusMessage) => ServiceAnswer | undefined | Promise<ServiceAnswer | undefined>;
}

/** What an endpoint answers to the message's reply subject. `undefined` from the handler answers nothing. */
export interface ServiceAnswer {
  readonly data: Uint8Array;
  readonly headers?: BusHeaders;
  /** Counted in STATS and told in `Nats-Service-Error` and `Nats-Service-Error-Code`. */
  readonly error?: ErrorBody;
}

export interface ServiceHandle {
  /** The instance's id, as PING tells it. */
  readonly id: string;
  stop(): Promise<void>;
}
