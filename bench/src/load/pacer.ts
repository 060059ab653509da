import { Worker } from "node:worker_threads";
import type { Pace } from "./open-loop.ts";

/**
 * Ticks at the rate of an open loop, from a thread of its own: timers of Node count whole milliseconds, which is more
 * than an answer takes, and a loop that spins would take a core away from what is measured.
 */
export const pace: Pace = (perSecond, due) => {
  const worker = new Worker(new URL("./pacer-thread.ts", import.meta.url), { workerData: { intervalMs: 1_000 / perSecond } });
  worker.on("message", due);
  return () => void worker.terminate();
};
