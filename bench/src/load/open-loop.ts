import type { Load } from "../suite.ts";
import { LoadRecorder, type LoadReport, type Window } from "./load-report.ts";

/** Calls back whenever requests may have come due; the returned function ends that. */
export type Pace = (perSecond: number, due: () => void) => () => void;

/** Requests under way at which no further ones are sent, and the phase is void. */
export const UNDER_WAY_MAX = 20_000;

/**
 * An open loop: request k is due at k / rate, whatever became of those before it, and its latency counts from then. So
 * neither a slow answer nor the generator's own lateness hides a request.
 * @param send resolves with the good answer to one request, rejects with why there is none
 */
export async function runOpenLoop(
  send: () => Promise<void>,
  load: Extract<Load, { kind: "rate" }>,
  window: Window,
  deps: { readonly nowMs: () => number; readonly pace: Pace },
): Promise<LoadReport> {
  const { nowMs, pace } = deps;
  const beganMs = nowMs();
  const recorder = new LoadRecorder(load, beganMs, window);
  const intervalMs = 1_000 / load.perSecond;
  let next = 0;
  let underWay = 0;
  let ended = false;

  await new Promise<void>((resolve) => {
    const settled = (): void => {
      underWay--;
      if (ended && underWay === 0) resolve();
    };
    const sendOne = (dueMs: number): void => {
      if (underWay >= UNDER_WAY_MAX) {
        recorder.heldBack();
        return;
      }
      underWay++;
      recorder.sent(dueMs, nowMs());
      send()
        .then(
          () => recorder.answered(dueMs, nowMs()),
          (error: unknown) => recorder.failed(error),
        )
        .finally(settled);
    };
    const stop = pace(load.perSecond, () => {
      if (ended) return;
      for (let dueMs = beganMs + next * intervalMs; dueMs <= nowMs() && dueMs < recorder.untilMs; ) {
        sendOne(dueMs);
        next++;
        dueMs = beganMs + next * intervalMs;
      }
      if (nowMs() < recorder.untilMs) return;
      ended = true;
      stop();
      if (underWay === 0) resolve();
    });
  });
  return recorder.report();
}
