import { parentPort, workerData } from "node:worker_threads";

/** The thread of `pacer.ts`: sleeps until the next request is due, says so, and so on until it is terminated. */

/** Shorter intervals are told together, so that a high rate does not become a flood of wake-ups. */
const TICK_MS_MIN = 0.25;

const { intervalMs } = workerData as { intervalMs: number };
const tickMs = Math.max(TICK_MS_MIN, intervalMs);
const never = new Int32Array(new SharedArrayBuffer(4));
const beganMs = performance.now();

for (let tick = 1; ; tick++) {
  const restMs = beganMs + tick * tickMs - performance.now();
  if (restMs > 0) Atomics.wait(never, 0, 0, restMs);
  parentPort?.postMessage(undefined);
}
