import { decode, type JsonValue, NexusError } from "@nexus/contracts";
import type { Bus } from "../session.ts";

/**
 * One question to whoever answers first. A refusal by the server is told as such: NATS drops what a user may not publish,
 * and without this it would look like silence.
 * @throws NexusError `no-responders`, `timeout`, `disconnected`, or what the server refuses this user
 */
export async function askOnce(bus: Bus, subject: string, body: Uint8Array, timeoutMs: number): Promise<JsonValue> {
  const refused = Promise.withResolvers<never>();
  const stopErrors = bus.onError((error) => {
    if (error instanceof NexusError && error.field === "subject") refused.reject(error);
  });
  refused.promise.catch(() => {}); // it may come when the answer is already there
  try {
    const answer = await Promise.race([bus.request(subject, body, { timeoutMs }), refused.promise]);
    return decode(answer.data);
  } finally {
    stopErrors();
  }
}
