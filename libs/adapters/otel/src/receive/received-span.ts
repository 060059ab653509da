/** A span as a receiver keeps it, whichever encoding it came in. Times are microseconds since 1970. */
export interface ReceivedSpan {
  /** 32 and 16 lower-case hexadecimal digits. */
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly name: string;
  readonly kind: ReceivedKind;
  readonly startUs: number;
  readonly durationUs: number;
  readonly attributes: readonly ReceivedAttribute[];
  readonly events: readonly ReceivedEvent[];
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly status: "unset" | "ok" | "error";
  readonly statusMessage: string;
  /** Shared by all spans that one process sent together. */
  readonly resource: ReceivedResource;
  readonly scope: string;
  /** Attributes, events and links above the bounds, which are not kept. */
  readonly cut: number;
}

export const receivedKinds = ["unspecified", "internal", "server", "client", "producer", "consumer"] as const;
export type ReceivedKind = (typeof receivedKinds)[number];

export interface ReceivedAttribute {
  readonly key: string;
  readonly value: string | number | boolean;
}

export interface ReceivedEvent {
  readonly atUs: number;
  readonly name: string;
  readonly attributes: readonly ReceivedAttribute[];
}

export interface ReceivedResource {
  readonly service: string;
  readonly attributes: readonly ReceivedAttribute[];
}

/** What one export request held. */
export interface ReceivedTraces {
  readonly spans: readonly ReceivedSpan[];
  /** Spans that were not understood, or were above the bounds. */
  readonly rejected: number;
  /** Why, for the first of them. */
  readonly reason: string | undefined;
}

/** Bounds of what is read; a sender that goes beyond them is told how much was not taken. */
export const receiveLimits = {
  spansMax: 10_000,
  /** Encoded bytes of one span: what it decodes to is many times larger. */
  spanBytesMax: 131_072,
  attributesMax: 128,
  eventsMax: 128,
  linksMax: 128,
  textCharsMax: 4_096,
  valueDepthMax: 8,
} as const;
