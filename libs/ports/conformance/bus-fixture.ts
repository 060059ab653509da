import { NexusError } from "@nexus/contracts";
import type { Bus, BusMessage } from "@nexus/ports";

/** One server, or what stands for it, and connections to it. */
export interface BusFixture {
  /** Closed by `stop`, if the test did not. */
  connect(): Promise<Bus>;
  /** The server goes away: every connection is lost. */
  interrupt(): Promise<void>;
  /** The server comes back where it was. */
  restore(): Promise<void>;
  stop(): Promise<void>;
}

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const text = (message: BusMessage): string => new TextDecoder().decode(message.data);

/** The code of the NexusError that the action throws or rejects with; anything else fails the test. */
export async function codeOf(action: () => unknown): Promise<string> {
  try {
    await action();
  } catch (error) {
    if (error instanceof NexusError) return error.code;
    throw new Error("expected a NexusError", { cause: error });
  }
  return "nothing was thrown";
}
