import { CONTENT_TYPE_HEADER, type ErrorCode, encode, type GoalType, type limits } from "@nexus/contracts";
import { headerBlock, type Outgoing } from "./wire.ts";

/** What the tables say of a case; the runners prove it. */

/** The router under the prefix `nexus`; random in other processes, and told here so that a table can name its subject. */
export const ROUTER_ID = "router-nexus";

/** A message to a router, as the tables write it. */
export interface Sent {
  /** Default `gather`: the goal's subject. */
  readonly type?: GoalType;
  /** Instead of a goal's subject. */
  readonly subject?: string;
  /** Bytes and texts go as they are, anything else is encoded. */
  readonly body?: unknown;
  readonly codec?: "json" | "msgpack";
  /** Instead of the header that the codec needs. */
  readonly header?: string | Uint8Array;
  /** Instead of an inbox. */
  readonly reply?: string;
}

/** A request that must be refused, and its nearest legal variant, which must be carried out. */
export interface RefusedCase {
  readonly name: string;
  readonly send: Sent;
  readonly code: ErrorCode;
  /** Absent: the error names no field. */
  readonly field?: string;
  readonly control: Sent;
  /** Requests before, which must be carried out. */
  readonly before?: readonly Sent[];
  /** What the control ends with, where it is not `completed`. */
  readonly ends?: "partial" | "accepted" | "not-implemented" | "report" | "ready";
  readonly limit?: keyof typeof limits;
}

/** A request that looks hostile, is legal, and must do exactly what its plain variant does. */
export interface HarmlessCase {
  readonly name: string;
  readonly send: Sent;
  readonly before?: readonly Sent[];
  /** Of the result, as `toMatchObject` reads it. */
  readonly result: object;
  /** Calls of handlers that it causes. */
  readonly runs: number;
}

export function outgoingOf(sent: Sent): Outgoing {
  const { type = "gather", subject = `nexus.coordinate.${type}`, body, codec = "json", reply } = sent;
  const header = sent.header ?? (codec === "json" ? undefined : headerBlock(`${CONTENT_TYPE_HEADER}: application/msgpack`));
  return {
    subject,
    data: bytesOf(body, codec),
    ...(header === undefined ? {} : { header }),
    ...(reply === undefined ? {} : { reply }),
  };
}

function bytesOf(body: unknown, codec: "json" | "msgpack"): Uint8Array {
  if (body instanceof Uint8Array) return body;
  if (typeof body === "string") return Buffer.from(body);
  return body === undefined ? new Uint8Array() : encode(body, codec);
}

/** A legal gather, with some of its members replaced. */
export function gather(goal: object = {}, more: object = {}): object {
  return { goal: { operation: "number", ...goal }, agents: { ids: ["a0"] }, ...more };
}

/** A text as JSON, with a place in it replaced by other text, for what no encoder writes. */
export function jsonWith(body: object, placeholder: string, text: string): string {
  return JSON.stringify(body).replace(JSON.stringify(placeholder), text);
}

export function ulid(end: string): string {
  return `01ARZ3NDEKTSV4RRFFQ69G5FAV`.slice(0, 26 - end.length) + end;
}
