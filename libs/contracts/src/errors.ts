import { z } from "zod";
import { type ErrorCode, type ErrorFamily, errorCodes, isErrorCode } from "./error-codes.ts";
import { limits } from "./limits.ts";

export const executedSchema = z.enum(["none", "some", "all", "unknown"]).meta({
  id: "executed",
  title: "Executed",
  description: "What was carried out at agents. `unknown`: something was sent, nothing is confirmed",
});
export type Executed = z.infer<typeof executedSchema>;

export const errorBodySchema = z
  .object({
    code: z.string().min(1).max(64).describe("One of the error codes; treat one that you do not know by `retryable`"),
    message: z.string().max(limits.messageCharsMax).describe("What happened and what to do, for people; it may change"),
    retryable: z.boolean().describe("The very same request may succeed later"),
    executed: executedSchema,
    field: z
      .string()
      .max(limits.fieldPathCharsMax)
      .describe("Path of the field that is wrong, with dots between names: `goal.reduce.k`")
      .optional(),
    retryAfterMs: z.int().min(0).max(limits.timeoutMsMax).describe("Time to wait before trying again").optional(),
  })
  .meta({ id: "error", title: "Error", description: "Why something was not done" });
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

/** The one mapper from anything thrown to what may be told to a peer. Foreign errors become `internal`, without their stack. */
export function toErrorBody(error: unknown): ErrorBody {
  if (!(error instanceof NexusError)) {
    return { code: "internal", message: clip(`internal error: ${messageOf(error)}`), retryable: false, executed: "unknown" };
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

/** Anything can be thrown, such as what cannot even become a string: this tells it in any case. */
export function messageOf(error: unknown): string {
  try {
    return String(error instanceof Error ? error.message : error);
  } catch {
    return "something was thrown that cannot be told as text";
  }
}

/** What was thrown, as an error. */
export function errorOf(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(messageOf(thrown));
}

function clip(message: string): string {
  return message.length <= limits.messageCharsMax ? message : `${message.slice(0, limits.messageCharsMax - 1)}…`;
}
