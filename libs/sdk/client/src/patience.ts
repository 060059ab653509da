import { NexusError } from "@nexus/contracts";
import type { Bus, BusMessage, Clock, RequestOptions } from "@nexus/ports";
import pRetry from "p-retry";

/** How calls wait, are repeated and are given up. */

export interface Patience {
  readonly retries: number;
  /** On the monotonic clock; no attempt begins later. */
  readonly untilMs: number;
  readonly signal: AbortSignal | undefined;
  readonly mayRetry: (error: NexusError) => boolean;
}

const RETRY_DELAY_MS = 100;
const RETRY_DELAY_MS_MAX = 2_000;

/** Repeats `attempt` with exponential, jittered delays, never before a refusal's `retryAfterMs`. */
export async function patiently<T>(attempt: () => Promise<T>, patience: Patience, clock: Clock): Promise<T> {
  const { signal } = patience;
  const leftMs = () => patience.untilMs - clock.monotonicMs();
  try {
    return await pRetry(attempt, {
      retries: patience.retries,
      minTimeout: RETRY_DELAY_MS,
      maxTimeout: RETRY_DELAY_MS_MAX,
      randomize: true,
      maxRetryTime: Math.max(0, leftMs()),
      ...(signal === undefined ? {} : { signal }),
      shouldRetry: async ({ error, retryDelay }) => {
        if (!(error instanceof NexusError) || !patience.mayRetry(error)) return false;
        const extraMs = (error.retryAfterMs ?? 0) - retryDelay;
        if (Math.max(retryDelay, error.retryAfterMs ?? 0) >= leftMs()) return false;
        if (extraMs > 0) await pause(extraMs, clock, signal);
        return leftMs() > retryDelay;
      },
    });
  } catch (error) {
    if (error instanceof NexusError || signal?.aborted !== true) throw error;
    throw new NexusError("cancelled", "the call was given up by its caller", { executed: "unknown", cause: error });
  }
}

/** Ends early, without an error, when the signal aborts. */
export function pause(delayMs: number, clock: Clock, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const finish = () => {
      timer.cancel();
      signal?.removeEventListener("abort", finish);
      resolve();
    };
    const timer = clock.schedule(delayMs, finish);
    signal?.addEventListener("abort", finish, { once: true });
  });
}

/**
 * A request that does not sit out its timeout when the connection breaks: an answer sent meanwhile is lost, and asking
 * again under the same id gets it.
 * @throws NexusError as `Bus.request`
 */
export async function requestWatched(bus: Bus, subject: string, data: Uint8Array, options: RequestOptions): Promise<BusMessage> {
  const broken = new AbortController();
  const stopWatching = bus.onStatus((status) => {
    if (status !== "connected") broken.abort();
  });
  const signal = options.signal === undefined ? broken.signal : AbortSignal.any([options.signal, broken.signal]);
  try {
    return await bus.request(subject, data, { ...options, signal });
  } catch (error) {
    if (!broken.signal.aborted || options.signal?.aborted === true) throw error;
    throw new NexusError("disconnected", `the connection broke while an answer on ${subject} was awaited`, {
      executed: "unknown",
      cause: error,
    });
  } finally {
    stopWatching();
  }
}

/** Faults of the way there or back, after which asking the same again is right. */
export function isTransportFault(error: NexusError): boolean {
  return error.code === "no-responders" || error.code === "disconnected" || error.code === "timeout";
}
