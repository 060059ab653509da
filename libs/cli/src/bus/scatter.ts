import { systemClock } from "@nexus/adapter-node";
import { decode, type JsonValue, type NexusError } from "@nexus/contracts";
import type { Bus } from "../session.ts";
import { listenForRefusals } from "./refusals.ts";

/** Answers come at once, and nobody says how many there will be: it is the first silence that ends the question. */
const FIRST_ANSWER_MS = 1_000;
const SILENCE_MS = 300;
/** Whoever goes on answering ends nothing, and would keep whoever asked. */
const ALL_ANSWERS_MS = 5_000;
const ANSWERS_MAX = 10_000;
/** Of NATS, in the answer that says that nobody listens. */
const STATUS_HEADER = "Status";

/**
 * Asks everybody who listens on a subject.
 * @param read what an answer means; one that it throws at is no answer
 * @throws NexusError what the server refuses this user
 */
export async function scatter<T>(bus: Bus, subject: string, body: Uint8Array, read: (answer: JsonValue) => T): Promise<T[]> {
  const found: T[] = [];
  let refused: NexusError | undefined;
  const stopRefusals = listenForRefusals(bus, (refusal) => {
    refused ??= refusal;
  });
  const end = Promise.withResolvers<void>();
  let answers = 0;
  let timer = systemClock.schedule(FIRST_ANSWER_MS, end.resolve);
  const last = systemClock.schedule(ALL_ANSWERS_MS, end.resolve);
  const inbox = bus.newInbox();
  const subscription = bus.subscribe(inbox, ({ data, headers }) => {
    timer.cancel();
    if (answers >= ANSWERS_MAX) return; // what came with the last one
    if (data.byteLength === 0 && headers[STATUS_HEADER] !== undefined) return end.resolve();
    const answer = readOr(() => read(decode(data)));
    if (answer !== undefined) found.push(answer);
    if (++answers >= ANSWERS_MAX) end.resolve();
    else timer = systemClock.schedule(SILENCE_MS, end.resolve);
  });
  try {
    bus.publish(subject, body, { reply: inbox });
    await bus.flush();
    if (refused === undefined) await end.promise;
  } finally {
    timer.cancel();
    last.cancel();
    subscription.unsubscribe();
    stopRefusals();
  }
  if (refused !== undefined) throw refused;
  return found;
}

function readOr<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined; // somebody else's frame, or of another version; who counts answers sees that it is not there
  }
}
