import type { Clock } from "@nexus/ports";

/** Calls `write` with the number of lines that were omitted since the last one, or omits this one too. */
export type LogLimit = (write: (omitted: number) => void) => void;

const LINES_MAX_DEFAULT = 20;
const WINDOW_MS_DEFAULT = 1_000;

/** For lines that a peer can cause: a flood of messages must not become a flood of lines. */
export function createLogLimit(
  clock: Pick<Clock, "monotonicMs">,
  linesMax: number = LINES_MAX_DEFAULT,
  windowMs: number = WINDOW_MS_DEFAULT,
): LogLimit {
  let beganMs = Number.NEGATIVE_INFINITY;
  let lines = 0;
  let omitted = 0;
  return (write) => {
    const nowMs = clock.monotonicMs();
    if (nowMs - beganMs >= windowMs) {
      beganMs = nowMs;
      lines = 0;
    }
    if (lines >= linesMax) {
      omitted++;
      return;
    }
    lines++;
    write(omitted);
    omitted = 0;
  };
}
