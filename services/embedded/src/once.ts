import { readFileSync } from "node:fs";
import { connectNats } from "@nexus/adapter-nats";
import { createIds, systemClock } from "@nexus/adapter-node";
import { createClient } from "@nexus/client";
import {
  type CoordinationRequest,
  type CoordinationResult,
  decode,
  goalTypeSchema,
  isJsonObject,
  NexusError,
  parseRequest,
} from "@nexus/contracts";
import type { Logger, Telemetry } from "@nexus/ports";

/**
 * Reads and validates a request before anything is started. @param path `-` is stdin
 * @throws NexusError naming the field that is wrong
 */
export function readRequest(path: string): CoordinationRequest {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path === "-" ? 0 : path);
  } catch (error) {
    throw new NexusError("not-found", `cannot read ${path}: ${(error as Error).message}`, { field: "once", cause: error });
  }
  const body = decode(bytes);
  const goal = isJsonObject(body) ? body["goal"] : undefined;
  const named = isJsonObject(goal) ? goal["type"] : undefined;
  const type = goalTypeSchema.safeParse(named);
  if (!type.success) {
    throw new NexusError("invalid-field", `goal.type must be one of ${goalTypeSchema.options.join(", ")}`, {
      field: "goal.type",
    });
  }
  return parseRequest(body, type.data);
}

/** Sends the request as any client would, and waits for its end, in `accept` mode too: what runs it ends with it. */
export async function runOnce(
  url: string,
  prefix: string,
  request: CoordinationRequest,
  observers: { readonly telemetry: Telemetry; readonly logger: Logger },
): Promise<CoordinationResult> {
  const bus = await connectNats({ servers: url, name: "nexus-once", logger: observers.logger });
  try {
    const client = createClient({ prefix }, { bus, clock: systemClock, ids: createIds(), ...observers });
    if (request.mode !== "accept") return await client.coordinate(request);
    const accepted = await client.accept(request);
    accepted.events.close();
    return await accepted.result();
  } finally {
    await bus.close();
  }
}
