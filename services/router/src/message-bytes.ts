import { limits } from "@nexus/contracts";
import type { Bus } from "@nexus/ports";

/** For what is around the content: fields of the answer, headers. */
const AROUND_BYTES = 4_096;

/** Bytes that the content of one answer may have: the server carries it, and the reader reads it. */
export function contentBytesMax(bus: Pick<Bus, "maxPayloadBytes">): number {
  return Math.min(bus.maxPayloadBytes, limits.frameBytesMax) - AROUND_BYTES;
}
