import {
  codecOfHeaders,
  decode,
  errorBodySchema,
  fromErrorBody,
  isJsonObject,
  type JsonValue,
  parseFrame,
} from "@nexus/contracts";
import type { BusMessage } from "@nexus/ports";

type FrameSchema = Parameters<typeof parseFrame>[0];

/**
 * Decodes what a router answered, and checks it.
 * @throws NexusError what the router refused with, or why the answer is not understood
 */
export function readAnswer<T extends FrameSchema>(
  message: BusMessage,
  schema: T,
  what: string,
): ReturnType<typeof parseFrame<T>> {
  const value = decode(message.data, codecOfHeaders(message.headers));
  const refusal = refusalIn(value);
  if (refusal !== undefined) throw fromErrorBody(parseFrame(errorBodySchema, refusal, `${what}: its error`));
  return parseFrame(schema, value, what);
}

/** The error of a refusal. A result may carry an error too, but it also tells of agents. */
function refusalIn(value: JsonValue): JsonValue | undefined {
  if (!isJsonObject(value)) return undefined;
  return Object.hasOwn(value, "agents") || Object.hasOwn(value, "router") ? undefined : value["error"];
}
