import type { Span, TraceContext } from "@nexus/ports";

/**
 * A trace that is passed on and recorded by nobody, as most are where few are sampled. It costs next to nothing: all its
 * spans are this one object, so the receiver gets the ids of the span that it began with, and the flag that says not to record.
 */
export class UnrecordedTrace implements TraceContext, Span {
  readonly traceId: string;
  readonly #spanId: string;
  /** As it came in its header. */
  readonly #traceState: string | undefined;

  /** @param traceId 32, @param spanId 16 hexadecimal digits, neither all zero */
  constructor(traceId: string, spanId: string, traceState: string | undefined) {
    this.traceId = traceId;
    this.#spanId = spanId;
    this.#traceState = traceState;
  }

  get context(): TraceContext {
    return this;
  }

  set(): void {}

  event(): void {}

  end(): void {}

  /** https://www.w3.org/TR/trace-context/#traceparent-header */
  inject(headers: Record<string, string>): void {
    headers["traceparent"] = `00-${this.traceId}-${this.#spanId}-00`;
    if (this.#traceState !== undefined) headers["tracestate"] = this.#traceState;
  }
}
