import { setTimeout as delay } from "node:timers/promises";
import { CheckError } from "./errors.ts";

const POLL_MS = 250;

/**
 * Asks again and again until there is an answer.
 * @param ask `undefined`: not yet
 * @param describe said when the deadline is over: what was there instead
 * @throws CheckError after the deadline, and the signal's reason at once
 */
export async function waitFor<T>(
  ask: () => Promise<T | undefined> | T | undefined,
  options: {
    readonly deadlineMs: number;
    readonly signal: AbortSignal;
    readonly describe: () => string;
    readonly pollMs?: number;
  },
): Promise<T> {
  const endMs = performance.now() + options.deadlineMs;
  for (;;) {
    options.signal.throwIfAborted();
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > endMs) throw new CheckError(`not within ${options.deadlineMs / 1_000} s: ${options.describe()}`);
    await delay(options.pollMs ?? POLL_MS, undefined, { signal: options.signal }).catch(() => {}); // its reason is thrown above
  }
}
