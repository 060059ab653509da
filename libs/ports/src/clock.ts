/** Time from outside, so that engines and SDKs run in virtual time as well as in real time. */
export interface Clock {
  /** Milliseconds since 1970 (UTC); may jump. For deadlines and timestamps that leave the process. */
  epochMs(): number;
  /** Milliseconds from an arbitrary origin, fractional, never going back. For durations. */
  monotonicMs(): number;
  /** Runs `action` once, after at least `delayMs` (0: in a later turn of the event loop). Does not keep the process alive. */
  schedule(delayMs: number, action: () => void): Timer;
}

export interface Timer {
  /** After it, the action does not run. Harmless when it already has. */
  cancel(): void;
}
