import { z } from "zod";

/**
 * Traces over HTTP, in the JSON of Jaeger's query API: what the console serves, and what readers of either understand.
 * Times are whole microseconds, since 1970 or of duration. https://www.jaegertracing.io/docs/latest/apis/
 */

const id = z.string().max(32);
const micros = z.number();

export const traceTagSchema = z.object({
  key: z.string(),
  type: z.string().optional(),
  value: z.union([z.string(), z.number(), z.boolean()]),
});
export type TraceTag = z.infer<typeof traceTagSchema>;

export const traceSpanSchema = z.object({
  traceID: id,
  spanID: id,
  operationName: z.string(),
  references: z.array(z.object({ refType: z.enum(["CHILD_OF", "FOLLOWS_FROM"]), traceID: id, spanID: id })),
  startTime: micros,
  duration: micros,
  tags: z.array(traceTagSchema),
  logs: z.array(z.object({ timestamp: micros, fields: z.array(traceTagSchema) })),
  processID: z.string(),
  warnings: z.array(z.string()).nullish(),
});
export type TraceSpan = z.infer<typeof traceSpanSchema>;

export const traceSchema = z.object({
  traceID: id,
  spans: z.array(traceSpanSchema),
  processes: z.record(z.string(), z.object({ serviceName: z.string(), tags: z.array(traceTagSchema).nullish() })),
  warnings: z.array(z.string()).nullish(),
});
export type Trace = z.infer<typeof traceSchema>;

const errorsSchema = z.array(z.object({ code: z.number(), msg: z.string() })).nullish();
const counts = { total: z.number().optional(), limit: z.number().optional(), offset: z.number().optional() };

/** `GET /api/traces/<id>` and `GET /api/traces?service=…`. */
export const tracesAnswerSchema = z.object({ data: z.array(traceSchema).nullable(), ...counts, errors: errorsSchema });
export type TracesAnswer = z.infer<typeof tracesAnswerSchema>;

/** `GET /api/services`. */
export const traceServicesAnswerSchema = z.object({ data: z.array(z.string()).nullable(), ...counts, errors: errorsSchema });
export type TraceServicesAnswer = z.infer<typeof traceServicesAnswerSchema>;
