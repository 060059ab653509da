import { CheckError } from "../errors.ts";
import type { Stack } from "../stack.ts";
import { waitFor } from "../waiting.ts";
import { AGENTS } from "./coordination.ts";

const ARRIVAL_MS_MAX = 60_000;
const QUERY_MS_MAX = 5_000;

/** A span as `GET /api/v3/traces/<id>` tells it: OTLP in JSON. */
export interface Span {
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
}

/** What a trace lacks of being one connected tree from the client to every handler; empty: nothing. Pure. */
export function disconnections(spans: readonly Span[]): string[] {
  const ids = new Set(spans.map(({ spanId }) => spanId));
  const isRoot = ({ parentSpanId }: Span) => parentSpanId === undefined || parentSpanId === "";
  const roots = spans.filter(isRoot).map(({ name }) => name);
  const orphans = spans.filter((span) => !isRoot(span) && !ids.has(span.parentSpanId ?? ""));
  const handlers = spans.filter(({ name }) => name === "process stats").length;
  const faults: string[] = [];
  if (roots.join() !== "publish nexus.coordinate.gather") faults.push(`roots: ${roots.join(", ") || "none"}`);
  if (!spans.some(({ name }) => name === "process nexus.coordinate.gather")) faults.push("no span of a router");
  if (handlers !== AGENTS) faults.push(`${handlers} of ${AGENTS} spans of handlers`);
  if (orphans.length > 0) faults.push(`orphans: ${orphans.map(({ name }) => name).join(", ")}`);
  return faults;
}

/** @returns its spans @throws CheckError when it does not arrive whole in time */
export async function traceIsConnected(stack: Stack, traceId: string | undefined, signal: AbortSignal): Promise<readonly Span[]> {
  if (traceId === undefined) throw new CheckError("the result names no trace");
  let faults = ["nothing has arrived"];
  return waitFor(
    async () => {
      const spans = await spansOf(`${stack.jaegerUrl}/api/v3/traces/${traceId}`, signal);
      if (spans.length > 0) faults = disconnections(spans);
      return faults.length === 0 ? spans : undefined;
    },
    { deadlineMs: ARRIVAL_MS_MAX, signal, describe: () => `trace ${traceId}: ${faults.join("; ")}` },
  );
}

interface TracesData {
  readonly result?: {
    readonly resourceSpans?: readonly { readonly scopeSpans?: readonly { readonly spans?: readonly Span[] }[] }[];
  };
}

async function spansOf(url: string, signal: AbortSignal): Promise<Span[]> {
  const response = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(QUERY_MS_MAX)]) }).catch(
    () => undefined,
  );
  if (response?.status !== 200) return [];
  const { result } = (await response.json()) as TracesData;
  return (result?.resourceSpans ?? []).flatMap(({ scopeSpans = [] }) => scopeSpans.flatMap(({ spans = [] }) => spans));
}
