import { errorFromIssues, NexusError, type Trace, tracesAnswerSchema, withoutCredentials } from "@nexus/contracts";
import { httpGet } from "../http-get.ts";

/** Reads traces from whatever serves Jaeger's query API: the console, or Jaeger. */

const ANSWER_WITHIN_MS = 5_000;
const ANSWER_BYTES_MAX = 64 * 1_048_576;
/** Where requests are seen first; a search needs a service. */
const ROUTER_SERVICE = "nexus-router";

/** @returns undefined where it is not there (yet) @throws NexusError `disconnected`, `malformed` */
export async function traceById(base: string, traceId: string): Promise<Trace | undefined> {
  const answer = await read(base, `/api/traces/${traceId}`);
  return answer?.[0];
}

/** The trace of a request, by the attribute that the router gives its span. */
export async function traceByRequest(base: string, requestId: string, attribute: string): Promise<Trace | undefined> {
  const query = new URLSearchParams({ service: ROUTER_SERVICE, tags: JSON.stringify({ [attribute]: requestId }), limit: "1" });
  const answer = await read(base, `/api/traces?${query}`);
  return answer?.[0];
}

async function read(base: string, path: string): Promise<readonly Trace[] | undefined> {
  const shown = withoutCredentials(base);
  let text: string;
  try {
    const response = await httpGet(`${base.replace(/\/+$/, "")}${path}`, ANSWER_WITHIN_MS);
    if (response.status === 404) return undefined;
    text = await bounded(response);
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
  } catch (error) {
    throw new NexusError("disconnected", `no traces at ${shown}: ${reasonOf(error)}; name a console or Jaeger by --traces-url`, {
      cause: error,
    });
  }
  const parsed = tracesAnswerSchema.safeParse(jsonOr(text));
  if (!parsed.success) {
    const { message } = errorFromIssues(parsed.error.issues, "the answer");
    throw new NexusError("malformed", `${shown} does not answer as Jaeger's API does (${message}); correct --traces-url`);
  }
  return parsed.data.data?.filter(({ spans }) => spans.length > 0);
}

async function bounded(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > ANSWER_BYTES_MAX) throw new Error(`an answer of more than ${ANSWER_BYTES_MAX} bytes`);
  }
  return text;
}

function jsonOr(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** `fetch` hides what happened behind "fetch failed". */
function reasonOf(error: unknown): string {
  const { cause, message } = error as Error & { cause?: NodeJS.ErrnoException };
  return cause?.code ?? cause?.message ?? message;
}
