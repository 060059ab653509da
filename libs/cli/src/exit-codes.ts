import type { CoordinationRequest, CoordinationResult, NexusError } from "@nexus/contracts";

/** 0: done as wanted. 1: not done. 2: the input has to be corrected first. */
export type ExitCode = 0 | 1 | 2;

/** A partial result is what was wanted only where the request said that it would do. */
export function exitCodeOf(result: Pick<CoordinationResult, "status">, request: Pick<CoordinationRequest, "degrade">): ExitCode {
  if (result.status === "completed") return 0;
  return result.status === "partial" && request.degrade?.includes("partial") === true ? 0 : 1;
}

export function exitCodeOfError(error: NexusError): ExitCode {
  return error.family === "rejected" && error.code !== "cancelled" && error.code !== "handler-failed" ? 2 : 1;
}
