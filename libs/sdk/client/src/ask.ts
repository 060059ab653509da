import { encode, type RequestGet, type RequestReport, requestReportSchema, type Subjects } from "@nexus/contracts";
import type { Bus, Clock } from "@nexus/ports";
import { readAnswer } from "./answers.ts";
import { isTransportFault, patiently, requestWatched } from "./patience.ts";
import type { GetOptions } from "./types.ts";

export interface Line {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly subjects: Subjects;
  readonly retries: number;
}

/** A router may ask another one first. */
const ANSWER_MS = 5_000;

/** Questions that may be repeated without harm, answered by any router. */
export async function ask<T extends Parameters<typeof readAnswer>[1]>(
  line: Line,
  subject: string,
  body: unknown,
  schema: T,
  options: { readonly signal?: AbortSignal | undefined; readonly waitMs?: number } = {},
): Promise<ReturnType<typeof readAnswer<T>>> {
  const { bus, clock } = line;
  const timeoutMs = (options.waitMs ?? 0) + ANSWER_MS;
  const attempt = async () => {
    const request = { timeoutMs, ...(options.signal === undefined ? {} : { signal: options.signal }) };
    return readAnswer(await requestWatched(bus, subject, encode(body), request), schema, `the answer on ${subject}`);
  };
  const untilMs = clock.monotonicMs() + timeoutMs;
  return patiently(attempt, { retries: line.retries, untilMs, signal: options.signal, mayRetry: isTransportFault }, clock);
}

export async function getReport(line: Line, id: string, options: GetOptions = {}): Promise<RequestReport> {
  const { signal, ...get } = options;
  const body: RequestGet = get;
  return ask(line, line.subjects.requestGet(id), body, requestReportSchema, {
    signal,
    ...(get.waitMs === undefined ? {} : { waitMs: get.waitMs }),
  });
}
