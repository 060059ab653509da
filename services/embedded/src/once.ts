import { readFileSync } from "node:fs";
import { connectNats } from "@nexus/adapter-nats";
import {
  acceptedSchema,
  createSubjects,
  decode,
  encode,
  fromErrorBody,
  goalTypeSchema,
  type JsonValue,
  NexusError,
  parseRequest,
  refusalSchema,
  resultSchema,
} from "@nexus/contracts";
import type { Telemetry } from "@nexus/ports";

export interface OnceEnd {
  /** The result, whole, for stdout. */
  readonly result: JsonValue;
  /** 0: the goal holds; 1: it does not. */
  readonly exitCode: 0 | 1;
}

/**
 * Reads and validates a request before anything is started.
 * @throws NexusError naming the field that is wrong
 */
export function readRequest(path: string): { body: JsonValue; type: ReturnType<typeof goalTypeSchema.parse>; timeoutMs: number } {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path === "-" ? 0 : path);
  } catch (error) {
    throw new NexusError("not-found", `cannot read ${path}: ${(error as Error).message}`, { field: "once", cause: error });
  }
  const body = decode(bytes);
  const goal = body !== null && typeof body === "object" && !Array.isArray(body) ? body["goal"] : undefined;
  const named = goal !== null && typeof goal === "object" && !Array.isArray(goal) ? goal["type"] : undefined;
  const type = goalTypeSchema.safeParse(named);
  if (!type.success) {
    throw new NexusError("invalid-field", `goal.type must be one of ${goalTypeSchema.options.join(", ")}`, {
      field: "goal.type",
    });
  }
  const request = parseRequest(body, type.data);
  return { body, type: type.data, timeoutMs: request.timeoutMs ?? 5_000 };
}

/** Sends the request as any NATS client would. */
export async function runOnce(
  url: string,
  prefix: string,
  request: ReturnType<typeof readRequest>,
  telemetry: Telemetry,
): Promise<OnceEnd> {
  const span = telemetry.startSpan("clientCoordinate", { kind: "client", fill: { type: request.type } });
  const bus = await connectNats({ servers: url, name: "nexus-once" });
  try {
    const subject = createSubjects(prefix).coordinate(request.type);
    const headers: Record<string, string> = {};
    telemetry.inject(span.context, headers);
    const reply = await bus.request(subject, encode(request.body), { timeoutMs: request.timeoutMs + 2_000, headers });
    const answer = decode(reply.data);
    const result = resultSchema.safeParse(answer);
    if (result.success) {
      const { status, error } = result.data;
      return { result: answer, exitCode: status === "completed" || (status === "partial" && error === undefined) ? 0 : 1 };
    }
    if (acceptedSchema.safeParse(answer).success) return { result: answer, exitCode: 0 };
    const refusal = refusalSchema.safeParse(answer);
    if (refusal.success) throw fromErrorBody(refusal.data.error);
    throw new NexusError("internal", "the router's answer is not understood");
  } finally {
    span.end();
    await bus.close();
  }
}
