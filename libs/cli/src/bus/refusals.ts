import { NexusError } from "@nexus/contracts";
import type { Bus } from "../session.ts";

/** NATS drops what a user may not publish or subscribe to; to whoever waits for an answer that would look like silence. */

/** @param onRefusal told of each subject that the server refuses this user @returns what ends that */
export function listenForRefusals(bus: Bus, onRefusal: (refusal: NexusError) => void): () => void {
  return bus.onError((error) => {
    if (error instanceof NexusError && error.field === "subject") onRefusal(error);
  });
}

/** Waits until listeners have been told what the server refused of all that was sent before. */
export async function heardRefusals(bus: Bus): Promise<void> {
  await bus.flush();
  await bus.flush(); // a refusal comes before the second answer
  await new Promise((resolve) => setImmediate(resolve));
}
