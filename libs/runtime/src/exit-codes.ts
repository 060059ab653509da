import { type CoordinationResult, isGoalMet, type NexusError } from "@nexus/contracts";

/** An entry of its own: the command line needs no more of the chassis, and starts in half the time without it. */

/** 0: done as wanted. 1: not done, or something was away. 2: the input has to be corrected first. */
export type ExitCode = 0 | 1 | 2;

export function exitCodeOf(result: Pick<CoordinationResult, "status" | "error">): ExitCode {
  return isGoalMet(result) ? 0 : 1;
}

export function exitCodeOfError(error: NexusError): ExitCode {
  return error.family === "rejected" && error.code !== "cancelled" && error.code !== "handler-failed" ? 2 : 1;
}
