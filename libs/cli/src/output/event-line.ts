import type { RequestEvent } from "@nexus/contracts";
import { milliseconds, printable } from "./style.ts";

/** One event of a request, for people who watch. */
export function eventLine(event: RequestEvent): string {
  const parts = [
    milliseconds(event.atMs).padStart(9),
    event.event,
    event.agent,
    event.index === undefined ? undefined : `#${event.index}`,
    event.fraction === undefined ? undefined : `${Math.round(event.fraction * 100)} %`,
    event.status,
    event.responded === undefined ? undefined : `${event.responded}/${event.targeted ?? "?"} answered`,
    event.message,
  ];
  return `${printable(parts.filter((part) => part !== undefined).join("  ")).replaceAll("\n", " ")}\n`;
}
