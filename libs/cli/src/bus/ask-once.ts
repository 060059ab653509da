import { decode, type JsonValue } from "@nexus/contracts";
import type { Bus } from "../session.ts";
import { listenForRefusals } from "./refusals.ts";

/**
 * One question to whoever answers first.
 * @throws NexusError `no-responders`, `timeout`, `disconnected`, or what the server refuses this user
 */
export async function askOnce(bus: Bus, subject: string, body: Uint8Array, timeoutMs: number): Promise<JsonValue> {
  const refused = Promise.withResolvers<never>();
  const stopRefusals = listenForRefusals(bus, refused.reject);
  refused.promise.catch(() => {}); // it may come when the answer is already there
  try {
    const answer = await Promise.race([bus.request(subject, body, { timeoutMs }), refused.promise]);
    return decode(answer.data);
  } finally {
    stopRefusals();
  }
}
