import { errorFromIssues, NexusError, type Trace, type TraceServicesAnswer, type TracesAnswer } from "@nexus/contracts";
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { jaegerTrace } from "../jaeger-trace.ts";
import type { StoredTrace, TraceStore } from "../trace-store.ts";

/** Jaeger's query API over the traces that are kept, as far as `nexus` and a page need it. */

const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 1_000;
/** Spans of one answer; further traces are counted in `total` and not sent. */
const ANSWER_SPANS_MAX = 20_000;

const micros = z.coerce.number().int().min(0).optional();
const tagsSchema = z.record(z.string(), z.string());
const querySchema = z.object({
  service: z.string().min(1, "name a service; /api/services lists them"),
  operation: z.string().min(1).optional(),
  tags: z
    .string()
    .transform((text, context) => {
      const parsed = tagsSchema.safeParse(jsonOrNothing(text));
      if (parsed.success) return parsed.data;
      context.addIssue({ code: "custom", message: 'must be a JSON object of texts, such as {"nexus.request.id":"01J…"}' });
      return z.NEVER;
    })
    .optional(),
  limit: z.coerce.number().int().min(1).max(LIMIT_MAX).default(LIMIT_DEFAULT),
  start: micros,
  end: micros,
});

export function queryTraces(app: FastifyInstance, store: TraceStore): void {
  app.get("/api/services", async (): Promise<TraceServicesAnswer> => {
    const data = store.services();
    return { data, total: data.length, limit: 0, offset: 0, errors: null };
  });

  app.get<{ Params: { id: string } }>("/api/traces/:id", async (request): Promise<TracesAnswer> => {
    const id = request.params.id.toLowerCase();
    if (!/^[0-9a-f]{1,32}$/.test(id)) throw new NexusError("invalid-field", "a trace id has up to 32 hexadecimal digits");
    const trace = store.get(id.padStart(32, "0"));
    if (trace === undefined) throw new NexusError("not-found", "trace not found");
    return { data: [jaegerTrace(trace)], total: 0, limit: 0, offset: 0, errors: null };
  });

  app.get("/api/traces", async (request): Promise<TracesAnswer> => {
    const parsed = querySchema.safeParse(request.query);
    if (!parsed.success) throw errorFromIssues(parsed.error.issues, "the query");
    const { service, operation, tags, limit, start, end } = parsed.data;
    const found = store.find({ service, operation, tags: tags ?? {}, startUsMin: start, startUsMax: end });
    return { ...page(found, limit), limit, offset: 0, errors: null };
  });
}

function page(found: Iterable<StoredTrace>, limit: number): { data: Trace[]; total: number } {
  const data: Trace[] = [];
  let total = 0;
  let spans = 0;
  for (const trace of found) {
    if (++total > limit) return { data, total: limit };
    spans += trace.spans.size;
    if (spans <= ANSWER_SPANS_MAX || data.length === 0) data.push(jaegerTrace(trace));
  }
  return { data, total };
}

function jsonOrNothing(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
