import type { OtlpEncoding } from "./decode-traces.ts";
import { otlpTypes } from "./otlp-types.ts";

/** What a receiver answers: all was taken, or all but so many spans and why. */
export function exportAnswer(encoding: OtlpEncoding, rejected: number, reason: string | undefined): Uint8Array {
  const answer = rejected === 0 ? {} : { partialSuccess: { rejectedSpans: rejected, errorMessage: reason ?? "" } };
  if (encoding === "json") return new TextEncoder().encode(JSON.stringify(answer));
  return otlpTypes.exportResponse.encode(otlpTypes.exportResponse.fromObject(answer)).finish();
}

/** The body of a failure, `google.rpc.Status`. */
export function exportFailure(encoding: OtlpEncoding, message: string): Uint8Array {
  const failure = { message };
  if (encoding === "json") return new TextEncoder().encode(JSON.stringify(failure));
  return otlpTypes.failure.encode(otlpTypes.failure.fromObject(failure)).finish();
}
