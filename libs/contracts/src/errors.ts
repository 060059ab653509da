import { z } from "zod";
import { limits } from "./limits.ts";

/**
 * Errors come in three families, and the family says what the caller should do:
 * - `rejected`: the caller's fault; the same request will be refused again. Correct it.
 * - `unavailable`: nothing wrong with the request; try again later, after `retryAfterMs` where it is given.
 * - `defect`: an invariant of ours broke; report it. A process that meets one inside crashes.
 */
export type ErrorFamily = "rejected" | "unavailable" | "defect";

interface CodeMeaning {
  readonly family: ErrorFamily;
  /** Whether the very same request may succeed later. */
  readonly retryable: boolean;
  /** The number in `Nats-Service-Error-Code`; HTTP's meanings, as NATS tools show them. */
  readonly natsCode: number;
}

/** Every error code of the wire. Codes are added, never renamed: callers branch on them. */
export const errorCodes = {
  malformed: { family: "rejected", retryable: false, natsCode: 400 },
  "invalid-field": { family: "rejected", retryable: false, natsCode: 400 },
  "unknown-field": { family: "rejected", retryable: false, natsCode: 400 },
  "too-large": { family: "rejected", retryable: false, natsCode: 413 },
  "too-deep": { family: "rejected", retryable: false, natsCode: 400 },
  "unsupported-content-type": { family: "rejected", retryable: false, natsCode: 415 },
  "unsupported-version": { family: "rejected", retryable: false, natsCode: 400 },
  "deadline-past": { family: "rejected", retryable: false, natsCode: 408 },
  "no-targets": { family: "rejected", retryable: false, natsCode: 404 },
  "id-reused": { family: "rejected", retryable: false, natsCode: 409 },
  "not-found": { family: "rejected", retryable: false, natsCode: 404 },
  "not-implemented": { family: "rejected", retryable: false, natsCode: 501 },
  "promise-not-kept": { family: "rejected", retryable: false, natsCode: 422 },
  "unknown-operation": { family: "rejected", retryable: false, natsCode: 404 },
  "handler-failed": { family: "rejected", retryable: false, natsCode: 500 },
  "other-boot": { family: "rejected", retryable: false, natsCode: 409 },
  cancelled: { family: "rejected", retryable: false, natsCode: 499 },
  expired: { family: "unavailable", retryable: true, natsCode: 408 },
  timeout: { family: "unavailable", retryable: true, natsCode: 408 },
  incomplete: { family: "unavailable", retryable: true, natsCode: 504 },
  "no-quorum": { family: "unavailable", retryable: true, natsCode: 503 },
  "no-responders": { family: "unavailable", retryable: true, natsCode: 503 },
  "no-answer": { family: "unavailable", retryable: true, natsCode: 504 },
  disconnected: { family: "unavailable", retryable: true, natsCode: 503 },
  overloaded: { family: "unavailable", retryable: true, natsCode: 429 },
  draining: { family: "unavailable", retryable: true, natsCode: 503 },
  "unknown-outcome": { family: "unavailable", retryable: false, natsCode: 504 },
  "store-unavailable": { family: "unavailable", retryable: true, natsCode: 503 },
  internal: { family: "defect", retryable: false, natsCode: 500 },
} as const satisfies Record<string, CodeMeaning>;

export type ErrorCode = keyof typeof errorCodes;

/** What was carried out at agents when the error or result was made. `unknown`: something was sent, nothing confirmed. */
export const executedSchema = z.enum(["none", "some", "all", "unknown"]);
export type Executed = z.infer<typeof executedSchema>;

/** The wire form of an error. Codes from newer peers pass: a reader treats an unknown one by `retryable`. */
export const errorBodySchema = z.object({
  code: z.string().min(1).max(64),
  message: z.string().max(limits.messageCharsMax),
  retryable: z.boolean(),
  executed: executedSchema,
  field: z.string().max(limits.fieldPathCharsMax).optional(),
  retryAfterMs: z.number().int().min(0).max(limits.timeoutMsMax).optional(),
});
export type ErrorBody = z.infer<typeof errorBodySchema>;

export interface ErrorMetadata {
  /** Default `none`: most errors are found before anything was sent. */
  readonly executed?: Executed;
  /** Path of the offending field, dots between names: `goal.reduce.k`. */
  readonly field?: string;
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
  /** Of a code that only a newer peer knows; default: what the code says. */
  readonly retryable?: boolean;
}

/** The one error class. Branch on `code`; the message says what to do and may change. */
export class NexusError extends Error {
  override readonly name = "NexusError";
  readonly code: ErrorCode;
  readonly executed: Executed;
  readonly field: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly retryable: boolean;

  constructor(code: ErrorCode, message: string, metadata: ErrorMetadata = {}) {
    super(message, metadata.cause === undefined ? undefined : { cause: metadata.cause });
    this.code = code;
    this.executed = metadata.executed ?? "none";
    this.field = metadata.field;
    this.retryAfterMs = metadata.retryAfterMs;
    this.retryable = metadata.retryable ?? errorCodes[code].retryable;
  }

  get family(): ErrorFamily {
    return errorCodes[this.code].family;
  }
}

export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorCodes, code);
}

/** The one mapper from anything thrown to what may be told to a peer. Foreign errors become `internal`, without their stack. */
export function toErrorBody(error: unknown): ErrorBody {
  if (!(error instanceof NexusError)) {
    const message = error instanceof Error ? error.message : String(error);
    return { code: "internal", message: clip(`internal error: ${message}`), retryable: false, executed: "unknown" };
  }
  return {
    code: error.code,
    message: clip(error.message),
    retryable: error.retryable,
    executed: error.executed,
    ...(error.field === undefined ? {} : { field: error.field.slice(0, limits.fieldPathCharsMax) }),
    ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
  };
}

/**
 * The error that a peer told of. A code that this build does not know becomes `internal`, keeps its message, and may be tried
 * again if the peer says so.
 */
export function fromErrorBody(body: ErrorBody): NexusError {
  const code = isErrorCode(body.code) ? body.code : undefined;
  return new NexusError(code ?? "internal", code === undefined ? `${body.code}: ${body.message}` : body.message, {
    executed: body.executed,
    ...(code === undefined ? { retryable: body.retryable } : {}),
    ...(body.field === undefined ? {} : { field: body.field }),
    ...(body.retryAfterMs === undefined ? {} : { retryAfterMs: body.retryAfterMs }),
  });
}

/** The number for NATS service statistics and the `Nats-Service-Error-Code` header. */
export function natsCodeOf(code: string): number {
  return isErrorCode(code) ? errorCodes[code].natsCode : 500;
}

function clip(message: string): string {
  return message.length <= limits.messageCharsMax ? message : `${message.slice(0, limits.messageCharsMax - 1)}…`;
}
