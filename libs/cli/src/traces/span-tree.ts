import type { Trace, TraceSpan } from "@nexus/contracts";

/** A span with its children, in the order of their beginning. */
export interface SpanNode {
  readonly span: TraceSpan;
  readonly service: string;
  readonly children: readonly SpanNode[];
}

export interface SpanTree {
  readonly roots: readonly SpanNode[];
  /** Roots whose parent is named and not there: it was not recorded, or has not arrived. */
  readonly orphans: number;
  readonly startUs: number;
  readonly endUs: number;
}

const DEPTH_MAX = 64;

/** Every span is in the tree once, also where parents name each other in a circle or nest without end. */
export function spanTree(trace: Trace): SpanTree {
  const spans = [...trace.spans].sort((a, b) => a.startTime - b.startTime);
  const known = new Set(spans.map(({ spanID }) => spanID));
  const byParent = Map.groupBy(spans, parentOf);
  const placed = new Set<string>();
  const nodeOf = (span: TraceSpan, depth: number): SpanNode => {
    placed.add(span.spanID);
    const waiting = depth >= DEPTH_MAX ? [] : (byParent.get(span.spanID) ?? []).filter(({ spanID }) => !placed.has(spanID));
    const service = trace.processes[span.processID]?.serviceName ?? span.processID;
    return { span, service, children: waiting.map((child) => nodeOf(child, depth + 1)) };
  };
  const isOrphan = (span: TraceSpan) => parentOf(span) !== undefined && !known.has(parentOf(span) ?? "");
  const tops = spans.filter((span) => parentOf(span) === undefined || isOrphan(span));
  const roots = tops.map((span) => nodeOf(span, 0));
  // In circles, and beyond the depth.
  for (const span of spans) if (!placed.has(span.spanID)) roots.push(nodeOf(span, 0));
  return {
    roots,
    orphans: tops.filter(isOrphan).length,
    startUs: spans.reduce((least, { startTime }) => Math.min(least, startTime), Number.POSITIVE_INFINITY),
    endUs: spans.reduce((most, { startTime, duration }) => Math.max(most, startTime + duration), 0),
  };
}

function parentOf(span: TraceSpan): string | undefined {
  return span.references.find(({ refType, traceID }) => refType === "CHILD_OF" && traceID === span.traceID)?.spanID;
}
