import type { ReceivedAttribute, ReceivedResource, ReceivedSpan } from "@nexus/adapter-otel/receive";

/**
 * The traces of late, in memory. Pure: time is an argument (milliseconds of a monotonic clock).
 *
 * Invariants
 * S1. At most `tracesMax` traces and `bytesMax` estimated bytes are kept, none longer than `retentionMs` after its first
 *     span. What is above goes out whole traces at a time, the oldest first, and is counted.
 * S2. A trace holds at most `spansPerTraceMax` spans and a quarter of the bytes; further spans are counted and said in it.
 * S3. A span that is sent again replaces itself.
 */
export interface TraceStoreOptions {
  readonly tracesMax: number;
  readonly spansPerTraceMax: number;
  readonly bytesMax: number;
  readonly retentionMs: number;
}

export interface StoredTrace {
  readonly traceId: string;
  readonly spans: ReadonlyMap<string, ReceivedSpan>;
  /** Spans of it that were not kept (S2). */
  readonly dropped: number;
}

export interface TraceQuery {
  readonly service: string;
  readonly operation: string | undefined;
  /** All must be on one span. */
  readonly tags: Readonly<Record<string, string>>;
  readonly startUsMin: number | undefined;
  readonly startUsMax: number | undefined;
}

export interface TraceStoreCounts {
  readonly traces: number;
  readonly spans: number;
  readonly bytes: number;
  readonly spansReceived: number;
  /** For want of room, which is what an operator can give more of. */
  readonly tracesEvicted: number;
  readonly spansDropped: number;
  /** By age. */
  readonly tracesExpired: number;
}

interface Entry extends StoredTrace {
  readonly spans: Map<string, ReceivedSpan>;
  /** What processes said of themselves, each counted once in the bytes; those of spans that were replaced among them. */
  readonly resources: Set<ReceivedResource>;
  readonly firstMs: number;
  bytes: number;
  dropped: number;
}

const SPAN_BYTES = 400;
const ITEM_BYTES = 80;

export class TraceStore {
  readonly #options: TraceStoreOptions;
  /** In the order of their first spans. */
  readonly #traces = new Map<string, Entry>();
  #spans = 0;
  #bytes = 0;
  #received = 0;
  #evicted = 0;
  #dropped = 0;
  #expired = 0;

  constructor(options: TraceStoreOptions) {
    this.#options = options;
  }

  /** @returns how many of the spans found no room in their trace */
  add(spans: readonly ReceivedSpan[], nowMs: number): number {
    this.expire(nowMs);
    const droppedBefore = this.#dropped;
    for (const span of spans) this.#add(span, nowMs);
    while (this.#traces.size > this.#options.tracesMax || this.#bytes > this.#options.bytesMax) {
      if (!this.#removeOldest()) break;
      this.#evicted++; // S1
    }
    return this.#dropped - droppedBefore;
  }

  get(traceId: string): StoredTrace | undefined {
    return this.#traces.get(traceId);
  }

  /** Newest first. O(spans kept). */
  *find(query: TraceQuery): Generator<StoredTrace> {
    for (const entry of [...this.#traces.values()].reverse()) {
      if ([...entry.spans.values()].some((span) => matches(span, query))) yield entry;
    }
  }

  services(): string[] {
    const names = new Set<string>();
    for (const { spans } of this.#traces.values()) for (const { resource } of spans.values()) names.add(resource.service);
    return [...names].sort();
  }

  counts(): TraceStoreCounts {
    return {
      traces: this.#traces.size,
      spans: this.#spans,
      bytes: this.#bytes,
      spansReceived: this.#received,
      tracesEvicted: this.#evicted,
      spansDropped: this.#dropped,
      tracesExpired: this.#expired,
    };
  }

  expire(nowMs: number): void {
    for (const entry of this.#traces.values()) {
      if (nowMs - entry.firstMs < this.#options.retentionMs) return;
      this.#remove(entry);
      this.#expired++;
    }
  }

  #add(span: ReceivedSpan, nowMs: number): void {
    this.#received++;
    const { spansPerTraceMax, bytesMax } = this.#options;
    let entry = this.#traces.get(span.traceId);
    if (entry === undefined) {
      entry = { traceId: span.traceId, spans: new Map(), resources: new Set(), firstMs: nowMs, bytes: 0, dropped: 0 };
      this.#traces.set(span.traceId, entry);
    }
    const old = entry.spans.get(span.spanId);
    const shared = entry.resources.has(span.resource) ? 0 : bytesOfResource(span.resource);
    const more = shared + bytesOf(span) - (old === undefined ? 0 : bytesOf(old)); // S3
    if ((old === undefined && entry.spans.size >= spansPerTraceMax) || entry.bytes + more > bytesMax / 4) {
      entry.dropped++; // S2
      this.#dropped++;
      return;
    }
    entry.spans.set(span.spanId, span);
    entry.resources.add(span.resource);
    entry.bytes += more;
    this.#bytes += more;
    if (old === undefined) this.#spans++;
  }

  #removeOldest(): boolean {
    const [oldest] = this.#traces.values();
    if (oldest !== undefined) this.#remove(oldest);
    return oldest !== undefined;
  }

  #remove(entry: Entry): void {
    this.#traces.delete(entry.traceId);
    this.#spans -= entry.spans.size;
    this.#bytes -= entry.bytes;
  }
}

function matches(span: ReceivedSpan, query: TraceQuery): boolean {
  if (span.resource.service !== query.service) return false;
  if (query.operation !== undefined && span.name !== query.operation) return false;
  if (query.startUsMin !== undefined && span.startUs < query.startUsMin) return false;
  if (query.startUsMax !== undefined && span.startUs > query.startUsMax) return false;
  return Object.entries(query.tags).every(([key, value]) =>
    span.attributes.some((attribute) => attribute.key === key && String(attribute.value) === value),
  );
}

/** Of what a span holds in memory, without its resource, which others share. */
function bytesOf(span: ReceivedSpan): number {
  let bytes = SPAN_BYTES + span.name.length + span.statusMessage.length + span.scope.length + span.links.length * ITEM_BYTES;
  bytes += bytesOfAttributes(span.attributes);
  for (const event of span.events) bytes += ITEM_BYTES + event.name.length + bytesOfAttributes(event.attributes);
  return bytes;
}

function bytesOfResource({ service, attributes }: ReceivedResource): number {
  return ITEM_BYTES + service.length + bytesOfAttributes(attributes);
}

function bytesOfAttributes(attributes: readonly ReceivedAttribute[]): number {
  return attributes.reduce(
    (sum, { key, value }) => sum + ITEM_BYTES + key.length + (typeof value === "string" ? value.length : 8),
    0,
  );
}
