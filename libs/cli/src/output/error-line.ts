import { messageOf, NexusError } from "@nexus/contracts";
import { printableLine } from "./printable.ts";

/** `error <code>: <message>`, with the field where one is at fault. One line, whatever the message holds. */
export function errorLine(error: unknown): string {
  const code = error instanceof NexusError ? error.code : "internal";
  const message = messageOf(error);
  const field = error instanceof NexusError && error.field !== undefined ? ` (field: ${error.field})` : "";
  return `${printableLine(`error ${code}: ${message}${field}`)}\n`;
}
