// @ts-check
/**
 * The spans of the latest traces. Pure.
 *
 * Invariants
 *  P1 Neither traces nor spans of a trace grow beyond their bounds: the oldest trace goes, further spans are counted.
 *
 * @typedef {import("./otlp-spans.mjs").SpanRecord} SpanRecord
 */

export class SpanStore {
  /** @type {Map<string, SpanRecord[]>} */
  #traces = new Map();
  #tracesMax;
  #spansMax;
  /** Spans beyond the bound of their trace. */
  dropped = 0;

  /** @param {{tracesMax: number, spansMax: number}} bounds  `spansMax` for each trace */
  constructor({ tracesMax, spansMax }) {
    this.#tracesMax = tracesMax;
    this.#spansMax = spansMax;
  }

  /** @param {SpanRecord} span */
  add(span) {
    let spans = this.#traces.get(span.traceId);
    if (spans === undefined) {
      spans = [];
      this.#traces.set(span.traceId, spans);
      if (this.#traces.size > this.#tracesMax) this.#traces.delete(this.#traces.keys().next().value ?? ""); // P1
    }
    if (spans.length < this.#spansMax) spans.push(span);
    else this.dropped += 1; // P1
  }

  /**
   * @param {string} traceId
   * @returns {object | undefined} as Jaeger's `GET /api/v3/traces/<id>` answers: OTLP in JSON
   */
  trace(traceId) {
    const spans = this.#traces.get(traceId);
    if (spans === undefined) return undefined;
    const services = [...new Set(spans.map((span) => span.service))];
    const resourceSpans = services.map((service) => ({
      resource: { attributes: [{ key: "service.name", value: { stringValue: service } }] },
      scopeSpans: [
        {
          spans: spans
            .filter((span) => span.service === service)
            .map(({ service: _, parentSpanId, ...span }) => ({ ...span, ...(parentSpanId === "" ? {} : { parentSpanId }) })),
        },
      ],
    }));
    return { result: { resourceSpans } };
  }
}
