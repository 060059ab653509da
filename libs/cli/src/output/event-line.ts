import type { RequestEvent } from "@nexus/contracts";
import { printableLine } from "./printable.ts";
import { milliseconds } from "./style.ts";

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
  return `${printableLine(parts.filter((part) => part !== undefined).join("  "))}\n`;
}
