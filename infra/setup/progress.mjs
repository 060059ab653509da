// @ts-check
/**
 * Says on stderr what the set-up does and for how long. stdout belongs to the program that follows.
 *
 * A terminal gets one line that counts the seconds; anything else gets plain lines: one at the start, one
 * each 15 s so that a log shows life, one at the end.
 */

const TERMINAL_REFRESH_MS = 100;
const LOG_REMINDER_MS = 15_000;
const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

/**
 * @typedef {object} ProgressStep
 * @property {(text?: string) => void} done   ends the step well, with its time
 * @property {(reason: string) => void} fail  ends the step badly, with its time and why
 *
 * @typedef {object} Progress
 * @property {(text: string) => void} line
 * @property {(label: string) => ProgressStep} step  one step at a time
 */

/** @param {number} ms  @returns {string} seconds with one decimal below a minute, else minutes and seconds */
export function formatElapsed(ms) {
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.floor(ms / 1_000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/**
 * @param {{write: (text: string) => unknown, isTTY?: boolean}} [stream]
 * @param {string} [speaker]  begins every line
 * @returns {Progress}
 */
export function createProgress(stream = process.stderr, speaker = "setup") {
  const onTerminal = stream.isTTY === true;
  /** @param {string} text */
  const line = (text) => stream.write(`${onTerminal ? "\r\u001b[K" : ""}${speaker}: ${text}\n`);

  return {
    line,
    step(label) {
      const startedAt = performance.now();
      const elapsed = () => formatElapsed(performance.now() - startedAt);
      let frame = 0;
      const draw = () => {
        stream.write(`\r\u001b[K${FRAMES[frame++ % FRAMES.length]} ${speaker}: ${label} … ${elapsed()}`);
      };
      const remind = () => line(`${label} … still at it after ${elapsed()}`);
      if (onTerminal) draw();
      else line(`${label} …`);
      const timer = setInterval(onTerminal ? draw : remind, onTerminal ? TERMINAL_REFRESH_MS : LOG_REMINDER_MS);
      timer.unref();
      return {
        done(text = label) {
          clearInterval(timer);
          line(`${text} (${elapsed()})`);
        },
        fail(reason) {
          clearInterval(timer);
          line(`${label}: ${reason} (after ${elapsed()})`);
        },
      };
    },
  };
}
