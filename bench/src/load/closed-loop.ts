import type { Load } from "../suite.ts";
import { LoadRecorder, type LoadReport, type Window } from "./load-report.ts";

/**
 * A closed loop: N requests under way, each place sends its next one when its answer is there. A slow answer so holds
 * back the requests behind it (coordinated omission): the report's corrected histogram puts them back in.
 * @param send resolves with the good answer to one request, rejects with why there is none
 */
export async function runClosedLoop(
  send: () => Promise<void>,
  load: Extract<Load, { kind: "in-flight" }>,
  window: Window,
  nowMs: () => number,
): Promise<LoadReport> {
  const recorder = new LoadRecorder(load, nowMs(), window);
  const place = async (): Promise<void> => {
    for (let sentMs = nowMs(); sentMs < recorder.untilMs; sentMs = nowMs()) {
      try {
        await send();
        recorder.answered(sentMs, nowMs());
      } catch (error) {
        recorder.failed(error);
        await breath();
      }
    }
  };
  await Promise.all(Array.from({ length: load.inFlight }, place));
  return recorder.report();
}

/** What fails at once must not turn the loop into one that never yields. */
function breath(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1));
}
