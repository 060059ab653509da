import { errorOf, NexusError } from "@nexus/contracts";
import { ErrorCode, NatsError } from "nats";

/** What a failure of the client library means on the bus. Errors that are already ours pass. */
export function toBusError(error: unknown, subject: string): Error {
  if (!(error instanceof NatsError)) return errorOf(error);
  const cause = error;
  switch (error.code) {
    case ErrorCode.MaxPayloadExceeded:
      return new NexusError("too-large", `the message on ${subject} exceeds the server's max_payload`, { cause });
    case ErrorCode.ConnectionClosed:
    case ErrorCode.ConnectionDraining:
    case ErrorCode.ConnectionRefused:
    case ErrorCode.Disconnect:
      return disconnected(cause);
    case ErrorCode.PermissionsViolation:
      return subscribeRefused(subject, cause);
    default:
      return error;
  }
}

export function disconnected(cause?: unknown): NexusError {
  return new NexusError("disconnected", "the bus is not connected or draining", { cause });
}

export function publishRefused(subject: string, cause: Error): NexusError {
  return new NexusError("invalid-field", `the server does not allow this user to publish to ${subject}`, {
    field: "subject",
    cause,
  });
}

export function cancelled(subject: string): NexusError {
  return new NexusError("cancelled", `the request on ${subject} was cancelled`, { executed: "unknown" });
}

export function timedOut(subject: string): NexusError {
  return new NexusError("timeout", `no answer on ${subject} in time`, { executed: "unknown" });
}

export function noResponders(subject: string): NexusError {
  return new NexusError("no-responders", `nobody listens on ${subject}`);
}

function subscribeRefused(subject: string, cause: Error): NexusError {
  const message = `the server does not allow this user to subscribe to ${subject}: ${cause.message}`;
  return new NexusError("invalid-field", message, { field: "subject", cause });
}
