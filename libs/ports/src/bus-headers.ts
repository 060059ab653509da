import { NexusError } from "@nexus/contracts";
import type { BusHeaders } from "./bus.ts";

/** What a message without headers has; one object, so that none is made per message. */
export const noHeaders: BusHeaders = Object.freeze(Object.create(null) as Record<string, string>);

/**
 * The header that tells of a message from the server itself, as the NATS clients name it. `503`, without data: nobody
 * listens on the subject to which a message was published whose `reply` this subscription listens on.
 */
export const STATUS_HEADER = "Status";

const namePattern = /^[!-9;-~]+$/;

/** For adapters of the bus: header as it will arrive, without surrounding white space. @throws NexusError `invalid-field` */
export function checkedHeader(name: string, value: string): string {
  if (!namePattern.test(name) || /[\r\n]/.test(value)) {
    const shown = JSON.stringify(name.slice(0, 80));
    throw new NexusError("invalid-field", `header ${shown}: names are printable ASCII without colon, values have no line break`, {
      field: "headers",
    });
  }
  return value.trim();
}
