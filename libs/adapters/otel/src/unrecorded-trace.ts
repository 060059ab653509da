import type { Span, TraceContext } from "@nexus/ports";

const TRACE_ID_AT = 3;
const SPAN_ID_AT = 36;

/** The form that everybody writes today, of a trace that is not recorded; no id is all zero. */
const unrecorded = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-00$/;

/**
 * A trace that is passed on and recorded by nobody, as most are where few are sampled. It costs next to nothing: all its
 * spans are this one object, so the receiver gets the ids of the span that it began with, and the flag that says not to record.
 */
export class UnrecordedTrace implements TraceContext, Span {
  /** https://www.w3.org/TR/trace-context/#traceparent-header */
  readonly #traceParent: string;
  /** As it came in its header. */
  readonly #traceState: string | undefined;

  private constructor(traceParent: string, traceState: string | undefined) {
    this.#traceParent = traceParent;
    this.#traceState = traceState;
  }

  /** @param traceId 32 hexadecimal digits @param spanId 16; neither all zero */
  static of(traceId: string, spanId: string, traceState?: string): UnrecordedTrace {
    return new UnrecordedTrace(`00-${traceId}-${spanId}-00`, traceState);
  }

  /** Undefined where the header says more than that it is not recorded, or is written in another way. */
  static read(traceParent: string, traceState: string | undefined): UnrecordedTrace | undefined {
    return unrecorded.test(traceParent) ? new UnrecordedTrace(traceParent, traceState) : undefined;
  }

  get traceId(): string {
    return this.#traceParent.slice(TRACE_ID_AT, SPAN_ID_AT - 1);
  }

  get context(): TraceContext {
    return this;
  }

  set(): void {}

  event(): void {}

  end(): void {}

  inject(headers: Record<string, string>): void {
    headers["traceparent"] = this.#traceParent;
    if (this.#traceState !== undefined) headers["tracestate"] = this.#traceState;
  }
}
